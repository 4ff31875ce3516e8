"""Planting: copies of a site's own files, and made ones of kinds that it has not got, become a corpus with an answer key.

In come source files and a seed, out come a folder that looks as a hospital exports it, and the `Answers` to it. Sources
are only read; everything written belongs to persons who do not exist. The same seed plants the same corpus.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID

from midas.deid.audit import attributes, burned, documents, made, parts
from midas.deid.audit.answers import Answers, Planted
from midas.deid.audit.outputs import unchecked
from midas.deid.audit.people import Person, people
from midas.deid.audit.sheet import Sheet
from midas.kernel import BadInput

AREAS = frozenset({"attributes", "parts", "pixels", "documents"})
DOCUMENT_KINDS = frozenset(kind for kind, _, _ in documents.DOCUMENTS)
LARGEST = 24 << 20
"""Bytes; larger files are not copied: an audit has to end, and size hides nothing that smaller ones do not."""
PER_PERSON = 7
_S = "1.2.840.10008.5.1.4.1.1."
_KIND = {
    "1": "cr",
    "1.1": "dx",
    "1.2": "mg",
    "1.3": "px",
    "2": "ct",
    "2.1": "ct",
    "3.1": "us",
    "6.1": "us",
    "4": "mr",
    "4.1": "mr",
    "7": "sc",
    "7.1": "sc",
    "7.2": "sc",
    "7.4": "sc",
    "12.1": "xa",
    "12.2": "xa",
    "77.1.4": "xc",
    "77.1.1": "xc",
    "77.1.6": "sm",
    "20": "nm",
    "128": "pt",
    "66.4": "seg",
    "481.1": "rt",
    "481.2": "rt",
    "481.3": "rt",
    "481.5": "rt",
    "88.11": "sr",
    "88.22": "sr",
    "88.33": "sr",
    "104.1": "pdf",
    "104.2": "cda",
    "9.1.1": "ecg",
    "9.1.2": "ecg",
    "11.1": "pr",
}


@dataclass(frozen=True)
class _Wanted:
    """One file to come: from a source, or made; `plain` says that its picture holds no text of its own."""

    source: Path | None
    kind: str
    maker: Callable[..., Dataset] | None = None
    plain: bool = True


def kind_of(ds: Dataset) -> str:
    """Return the short kind (ct, us, sr, …) of a dataset by its SOP class."""
    return _KIND.get(str(ds.get("SOPClassUID", "")).removeprefix(_S), "other")


def plant(
    sources: Iterable[Path],
    *,
    out: Path,
    seed: int,
    number: int = 200,
    areas: frozenset[str] = AREAS,
    textless: Callable[[Path], bool] | None = None,
) -> Answers:
    """Plant `number` files under `out` and return the key to them; `BadInput` where `out` is not empty.

    `textless` says of a source whether its picture is known to hold no text: only such pictures must come out untouched.
    """
    if out.exists() and any(out.iterdir()):
        raise BadInput("The folder for the planted corpus is not empty.", advice="Name a new folder.")
    rng = random.Random(seed)  # noqa: S311 - a corpus, not a key
    wanted = _wanted(sorted(sources), number, areas, textless or (lambda _: False), rng)
    persons = people(max(2, len(wanted) // PER_PERSON), rng)
    found: list[tuple[Planted, Sheet]] = []
    with unchecked():
        while wanted:
            person = persons[len(found) % len(persons)]
            sheet = Sheet(len(found), person, rng.choice(person.studies))
            one = wanted.pop(0)
            if planted := _planted(one, sheet, out, areas, rng):
                found.append((planted, sheet))
            elif (
                one.source is not None
            ):  # a source that cannot be planted in gives its place to one that is made
                wanted += _made(1, areas, rng)
    return _answers(out, seed, found)


def _answers(out: Path, seed: int, found: list[tuple[Planted, Sheet]]) -> Answers:
    days = {
        sheet.person.number: tuple(
            sorted(
                {
                    f"{day + timedelta(days=gap):%Y%m%d}"
                    for day in (s.day for s in sheet.person.studies)
                    for gap in (0,)
                }
                | {f"{sheet.person.born:%Y%m%d}"}
            )
        )
        for _, sheet in found
    }
    sheets = [sheet for _, sheet in found]
    return Answers(
        out,
        seed,
        tuple(planted for planted, _ in found),
        tuple(c for s in sheets for c in s.checks),
        tuple(secret for s in sheets for secret in s.secrets),
        tuple(line for s in sheets for line in s.lines),
        days,
    )


def _wanted(
    sources: Sequence[Path],
    number: int,
    areas: frozenset[str],
    textless: Callable[[Path], bool],
    rng: random.Random,
) -> list[_Wanted]:
    own = [_Wanted(path, "", None, textless(path)) for path in sources]
    rng.shuffle(own)
    own = own[: number * 11 // 20]
    new = _made(number - len(own), areas, rng)
    both = own + new
    rng.shuffle(both)
    return both


def _made(number: int, areas: frozenset[str], rng: random.Random) -> list[_Wanted]:
    """Draw objects to be made, by their shares."""
    kinds: list[tuple[str, Callable[..., Dataset], int]] = list(made.MAKERS)
    if "documents" in areas:
        kinds += documents.DOCUMENTS
    weights = [share for _, _, share in kinds]
    return [_Wanted(None, kind, maker) for kind, maker, _ in rng.choices(kinds, weights, k=max(0, number))]


def _planted(
    one: _Wanted, sheet: Sheet, out: Path, areas: frozenset[str], rng: random.Random
) -> Planted | None:
    ds, kind = _dataset(one, sheet, rng)
    if ds is None:
        return None
    _identified(ds, sheet, kind)
    attributes.plant_attributes(ds, sheet, rng)
    _by_kind(ds, sheet, kind)
    drawn = "pixels" in areas and burned.draw(ds, sheet, rng, kind)
    if "parts" in areas:
        parts.plant_parts(ds, sheet, rng)
        parts.plant_meta(ds, sheet, rng)
    attributes.note_the_rest(ds, sheet)
    image = "PixelData" in ds and kind != "seg"
    whole = one.plain and "LABEL" not in (ds.get("ImageType") or ())
    clean = image and not drawn and whole
    if clean or (drawn and whole):
        sheet.must("pixels_retained", "tcia", 0x7FE00010, area="clean" if clean else "outside")
    path = _place(out, sheet, kind)
    try:
        pydicom.dcmwrite(path, ds, enforce_file_format=True)
        if "parts" in areas:
            parts.finish(path, sheet, rng)
    except Exception:  # noqa: BLE001 - a source that cannot be written again is no ground to plant on
        path.unlink(missing_ok=True)
        return None
    for what in ("name.joined", "uhid"):
        sheet.hidden(what, re.sub(r"[^\w.-]", "-", sheet.person.facts[what]), "path")
    return Planted(
        sheet.number,
        path.relative_to(out).as_posix(),
        one.source.name if one.source else "made",
        kind,
        sheet.person.number,
        str(ds.PatientID),
        str(ds.StudyInstanceUID),
        str(ds.SeriesInstanceUID),
        str(ds.SOPInstanceUID),
        str(ds.file_meta.TransferSyntaxUID),
        clean,
    )


def _dataset(one: _Wanted, sheet: Sheet, rng: random.Random) -> tuple[Dataset | None, str]:
    if one.source is None:
        maker = one.maker
        assert maker is not None  # noqa: S101 - a wanted file has a source or a maker
        ds = maker(sheet, rng) if one.kind in DOCUMENT_KINDS else maker(rng)
        return ds, one.kind
    try:
        if one.source.stat().st_size > LARGEST:
            return None, ""
        ds = pydicom.dcmread(one.source, force=True)
        ds.decode()
        for tag in [tag for tag in ds.keys() if int(tag) >> 16 in (0x0000, 0x0002)]:  # noqa: SIM118 - tags
            del ds[tag]
        if "SOPClassUID" not in ds or not getattr(ds.file_meta, "TransferSyntaxUID", None):
            return None, ""
        if "PixelData" in ds:
            _ = pydicom.pixels.pixel_array(ds)
    except Exception:  # noqa: BLE001 - a source that cannot be read is no ground to plant on
        return None, ""
    return ds, kind_of(ds)


def _identified(ds: Dataset, sheet: Sheet, kind: str) -> None:
    """Give the object to the person: character set, and UIDs that tell the day, as those of many devices do."""
    ds.SpecificCharacterSet = "ISO_IR 192"
    day, person = f"{sheet.study.day:%Y%m%d}", sheet.person.number
    visit = sheet.person.studies.index(sheet.study)
    root = f"1.2.840.113619.2.55.3.{700 + person}"
    ds.StudyInstanceUID = UID(f"{root}.{visit}.{day}")
    ds.SeriesInstanceUID = UID(
        f"{root}.{visit}.{day}.{sorted(_KIND.values()).index(kind) if kind in _KIND.values() else 99}"
    )
    ds.SOPInstanceUID = UID(f"{root}.{visit}.{day}.9.{sheet.number}.{day}101530")
    ds.file_meta.MediaStorageSOPInstanceUID, ds.file_meta.MediaStorageSOPClassUID = (
        ds.SOPInstanceUID,
        ds.SOPClassUID,
    )
    if "FrameOfReferenceUID" in ds or kind in {"ct", "mr"}:
        ds.FrameOfReferenceUID = UID(f"{root}.{visit}.{day}.7")
    if kind in {"us", "ct", "mr"} and "DeviceUID" not in ds:
        ds.DeviceUID = UID(f"1.2.840.113619.2.99.{person}.4471")


def _by_kind(ds: Dataset, sheet: Sheet, kind: str) -> None:
    if kind == "ecg":
        documents.annotated_waveform(ds, sheet)
    elif kind == "sm":
        documents.slide_label(ds, sheet)
    elif kind == "seg":
        documents.segmented(ds, sheet)


def _place(out: Path, sheet: Sheet, kind: str) -> Path:
    """Return a path that names the person, as an export to a disc does."""
    facts = sheet.person.facts
    safe = {key: re.sub(r"[^\w.-]", "-", facts[key]) for key in ("name.joined", "uhid")}
    folder = out / f"{safe['name.joined']}_{safe['uhid']}" / f"{kind.upper()} {sheet.study.day:%d-%m-%Y}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{safe['name.joined']}_{sheet.number:04d}.dcm"


__all__ = ["AREAS", "Person", "kind_of", "plant"]
