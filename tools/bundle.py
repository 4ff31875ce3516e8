"""One archive that installs MIDAS where there is no internet, and the list of what it is made of.

    python tools/bundle.py sbom     dist/sbom-python.cdx.json, dist/sbom-pages.cdx.json
    python tools/bundle.py          those, and dist/midas-VERSION-offline.tar

The archive holds MIDAS's wheel with its pages' files, every wheel of `requirements/demo.lock` for this machine's kind of
system and Python, both lists, `SHA256SUMS`, and `install.sh`, which asks nothing of a network. Made whole or not at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

from build_assets import VIEWER, npm

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
LOCK = ROOT / "requirements" / "demo.lock"
INSTALL = """\
#!/bin/sh
# Install MIDAS from this folder into DIR (default: ./midas), without any network.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
to=${1:-midas}
(cd "$here" && sha256sum --quiet -c SHA256SUMS)
"${PYTHON:-python3}" -m venv "$to"
"$to/bin/python" -m pip install -q --disable-pip-version-check --no-index --find-links "$here/wheels" \\
  --require-hashes -r "$here/requirements.txt"
"$to/bin/python" -m pip install -q --disable-pip-version-check --no-index --no-deps "$here"/midas_platform-*.whl
"$to/bin/midas" --version
echo "Next: $to/bin/midas hub init    or    $to/bin/midas spoke init"
"""


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run([str(one) for one in command], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{Path(str(command[0])).name}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def sboms() -> tuple[Path, Path]:
    """Write both lists (CycloneDX JSON) from the lock files and return where they are."""
    DIST.mkdir(exist_ok=True)
    python, pages = DIST / "sbom-python.cdx.json", DIST / "sbom-pages.cdx.json"
    beside = Path(sys.executable).with_name("cyclonedx-py")
    listed = run(
        beside, "requirements", LOCK, "--pyproject", ROOT / "pyproject.toml", "--output-reproducible"
    )
    python.write_text(listed, "utf-8")
    listed = run(npm(), "sbom", "--package-lock-only", "--omit=dev", "--sbom-format=cyclonedx")
    parts = json.loads(listed)
    parts["components"].append(_viewer())
    pages.write_text(json.dumps(parts, indent=2), "utf-8")
    for path in (python, pages):
        parts = json.loads(path.read_text("utf-8"))["components"]
        print(f"{path.relative_to(ROOT)}: {len(parts)} parts")
    return python, pages


def _viewer() -> dict[str, object]:
    """Return the part that is fetched by its digest and stands in no lock file."""
    named, digest = VIEWER
    name, _, version = named.rpartition("@")
    purl = f"pkg:npm/{name.replace('@', '%40')}@{version}"
    content = base64.b64decode(digest.removeprefix("sha512-")).hex()
    return {
        "bom-ref": named, "type": "library", "name": name, "version": version, "purl": purl,
        "licenses": [{"license": {"id": "MIT"}}], "hashes": [{"alg": "SHA-512", "content": content}],
    }  # fmt: skip


def bundle() -> Path:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    target = DIST / f"midas-{version}-offline.tar"
    lists = sboms()
    with tempfile.TemporaryDirectory(dir=DIST) as aside:
        folder = Path(aside) / f"midas-{version}-offline"
        folder.mkdir()
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
        run(*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT)
        run(*pip, "wheel", "-q", "--require-hashes", "-r", LOCK, "-w", folder / "wheels")
        _locked(folder)
        for path in (*lists, ROOT / "LICENSE"):
            shutil.copy(path, folder)
        (folder / "install.sh").write_text(INSTALL, "utf-8")
        (folder / "install.sh").chmod(0o755)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        sums = [f"{_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
        (folder / "SHA256SUMS").write_text("".join(sums), "utf-8")
        part = Path(aside) / target.name
        with tarfile.open(part, "w") as archive:
            archive.add(folder, folder.name)
        part.replace(target)
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size / 1e6:,.0f} MB, {len(files)} files")
    return target


def _locked(folder: Path) -> None:
    """Pin each wheel that is in the folder: some were built here from source, so that the lock's hashes are not theirs."""
    lines = []
    for path in sorted((folder / "wheels").glob("*.whl")):
        name, version = path.name.split("-")[:2]
        lines.append(f"{name}=={version} --hash=sha256:{_sha256(path)}\n")
    (folder / "requirements.txt").write_text("".join(lines), "utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


if __name__ == "__main__":
    sboms() if "sbom" in sys.argv[1:] else bundle()
