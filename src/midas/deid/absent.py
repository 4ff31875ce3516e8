"""Study and Series Instance UIDs where a file has none, or an empty one: without them it would belong nowhere.

In comes a dataset, and where a UID is missing out goes one that stands for it, the same for all files whose headers say
the same of their study and series. It is a name of the hospital's side, and mapped by key like any other.
"""

from __future__ import annotations

import hashlib
import uuid

from pydicom.dataset import Dataset
from pydicom.uid import UID

from midas.deid import tables

STUDY = ("PatientID", "PatientName", "StudyDate", "StudyID", "AccessionNumber")
SERIES = (*STUDY, "StudyInstanceUID", "Modality", "SeriesNumber", "SeriesDescription")


def lacking(ds: Dataset) -> bool:
    """Say whether the file does not say of which study or series it is."""
    return not ds.get("StudyInstanceUID") or not ds.get("SeriesInstanceUID")


def palette(ds: Dataset) -> bool:
    """Say whether the object is of a kind that belongs to no study (palettes, hanging protocols, implant templates)."""
    return tables.storage().get(str(ds.get("SOPClassUID", ""))) == "common"


def supply(ds: Dataset) -> None:
    """Set the UIDs that are missing (PS3.5 B.2), from what the header says of study and series."""
    for keyword, said in (("StudyInstanceUID", STUDY), ("SeriesInstanceUID", SERIES)):
        if not ds.get(keyword):
            setattr(ds, keyword, _stands_for(keyword, [str(ds.get(one, "")) for one in said]))


def _stands_for(keyword: str, said: list[str]) -> UID:
    digest = hashlib.sha256("\0".join(("midas/absent", keyword, *said)).encode()).digest()
    return UID(f"2.25.{uuid.UUID(bytes=digest[:16], version=4).int}")
