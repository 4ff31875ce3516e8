"""Take in an object that a viewer stored: find the images that it was drawn on, and take every name out of it.

In comes a DICOM dataset as a viewer made it; out goes one that names nobody: its patient is the source image's pseudonym,
its author is anonymous, and what says where it was made goes (PS3.18 §10.5.2: a server may coerce attributes).
"""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from midas.annotate.models import Assignment, ItemImage
from midas.catalogue.models import Instance
from midas.kernel import BadInput
from midas.people.models import Account

FROM_SOURCE = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "PatientAge", "PatientIdentityRemoved",
    "DeidentificationMethod", "DeidentificationMethodCodeSequence", "LongitudinalTemporalInformationModified",
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
"""What an object says as its source image says it: the modules of patient and study (PS3.3 C.7.1.1, C.7.2.1)."""
GONE = (
    "VerifyingObserverSequence", "AuthorObserverSequence", "ParticipantSequence", "CustodialOrganizationSequence",
    "ContentCreatorIdentificationCodeSequence", "OperatorIdentificationSequence", "OperatorsName", "InstitutionName",
    "InstitutionAddress", "InstitutionCodeSequence", "InstitutionalDepartmentName", "StationName",
    "PerformingPhysicianName", "PhysiciansOfRecord", "NameOfPhysiciansReadingStudy", "RequestingPhysician",
    "ScheduledPerformingPhysicianName", "OriginalAttributesSequence", "IconImageSequence", "DataSetTrailingPadding",
    "OtherPatientIDs", "OtherPatientNames", "OtherPatientIDsSequence", "PatientComments", "IssuerOfPatientID",
)  # fmt: skip
"""Who and where; none of it is needed to read the object (optional or conditional in PS3.3)."""
NO_SERIAL, NOBODY = "REMOVED", "ANONYMOUS"
"""What stands where an attribute must hold something; an adjudicator is not told who drew what, either."""


def references(ds: Dataset) -> frozenset[str]:
    """Return the UIDs of all instances and series that an object refers to."""
    return frozenset(_references(ds))


def _references(ds: Dataset) -> Iterator[str]:
    for element in ds:
        if element.VR == "SQ":
            for item in element.value or ():
                if uid := item.get("ReferencedSOPInstanceUID"):
                    yield str(uid)
                if element.keyword == "ReferencedSeriesSequence" and (uid := item.get("SeriesInstanceUID")):
                    yield str(uid)
                yield from _references(item)


def item_of(*, task_id: int, account: Account, ds: Dataset) -> tuple[Assignment, Instance]:
    """Return the reader's own assignment that an object was drawn for, with one of its images.

    `BadInput` where it refers to no image of their items, or to images of several.
    """
    asked = references(ds)
    mine = ItemImage.objects.filter(
        item__task=task_id, instance__series__study__uid=str(ds.get("StudyInstanceUID", "")),
        item__in=Assignment.objects.filter(item__task=task_id, reader=account).values("item"),
    ).select_related("instance__series")  # fmt: skip
    hit = [one for one in mine if one.instance.sop_instance_uid in asked]
    hit = hit or [one for one in mine if one.instance.series.uid in asked]
    if len({one.item_id for one in hit}) != 1:
        raise BadInput(
            "It does not say on which one of your items it was drawn.",
            advice="Open one item of the task in the viewer, and store what you draw there.",
        )
    assignment = Assignment.objects.select_related("item__task__dataset", "item__subject").get(
        item=hit[0].item_id, reader=account
    )
    return assignment, hit[0].instance


def source_in(*, dataset: str, ds: Dataset) -> Instance:
    """Return an image of the dataset that an object was drawn on; `BadInput` where it refers to none of its study."""
    held = Instance.objects.filter(
        series__study__subject__dataset__slug=dataset, series__study__subject__withdrawn_at=None,
        series__study__uid=str(ds.get("StudyInstanceUID", "")),
    ).select_related("series__study__subject")  # fmt: skip
    asked = references(ds)
    found = next((one for one in held.order_by("pk") if {one.sop_instance_uid, one.series.uid} & asked), None)
    if found is None:
        raise BadInput(
            "It refers to no image of this dataset.",
            advice="Draw it on an image of the dataset, and store it again.",
        )
    return found


def name_nobody(ds: Dataset, *, source: Dataset) -> None:
    """Make an object name its subject as `source` does, and nobody else; private elements go."""
    ds.remove_private_tags()
    for keyword in GONE:
        if keyword in ds:
            delattr(ds, keyword)
    for keyword in FROM_SOURCE:
        if keyword in source:
            ds[keyword] = source[keyword]
        elif keyword in ds:
            delattr(ds, keyword)
    if ds.get("VerificationFlag") == "VERIFIED":
        ds.VerificationFlag = "UNVERIFIED"
    if "DeviceSerialNumber" in ds:
        ds.DeviceSerialNumber = NO_SERIAL
    _persons(ds)


def _persons(ds: Dataset) -> None:
    for element in ds:
        if element.VR == "SQ":
            for item in element.value or ():
                _persons(item)
        elif element.VR == "PN" and element.keyword != "PatientName" and element.value:
            element.value = NOBODY
