"""Documents without pixels of their own: structured reports, PDFs, RT objects, presentation states, segmentations.

In come a person's sheet and a random source, out come datasets whose content names the person in part, written down on
the sheet: measurements and useful words have to stay.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from midas.deid.audit.enclosed import cda, pdf
from midas.deid.audit.made import bare, coded
from midas.deid.audit.sheet import Sheet

Rng = random.Random
CONTENT, TEXT_VALUE, NAME_VALUE = 0x0040A730, 0x0040A160, 0x0040A123
FINDINGS = (
    "No focal lesion in left lobe. <name.short> advised follow up",
    "Mass of 32 mm in left buccal mucosa, biopsy <specimen>",
    "Compared with study of <date.slashes> from <hospital.short>",
    "Enhancing extra-axial lesion with dural tail, likely meningioma",
    "Patient <name.initials> (<uhid>) has enlarged lymph node at level II",
)


def _item(kind: str, concept: Dataset, relation: str = "CONTAINS", **values: Any) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType, item.ConceptNameCodeSequence = relation, kind, Sequence([concept])
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def report(sheet: Sheet, rng: Rng) -> Dataset:
    """A report with a named observer, findings as text, a date, a coded finding and a measurement."""
    ds = bare(
        rng.choice(("88.11", "88.22", "88.33")),
        "SR",
        rng.choice((ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)),
    )
    ds.ValueType, ds.ContinuityOfContent, ds.CompletionFlag, ds.VerificationFlag = (
        "CONTAINER",
        "SEPARATE",
        "COMPLETE",
        "VERIFIED",
    )
    ds.ConceptNameCodeSequence = Sequence([coded("18748-4", "LN", "Diagnostic imaging report")])
    ds.ReferencedPerformedProcedureStepSequence, ds.PerformedProcedureCodeSequence = (
        Sequence([]),
        Sequence([]),
    )
    reader = sheet.person.say("reader", sheet.study)
    texts = rng.sample(FINDINGS, 3)
    number = _item("NUM", coded("M-02550", "SRT", "Diameter"))
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = (
        "32",
        Sequence([coded("mm", "UCUM", "millimeter")]),
    )
    number.MeasuredValueSequence = Sequence([measured])
    ds.ContentSequence = Sequence(
        [
            _item(
                "PNAME", coded("121008", "DCM", "Person Observer Name"), "HAS OBS CONTEXT", PersonName=reader
            ),
            _item(
                "PNAME",
                coded("121029", "DCM", "Subject Name"),
                "HAS OBS CONTEXT",
                PersonName=sheet.person.facts["name.dicom"],
            ),
            _item(
                "DATE",
                coded("111060", "DCM", "Study Date"),
                "HAS OBS CONTEXT",
                Date=f"{sheet.study.day:%Y%m%d}",
            ),
            *(_item("TEXT", coded("121071", "DCM", "Finding")) for _ in texts),
            _item(
                "CODE",
                coded("121071", "DCM", "Finding"),
                ConceptCodeSequence=Sequence([coded("35917007", "SCT", "Adenocarcinoma")]),
            ),
            number,
        ]
    )
    sheet.removed(NAME_VALUE, ((CONTENT, 0),), "reader", reader, area="sr")
    sheet.removed(NAME_VALUE, ((CONTENT, 1),), "name.dicom", sheet.person.facts["name.dicom"], area="sr")
    for at, template in enumerate(texts, 3):
        text, found, useful = sheet.filled(template)
        ds.ContentSequence[at].TextValue = text
        for kind, value in found:
            sheet.removed(TEXT_VALUE, ((CONTENT, at),), kind, value, area="sr")
        sheet.must("text_retained", "tcia", TEXT_VALUE, " ".join(useful), ((CONTENT, at),), area="sr")
    sheet.must("text_retained", "tcia", 0x0040A30A, "32", ((CONTENT, 7), (0x0040A300, 0)), area="sr")
    sheet.must(
        "text_retained", "tcia", 0x00080104, "adenocarcinoma", ((CONTENT, 6), (0x0040A168, 0)), area="sr"
    )
    _verified(ds, sheet)
    return ds


def _verified(ds: Dataset, sheet: Sheet) -> None:
    who = Dataset()
    who.VerifyingObserverName, who.VerifyingOrganization = (
        sheet.person.say("reader", sheet.study),
        sheet.person.facts["hospital.short"],
    )
    who.VerificationDateTime = f"{sheet.study.day:%Y%m%d}120000"
    ds.VerifyingObserverSequence = Sequence([who])
    sheet.removed(0x0040A075, ((0x0040A073, 0),), "reader", str(who.VerifyingObserverName), area="sr")
    sheet.removed(0x0040A027, ((0x0040A073, 0),), "hospital.short", who.VerifyingOrganization, area="sr")


def structures(sheet: Sheet, rng: Rng) -> Dataset:
    """An RT structure set whose label, description and one region name the person."""
    ds = bare(
        "481.3",
        "RTSTRUCT",
        rng.choice((ExplicitVRLittleEndian, ImplicitVRLittleEndian)),
        Manufacturer="Varian Medical Systems",
        ManufacturerModelName="ARIA RadOnc",
    )
    facts = sheet.person.facts
    ds.StructureSetLabel, ds.StructureSetDate, ds.StructureSetTime, ds.ApprovalStatus = (
        facts["family"][:16],
        "20200101",
        "101010",
        "APPROVED",
    )
    ds.StructureSetName, ds.StructureSetDescription = (
        f"Neck {facts['name.short']}",
        f"Contoured by {sheet.person.say('reader.plain', sheet.study)}",
    )
    ds.ReviewDate, ds.ReviewerName = "20200101", sheet.person.say("reader", sheet.study)
    rois: list[Dataset] = []
    contours: list[Dataset] = []
    seen: list[Dataset] = []
    for number, name in enumerate(("GTV", "Mandible", f"PTV {facts['family']}"), 1):
        roi, contour, points, noted = Dataset(), Dataset(), Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ROIGenerationAlgorithm, roi.ReferencedFrameOfReferenceUID = (
            number,
            name,
            "MANUAL",
            "1.2.826.0.1.3680043.9.55.9",
        )
        points.ContourGeometricType, points.NumberOfContourPoints = "CLOSED_PLANAR", 3
        points.ContourData = [str(round(rng.uniform(-90, 90), 2)) for _ in range(9)]
        contour.ReferencedROINumber, contour.ROIDisplayColor, contour.ContourSequence = (
            number,
            [255, 0, 0],
            Sequence([points]),
        )
        (
            noted.ObservationNumber,
            noted.ReferencedROINumber,
            noted.RTROIInterpretedType,
            noted.ROIInterpreter,
        ) = number, number, "GTV", sheet.person.say("reader", sheet.study)
        rois, contours, seen = [*rois, roi], [*contours, contour], [*seen, noted]
    ds.StructureSetROISequence, ds.ROIContourSequence, ds.RTROIObservationsSequence = (
        Sequence(rois),
        Sequence(contours),
        Sequence(seen),
    )
    sheet.removed(0x30060002, (), "family", facts["family"], area="rt")
    sheet.removed(0x30060004, (), "name.short", facts["name.short"], area="rt")
    sheet.removed(0x30060006, (), "reader.plain", sheet.person.say("reader.plain", sheet.study), area="rt")
    sheet.removed(0x30060026, ((0x30060020, 2),), "family", facts["family"], area="rt")
    for number, name in enumerate(("gtv", "mandible", "ptv")):
        sheet.must("text_retained", "tcia", 0x30060026, name, ((0x30060020, number),), area="rt")
        points = contours[number].ContourSequence[0]
        sheet.must(
            "text_retained",
            "tcia",
            0x30060050,
            "\\".join(f"{float(v):.6g}" for v in points.ContourData),
            ((0x30060039, number), (0x30060040, 0)),
            area="rt",
        )
        sheet.removed(
            0x300600A6, ((0x30060080, number),), "reader", sheet.person.say("reader", sheet.study), area="rt"
        )
    return ds


def presentation(sheet: Sheet, rng: Rng) -> Dataset:
    """A greyscale presentation state with a text annotation that names the person."""
    ds = bare("11.1", "PR", ExplicitVRLittleEndian)
    ds.ContentLabel, ds.ContentDescription, ds.PresentationCreationDate, ds.PresentationCreationTime = (
        "MARKS",
        "Annotated",
        "20200101",
        "101010",
    )
    ds.ContentCreatorName, ds.PresentationLUTShape = sheet.person.say("reader", sheet.study), "IDENTITY"
    text, layer, area, note = Dataset(), Dataset(), Dataset(), Dataset()
    text.UnformattedTextValue = sheet.person.facts["name"]
    (
        text.BoundingBoxAnnotationUnits,
        text.BoundingBoxTopLeftHandCorner,
        text.BoundingBoxBottomRightHandCorner,
    ) = "PIXEL", [1, 1], [90, 20]
    text.BoundingBoxTextHorizontalJustification = "LEFT"
    note.GraphicLayer, note.TextObjectSequence = "LAYER1", Sequence([text])
    layer.GraphicLayer, layer.GraphicLayerOrder = "LAYER1", 1
    (
        area.DisplayedAreaTopLeftHandCorner,
        area.DisplayedAreaBottomRightHandCorner,
        area.PresentationSizeMode,
    ) = [1, 1], [512, 512], "SCALE TO FIT"
    area.PresentationPixelSpacing = [1, 1]
    ds.GraphicAnnotationSequence, ds.GraphicLayerSequence, ds.DisplayedAreaSelectionSequence = (
        Sequence([note]),
        Sequence([layer]),
        Sequence([area]),
    )
    series, image = Dataset(), Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = (
        "1.2.840.10008.5.1.4.1.1.2",
        f"1.2.826.0.1.3680043.9.55.{rng.randrange(10**9)}",
    )
    series.SeriesInstanceUID, series.ReferencedImageSequence = (
        f"1.2.826.0.1.3680043.9.56.{rng.randrange(10**9)}",
        Sequence([image]),
    )
    ds.ReferencedSeriesSequence = Sequence([series])
    sheet.removed(
        0x00700006, ((0x00700001, 0), (0x00700008, 0)), "name", sheet.person.facts["name"], area="pr"
    )
    sheet.removed(0x00700084, (), "reader", sheet.person.say("reader", sheet.study), area="pr")
    return ds


def annotated_waveform(ds: Dataset, sheet: Sheet) -> None:
    """Write the person's name into the annotations of a waveform (PS3.3 C.10.10)."""
    notes: list[Dataset] = []
    for template in ("Name: <name.short>", "ID <uhid>", "Normal sinus rhythm"):
        text, found, useful = sheet.filled(template)
        note = Dataset()
        note.UnformattedTextValue, note.AnnotationGroupNumber, note.ReferencedWaveformChannels = (
            text,
            0,
            [1, 0],
        )
        for kind, value in found:
            sheet.removed(0x00700006, ((0x0040B020, len(notes)),), kind, value, area="waveform")
        if not found:
            sheet.must(
                "text_retained",
                "tcia",
                0x00700006,
                " ".join(useful),
                ((0x0040B020, len(notes)),),
                area="waveform",
            )
        notes.append(note)
    ds.WaveformAnnotationSequence = Sequence(notes)


def slide_label(ds: Dataset, sheet: Sheet) -> None:
    """Name the specimen, its container and the label's text after the person (PS3.3 C.7.6.22, C.8.12.8)."""
    facts, specimen = sheet.person.facts, Dataset()
    ds.ContainerIdentifier, ds.BarcodeValue, ds.LabelText = (
        facts["block"],
        facts["specimen"],
        f"{facts['name.short']} {facts['block']}",
    )
    specimen.SpecimenIdentifier, specimen.SpecimenUID = (
        facts["block"],
        "1.2.826.0.1.3680043.9.57." + str(sheet.number),
    )
    specimen.SpecimenShortDescription, specimen.SpecimenPreparationSequence = "Buccal mucosa", Sequence([])
    ds.SpecimenDescriptionSequence, ds.IssuerOfTheContainerIdentifierSequence = (
        Sequence([specimen]),
        Sequence([]),
    )
    for tag, kind in ((0x00400512, "block"), (0x22000005, "specimen"), (0x22000002, "name.short")):
        sheet.removed(tag, (), kind, facts[kind], area="slide")
    sheet.removed(0x00400551, ((0x00400560, 0),), "block", facts["block"], area="slide")
    sheet.must("text_retained", "tcia", 0x00400600, "buccal mucosa", ((0x00400560, 0),), area="slide")


def segmented(ds: Dataset, sheet: Sheet) -> None:
    """Name the person in the labels of a segmentation's segments (PS3.3 C.8.20.2)."""
    for number, segment in enumerate(ds.get("SegmentSequence") or ()):
        segment.SegmentDescription = f"Lesion of {sheet.person.facts['name.short']}"
        sheet.removed(
            0x00620006, ((0x00620002, number),), "name.short", sheet.person.facts["name.short"], area="seg"
        )
    ds.ContentDescription = f"Segmentation for {sheet.person.facts['uhid']}"
    sheet.removed(0x00700081, (), "uhid", sheet.person.facts["uhid"], area="seg")


DOCUMENTS: tuple[tuple[str, Callable[[Sheet, Rng], Dataset], int], ...] = (
    ("sr", report, 5),
    ("pdf", pdf, 4),
    ("cda", cda, 1),
    ("rt", structures, 3),
    ("pr", presentation, 2),
)
"""(kind, maker, share of a made corpus)."""
