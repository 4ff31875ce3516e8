"""Which kinds of object the engine masters, and which carry a risk that no header rule can take away.

In comes a dataset, out come `Held` verdicts (content that is not mastered) and findings (a person must look).
Every SOP class that `tables/storage.json` does not name is held: new kinds of object fail closed.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from midas.deid import tables
from midas.deid.model import Held, Profile
from midas.kernel import Finding, Severity

_S = "1.2.840.10008.5.1.4.1.1."
IMAGES = frozenset(uid for uid, kind in tables.storage().items() if kind == "image")
VERDICTS = {
    "audio": ("sound", "A recording of sound may hold a voice and what it says."),
    "model": ("model", "A surface model (STL, OBJ, MTL) holds free text and the shape of a body."),
    "foreign": ("sop-class-not-mastered", "This kind of object describes no patient; it has no place in a dataset."),
    "": ("sop-class-not-mastered", "This kind of object is a maker's own, or not in PS3.6; nothing says what it holds."),
}  # fmt: skip
"""Kinds of object that are held: the stable reason and why."""
ULTRASOUND = frozenset(_S + tail for tail in ("3", "3.1", "6", "6.1", "6.2", "6.3"))
CAPTURES = frozenset(_S + tail for tail in ("7", "7.1", "7.2", "7.3", "7.4"))
FLUOROSCOPY = frozenset(_S + tail for tail in ("12.1", "12.2"))
VISIBLE_LIGHT = frozenset(_S + tail for tail in ("77.1.1", "77.1.2", "77.1.3", "77.1.4"))
SLIDES = frozenset(_S + tail for tail in ("77.1.2", "77.1.3", "77.1.6", "77.1.8", "77.1.9"))
VIDEO_SYNTAX = ("1.2.840.10008.1.2.4.10", "1.2.840.10008.1.2.7.")
"""MPEG-2, MPEG-4 and HEVC (…4.100 to …4.108) and SMPTE ST 2110 streams may carry sound and captions."""
COMPUTED = frozenset({
    "AXIAL", "SAGITTAL", "CORONAL", "MPR", "REFORMATTED", "RESAMPLED", "MIP", "MIN_IP", "MINIP", "PROJECTION", "AVERAGE",
    "ADC", "TRACEW", "FA", "DIFFUSION", "PERFUSION", "SUBTRACTION", "PHASE MAP", "MAXIMUM", "MEAN", "MINIMUM", "QUANTITY",
})  # fmt: skip
"""Image Type values (PS3.3 C.7.6.1.1.2, C.8.16.1) of pictures that a computation made from slices."""
NOT_THE_TISSUE = frozenset({"LABEL", "OVERVIEW"})
"""Image Type value 3 of the pictures of a slide that show its paper label (PS3.3 C.8.12.4.1.1)."""
SMALL_TISSUE = frozenset({"LOCALIZER", "THUMBNAIL"})
"""Image Type value 3 of small pictures of the tissue."""
CAPTURE_WORDS = (
    "SCREEN", "CAPTURE", "DOSE", "REPORT", "PASTED", "POSDISP", "FUSION", "SNAPSHOT", "PROTOCOL", "SUMMARY",
)  # fmt: skip
DIGITIZERS = (
    "vidar",
    "lumisys",
    "digitizer",
    "digitiser",
    "scanner",
    "array corporation",
    "howtek",
    "epson",
    "pacsgear",
    "lifetrack",
    "codonics",
)
SECTIONAL = frozenset({"CT", "MR", "PT", "NM", "SM", "SEG", "RTDOSE"})


def kind_of(ds: Dataset) -> str:
    """Return the kind of a storage object (image, object, report, document …), "" where PS3.6 does not list it."""
    return tables.storage().get(str(ds.get("SOPClassUID", "")), "")


def mastered(ds: Dataset, profile: Profile) -> None:
    """Raise `Held` where the object, or something in it, is not mastered under the profile."""
    kind = kind_of(ds)
    if kind in VERDICTS:
        raise Held(*VERDICTS[kind])
    if kind == "report" and "clean-structured-content" not in profile.options:
        raise Held("structured-report", "Reports need the option clean-structured-content in the protocol.")
    if "EncapsulatedDocument" in ds and kind != "document":
        raise Held(
            "encapsulated-document",
            "A document is enclosed in an object of another kind and is not examined.",
        )
    syntax = str(getattr(ds, "file_meta", Dataset()).get("TransferSyntaxUID", ""))
    if syntax.startswith(VIDEO_SYNTAX):
        raise Held("video-stream", "Video streams may carry sound and captions that are not examined yet.")
    if profile.options >= {"retain-longitudinal-full-dates", "retain-longitudinal-modified-dates"}:
        raise Held("profile-contradicts-itself", "The profile asks for full and for modified dates.")


def is_report(ds: Dataset) -> bool:
    return kind_of(ds) == "report"


def risk(ds: Dataset) -> tuple[Finding, ...]:
    """Return why pixels may show text that names someone (PS3.15 E.3.1); no finding means none is to be expected."""
    return tuple(_risk(rule, message) for rule, message in _risks(ds)) if _has_pixels(ds) else ()


def _has_pixels(ds: Dataset) -> bool:
    return "Rows" in ds and str(ds.get("SOPClassUID", "")) in IMAGES


def _risks(ds: Dataset) -> Iterator[tuple[str, str]]:
    kind, words = str(ds.get("SOPClassUID", "")), [str(word).upper() for word in ds.get("ImageType") or ()]
    if str(ds.get("BurnedInAnnotation", "")).upper() == "YES":
        yield "burned-in-annotation", "Burned In Annotation (0028,0301) says YES."
    labelled = str(ds.get("SpecimenLabelInImage", "")).upper() == "YES"
    if labelled or (kind in SLIDES and not NOT_THE_TISSUE.isdisjoint(words)):
        yield "slide-label", "The picture shows the slide's label, or may show it."
    elif kind in SLIDES and not SMALL_TISSUE.isdisjoint(words):
        yield "slide-thumbnail", "A small picture of a slide may show a corner of its label."
    if kind in ULTRASOUND:
        yield "ultrasound", "Ultrasound devices write names into the picture."
    if kind in CAPTURES:
        yield "secondary-capture", "Secondary captures may show any screen."
    if kind in FLUOROSCOPY and str(ds.get("BurnedInAnnotation", "")).upper() != "NO":
        yield "fluoroscopy", "Angiography and fluoroscopy systems may write names into the picture."
    if any(mark in word for word in words for mark in CAPTURE_WORDS):
        yield "screen-image-type", "Image Type names a screen, a report or a summary."
    if words[:2] == ["DERIVED", "SECONDARY"] and _drawn(ds, kind, words[2:]):
        yield "derived-secondary", "A derived secondary picture may have been drawn upon."
    conversion = str(ds.get("ConversionType", "")).upper()
    if conversion in {"DV", "SD", "DF", "WSD", "DRW", "SYN"} or (
        conversion == "DI" and kind not in VISIBLE_LIGHT
    ):
        yield (
            "conversion-type",
            "Conversion Type says that the picture was digitised or made by a workstation.",
        )
    maker = " ".join(
        str(ds.get(k, ""))
        for k in ("Manufacturer", "ManufacturerModelName", "SecondaryCaptureDeviceManufacturer")
    ).lower()
    if any(name in maker for name in DIGITIZERS):
        yield "digitizer", "The device is a film digitiser or a capture station."


def _drawn(ds: Dataset, kind: str, words: list[str]) -> bool:
    """A derived picture is free of drawing only where it says how it was computed and has a place in the patient."""
    if kind in VISIBLE_LIGHT | SLIDES:
        return False
    computed = COMPUTED.intersection(words) and str(ds.get("Modality", "")) in SECTIONAL
    placed = "ImageOrientationPatient" in ds or "SharedFunctionalGroupsSequence" in ds
    return not (computed and placed and int(ds.get("SamplesPerPixel") or 1) == 1)


def _risk(rule: str, message: str) -> Finding:
    advice = "Look at the picture; accept it, mask what names someone, or reject it."
    return Finding(
        f"deid.risk.{rule}", Severity.WARNING, "instance", message, advice, "PS3.15 E.3.1", "midas.deid"
    )


def face_risk(ds: Dataset) -> tuple[Finding, ...]:
    """Return a finding where a face could be rebuilt; it counts only under clean-recognizable-visual-features."""
    part = f"{ds.get('BodyPartExamined', '')} {ds.get('StudyDescription', '')} {ds.get('SeriesDescription', '')}".upper()
    head = any(word in part for word in ("HEAD", "BRAIN", "SKULL", "FACE", "NECK", "SINUS", "JAW", "ORBIT"))
    if str(ds.get("Modality", "")) in {"CT", "MR", "PT"} and (head or not part.strip()):
        message = (
            "A face could be recognised or rebuilt from these pixels, and the engine does not remove faces."
        )
        return (
            Finding(
                "deid.risk.face",
                Severity.WARNING,
                "instance",
                message,
                "Accept or reject it.",
                "PS3.15 E.3.2",
                "midas.deid",
            ),
        )
    return ()
