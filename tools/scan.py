"""Look for secrets in what is committed, and for known faults in what is depended on.

    python tools/scan.py            both
    python tools/scan.py secrets    secrets only

Secrets: detect-secrets' detectors of keys, tokens and passwords over every text file that git tracks; a line that only
looks like one says `pragma: allowlist secret`. Faults: pip-audit over `requirements/demo.lock`; where no database of
advisories can be reached it says so and fails nothing. Exit 1 where anything was found.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).resolve().parent.parent
DETECTORS = (
    "ArtifactoryDetector", "AWSKeyDetector", "AzureStorageKeyDetector", "BasicAuthDetector", "CloudantDetector",
    "DiscordBotTokenDetector", "GitHubTokenDetector", "GitLabTokenDetector", "IbmCloudIamDetector", "JwtTokenDetector",
    "KeywordDetector", "MailchimpDetector", "NpmDetector", "OpenAIDetector", "PrivateKeyDetector", "PypiTokenDetector",
    "SendGridDetector", "SlackDetector", "SquareOAuthDetector", "StripeDetector", "TelegramBotTokenDetector",
    "TwilioKeyDetector",
)  # fmt: skip
GENERATED = (".lock", ".po", ".svg", "package-lock.json", "openapi.json")
TABLES = ("src/midas/deid/tables/", "src/midas/deid/words/", "tools/words/")
"""Lists of words and codes of standards, made by tools: no place for a key, and large."""

MADE_UP = ("tests/", "benchmarks/")
"""Full of passwords of nobody, so that the word `password` says nothing there; keys are looked for as everywhere."""


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    names = [name for name in listed.decode().split("\0") if name]
    return [name for name in names if not name.endswith(GENERATED) and not name.startswith(TABLES)]


def suspicious(name: str) -> list[str]:
    path = ROOT / name
    if not path.is_file() or b"\0" in path.read_bytes()[:8192]:
        return []
    asked = [one for one in DETECTORS if not (one == "KeywordDetector" and name.startswith(MADE_UP))]
    with transient_settings({"plugins_used": [{"name": one} for one in asked]}):
        return [f"{name}:{found.line_number}: {found.type}" for found in scan_file(str(path))]


def secrets() -> int:
    with ProcessPoolExecutor() as pool:
        found = [line for lines in pool.map(suspicious, tracked(), chunksize=32) for line in lines]
    for line in found:
        print(line)
    print(f"secrets: {len(found)} found" if found else "secrets: none")
    return len(found)


def faults() -> int:
    """Audit one small lock first: without a database every package is skipped, and the large one would be for nothing."""
    if not audited("tools.lock")[0]:
        print("known faults: not compared, no database of advisories can be reached from here")
        return 0
    compared, found = audited("demo.lock")
    for line in found:
        print(line)
    print(f"known faults: {len(found)} in {compared} packages")
    return len(found)


def audited(lock: str) -> tuple[int, list[str]]:
    """Return how many packages could be compared, and a line for each known fault."""
    with tempfile.NamedTemporaryFile(suffix=".json") as answer:
        command = [
            "-m", "pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off", "-f", "json",
            "-o", answer.name, "-r", f"requirements/{lock}",
        ]  # fmt: skip
        subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, check=False)
        text = Path(answer.name).read_text("utf-8")
    packages = [one for one in json.loads(text or "{}").get("dependencies", ()) if "vulns" in one]
    return len(packages), [
        f"{one['name']} {one['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'no version'}"
        for one in packages
        for fault in one["vulns"]
    ]


if __name__ == "__main__":
    sys.exit(bool(secrets() + (0 if "secrets" in sys.argv[1:] else faults())))
