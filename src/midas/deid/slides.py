"""Pictures of a slide that are not its tissue: the label and the overview on which it stands.

In comes the header of an instance, out come the regions to blacken. Nobody needs a picture of a paper label for research,
and no reader of text is good enough for handwriting on frosted glass: the whole picture goes, its header stays.
"""

from __future__ import annotations

from pydicom.dataset import Dataset

from midas.deid.model import Region

RULE = "deid.slide.label"
SLIDES = frozenset(
    "1.2.840.10008.5.1.4.1.1." + tail for tail in ("77.1.2", "77.1.3", "77.1.6", "77.1.8", "77.1.9")
)
PAPER = frozenset({"LABEL", "OVERVIEW"})
"""Image Type value 3 (PS3.3 C.8.12.4.1.1) of the label and of the whole slide with its label."""


def label_regions(ds: Dataset) -> tuple[Region, ...]:
    """Return what hides a slide's label: the whole of every frame of a label, of an overview, or of a picture that says so.

    A picture of the tissue itself (VOLUME) that claims to show the label is not hidden: only a person can tell what it is.
    """
    if str(ds.get("SOPClassUID", "")) not in SLIDES or "Rows" not in ds:
        return ()
    words = {str(word).upper() for word in ds.get("ImageType") or ()}
    says = str(ds.get("SpecimenLabelInImage", "")).upper() == "YES"
    if words & PAPER or (says and "VOLUME" not in words):
        return (Region(0, 0, int(ds.Columns), int(ds.Rows), RULE, "a picture of the slide's label"),)
    return ()
