"""Run one peer over a folder with the defaults of its nearest research profile: drive.py TOOL IN OUT.

Runs inside the peer's own environment. Outputs lie under OUT/clean; OUT/pairs.json says which came from which, where the
tool tells; OUT/errors.json counts what it refused.
"""

from __future__ import annotations

import collections
import csv
import json
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ERRORS: collections.Counter[str] = collections.Counter()


def main(tool: str, source: Path, out: Path) -> None:
    clean = out / "clean"
    clean.mkdir(parents=True)
    start = time.perf_counter()
    pairs = globals()[tool.replace("-", "_")](source, clean, out)
    took = time.perf_counter() - start
    (out / "result.json").write_text(json.dumps({"seconds": took, "errors": ERRORS, "pairs": pairs}))


def each(source: Path, clean: Path, work) -> dict[str, str]:
    pairs = {}
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        target = clean / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            work(path, target)
        except Exception as problem:  # noqa: BLE001 - a peer's failure is a result
            ERRORS[type(problem).__name__] += 1
            target.unlink(missing_ok=True)
            continue
        if not target.exists():
            ERRORS["no output"] += 1
            continue
        pairs[str(path.relative_to(source))] = str(target.relative_to(clean))
    return pairs


def dentdeid(source: Path, clean: Path, out: Path) -> dict[str, str]:
    made = out / "made"
    program = Path(sys.executable).parent / "dentdeid"
    subprocess.run(
        [
            program,
            "run",
            source,
            "-o",
            made,
            "-p",
            "research",
            "--key-file",
            out / "key",
            "--write-mapping",
            "--no-previews",
        ],
        check=False,
        capture_output=True,
    )
    pairs = {}
    with (made / "KEEP-PRIVATE" / "mapping.csv").open(encoding="utf-8") as stream:
        for before, after in list(csv.reader(stream))[1:]:
            if after.startswith("clean/"):
                pairs[str(Path(before).relative_to(source))] = after.removeprefix("clean/")
    shutil.rmtree(clean)
    shutil.move(made / "clean", clean)
    return pairs


def dicom_anonymizer(source: Path, clean: Path, _: Path) -> dict[str, str]:
    from dicomanonymizer import anonymize

    return each(source, clean, lambda a, b: anonymize(str(a), str(b), {}, True))


def deid(source: Path, clean: Path, out: Path) -> dict[str, str]:
    from deid.config import DeidRecipe
    from deid.dicom import replace_identifiers

    recipe = DeidRecipe()
    (out / "one").mkdir()

    def one(before: Path, after: Path) -> None:
        made = replace_identifiers(
            [str(before)], deid=recipe, save=True, output_folder=str(out / "one"), overwrite=True
        )
        shutil.move(made[0], after)

    return each(source, clean, one)


def dicognito(source: Path, clean: Path, _: Path) -> dict[str, str]:
    import pydicom
    from dicognito.anonymizer import Anonymizer

    tool = Anonymizer()

    def one(before: Path, after: Path) -> None:
        with pydicom.dcmread(before, force=False) as ds:
            tool.anonymize(ds)
            ds.save_as(after, enforce_file_format=True)

    return each(source, clean, one)


def dcmanon(source: Path, clean: Path, _: Path) -> dict[str, str]:
    from dcmanon import Anonymizer

    tool = Anonymizer()
    return each(source, clean, lambda a, b: b.write_bytes(tool.anonymize(str(a))))


def isocenter(source: Path, clean: Path, out: Path) -> dict[str, str]:
    from isocenter import Session

    with Session(str(out / "project.db")) as session:
        session.ingest(str(source))
        session.anonymize(session.audit())
        session.export(str(clean))
    return {}


def gdcmanon(source: Path, clean: Path, out: Path) -> dict[str, str]:
    subject = ["-subj", "/CN=bench", "-days", "2", "-nodes", "-newkey", "rsa:2048"]
    subprocess.run(
        ["openssl", "req", "-x509", *subject, "-keyout", out / "key.pem", "-out", out / "cert.pem"],
        check=True,
        capture_output=True,
    )
    folders = {p.parent for p in source.rglob("*") if p.is_file()}
    for folder in folders:
        (clean / folder.relative_to(source)).mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["gdcmanon", "-e", "-r", "--continue", "-i", source, "-o", clean, "-c", out / "cert.pem"],
        check=False,
        capture_output=True,
    )

    def one(before: Path, after: Path) -> None:
        if not after.exists():  # one file that it refuses ends its walk
            subprocess.run(
                ["gdcmanon", "-e", "-i", before, "-o", after, "-c", out / "cert.pem"],
                check=True,
                capture_output=True,
            )

    return each(source, clean, one)


def orthanc(source: Path, clean: Path, out: Path) -> dict[str, str]:
    port = 18000 + hash(str(out)) % 1000
    settings = {
        "StorageDirectory": str(out / "store"),
        "IndexDirectory": str(out / "store"),
        "HttpPort": port,
        "DicomServerEnabled": False,
        "AuthenticationEnabled": False,
        "RemoteAccessAllowed": False,
        "Plugins": [],
    }
    (out / "orthanc.json").write_text(json.dumps(settings))
    program = shutil.which("Orthanc") or "/usr/sbin/Orthanc"
    server = subprocess.Popen(
        [program, str(out / "orthanc.json")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        return _asked(f"http://127.0.0.1:{port}", source, clean)
    finally:
        server.terminate()
        server.wait(30)


def _asked(root: str, source: Path, clean: Path) -> dict[str, str]:
    def call(path: str, data: bytes | None = None) -> bytes:
        with urllib.request.urlopen(urllib.request.Request(root + path, data=data), timeout=120) as answer:
            return bytes(answer.read())

    for _ in range(100):
        try:
            call("/system")
            break
        except OSError:
            time.sleep(0.2)
    came: dict[str, str] = {}
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        try:
            came[json.loads(call("/instances", path.read_bytes()))["ID"]] = str(path.relative_to(source))
        except OSError as problem:
            ERRORS[type(problem).__name__] += 1
    pairs = {}
    start = time.perf_counter()
    for patient in json.loads(call("/patients")):
        made = json.loads(call(f"/patients/{patient}/anonymize", b"{}"))
        for instance in json.loads(call(f"/patients/{made['ID']}/instances")):
            name = f"{instance['ID']}.dcm"
            (clean / name).write_bytes(call(f"/instances/{instance['ID']}/file"))
            before = call(f"/instances/{instance['ID']}/metadata/AnonymizedFrom").decode()
            pairs[came[before]] = name
    ERRORS["anonymise+download ms"] = round(1000 * (time.perf_counter() - start))
    return pairs


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve())
