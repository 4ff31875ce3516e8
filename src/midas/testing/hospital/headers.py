"""DICOM headers as hospitals write them: the person's identity in every place where it has been seen.

In come a real dataset and a synthetic person; out comes the same image as that person's. Names go into tags of every
kind, sequences, private blocks, the preamble, the file meta information and trailing padding.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydicom import Dataset, Sequence, dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from midas.testing.hospital.persons import Person


@dataclass(frozen=True)
class Site:
    """What names the hospital in headers; each string is planted."""

    institution: str
    address: str
    department: str
    station: str
    operator: str

    def planted(self) -> tuple[str, ...]:
        return (self.institution, self.address, self.station, self.operator)


ORAL_SITE = Site("Shri Vitthalmauli Seva Rugnalaya", "Plot 17, Jilhadhikari Marg, Sawangikhurd",
                 "Oral Medicine", "SVSR_CT_01", "Tech. Bhaskarao Nimjekar")  # fmt: skip
BRAIN_SITE = Site("Mahatma Jyotirao Smarak Chikitsalaya", "4th Floor, Kartavyapath Enclave Marg",
                  "Neuroradiology", "MJSC_MR_3T", "Tech. Gopalkrishnan Iyengar")  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where an image stands in the hospital's archive; the UIDs are drawn from the words."""

    study: str
    series: str
    number: int
    on: date
    description: str

    def uid(self, level: str) -> str:
        """Return the UID of `study`, `series`, `frame` (of reference) or `instance`, drawn from the words."""
        parts = {"study": (), "series": (self.series,), "frame": (self.series, "frame")}
        return str(
            generate_uid(entropy_srcs=[self.study, *parts.get(level, (self.series, str(self.number)))])
        )


def _number(words: str, *, digits: int) -> str:
    return str(int(hashlib.sha256(words.encode()).hexdigest(), 16) % 10**digits).zfill(digits)


def accession(place: Place) -> str:
    return f"ACC{_number(place.study, digits=9)}"


def identify(ds: Dataset, *, person: Person, site: Site, place: Place) -> None:
    """Write the person, the hospital and the visit over whoever the dataset belonged to."""
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientName, ds.PatientID, ds.IssuerOfPatientID = person.dicom_name, person.uhid, site.institution
    ds.PatientBirthDate, ds.PatientSex = person.born.strftime("%Y%m%d"), person.sex
    ds.PatientAge = f"{(place.on - person.born).days // 365:03d}Y"
    ds.PatientAddress, ds.PatientTelephoneNumbers = person.address, person.phone
    ds.OtherPatientNames = f"{person.family}^{person.given[0]}"
    ds.add_new(0x00101000, "LO", [person.abha, person.other_uhid or person.aadhaar])
    ds.OtherPatientIDsSequence = Sequence(
        [_other_id(person.abha, "ABHA"), _other_id(person.aadhaar, "UIDAI")]
    )
    ds.ResponsiblePerson, ds.ResponsiblePersonRole = person.guardian.replace(" ", "^"), "PARENT"
    ds.PatientComments = (
        f"{person.name} {person.guardian_line}, r/o {person.address}. Aadhaar {person.aadhaar}, "
        f"ABHA {person.abha}, mob {person.phone}. {person.local}"
    )
    ds.AdditionalPatientHistory = f"Known case, referred by {person.physician}; contact {person.email}"
    _identify_place(ds, person=person, site=site, place=place)
    _identify_private(ds, person=person)


def _other_id(value: str, issuer: str) -> Dataset:
    item = Dataset()
    item.PatientID, item.IssuerOfPatientID, item.TypeOfPatientID = value, issuer, "TEXT"
    return item


def _identify_place(ds: Dataset, *, person: Person, site: Site, place: Place) -> None:
    physician = person.physician.removeprefix("Dr. ").split(" ")
    ds.ReferringPhysicianName = f"{physician[-1]}^{physician[0]}^^Dr."
    ds.PerformingPhysicianName = ds.NameOfPhysiciansReadingStudy = ds.ReferringPhysicianName
    ds.OperatorsName = site.operator
    ds.InstitutionName, ds.InstitutionAddress = site.institution, site.address
    ds.InstitutionalDepartmentName, ds.StationName = site.department, site.station
    ds.DeviceSerialNumber = _number(site.station, digits=10)
    ds.AccessionNumber, ds.StudyID = accession(place), _number(place.study, digits=6)
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = place.on.strftime("%Y%m%d")
    ds.StudyTime, ds.SeriesTime = "101530", "101742.120000"
    ds.StudyDescription = f"{place.description} - {person.name}"
    ds.SeriesDescription = f"{place.series} {place.description}"
    ds.ImageComments = f"pt {person.given} {person.uhid} seen with {person.guardian}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = place.uid("study"), place.uid("series")
    ds.SOPInstanceUID, ds.FrameOfReferenceUID = place.uid("instance"), place.uid("frame")
    ds.InstanceNumber, ds.SeriesNumber = place.number, _number(place.series, digits=2)
    request = Dataset()
    request.RequestedProcedureID, request.ScheduledProcedureStepID = ds.StudyID, ds.StudyID
    request.RequestedProcedureDescription = f"{place.description} for {person.name}"
    ds.RequestAttributesSequence = Sequence([request])


def _identify_private(ds: Dataset, *, person: Person) -> None:
    """Two private blocks: one flat, one with a sequence in it."""
    flat = ds.private_block(0x0099, "SEVA HIS 1.0", create=True)
    flat.add_new(0x01, "LO", person.name)
    flat.add_new(0x02, "UT", f"bed 14, {person.address}, {person.phone}")
    nested = Dataset()
    nested.SpecificCharacterSet = "ISO_IR 192"
    nested.PatientName, nested.PatientID = person.dicom_name, person.abha
    ds.private_block(0x0101, "SEVA HIS 1.0", create=True).add_new(0x10, "SQ", Sequence([nested]))


def preamble_of(person: Person) -> bytes:
    return f"EXPORT {person.given} {person.family} {person.uhid}".encode().ljust(128, b"\0")[:128]


def write(
    ds: Dataset, out: Path, *, person: Person, site: Site, syntax: str = ExplicitVRLittleEndian
) -> None:
    """Write a Part 10 file whose preamble, meta information and trailing padding name the person as well."""
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = (
        ds.SOPClassUID,
        ds.SOPInstanceUID,
    )
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.file_meta.SourceApplicationEntityTitle = site.station[:16]
    ds.add_new(0xFFFCFFFC, "OB", person.name.encode().ljust(64, b" "))
    ds.preamble = preamble_of(person)
    out.parent.mkdir(parents=True, exist_ok=True)
    dcmwrite(out, ds, enforce_file_format=True)
