"""Datasets that must not go out: each is sent, registered, checked and drafted by the real verbs, and refused at the cut.

One good dataset of two hospitals passes every gate. Each evil one differs from it in one thing, is refused by the one gate
that this thing concerns, with words that say what it is and what to do, and leaves nothing behind. What they say stands in
`docs/guides/evil-datasets.md`, which is held against them here.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from django.test import override_settings
from PIL import Image
from pydicom.uid import CTImageStorage
from tests.hub_submission import Parcel, ct
from tests.unit.quality.scans import AGAIN, Volume, head, person

from midas.catalogue import add_protocol, examine_submission, findings, forget, pictures, register
from midas.catalogue.findings.looking import Looked
from midas.catalogue.findings.standing import standing
from midas.catalogue.models import (
    CheckRun,
    Dataset,
    Instance,
    NearPicture,
    PictureHash,
    QualityFinding,
    SeriesHash,
    Submission,
)
from midas.compute import here
from midas.kernel import Conflict, FixedClock, sha256_bytes
from midas.manifest import PrivateKey
from midas.people import add_institution
from midas.people.models import Account
from midas.protocol import load_named, parse
from midas.quality.duplicate_series import Signature
from midas.quality.duplicates import WINDOWS
from midas.release import check_gates, cut, new_draft
from midas.release.cases import Result
from midas.release.gathering import gather
from midas.release.models import Release, ReleaseFile
from midas.release.pairing import note_pairs
from midas.store import Blobs
from midas.web.gating import brought
from midas.web.home import create, open_home
from midas.wire.v1 import ItemLine, LabelLine, SubjectLine

pytestmark = pytest.mark.django_db
CLOCK = FixedClock(datetime(2026, 11, 20, 10, tzinfo=UTC))
SITES = ("spdc-wardha", "kle-dental")
PHOTOGRAPH = "1.2.840.10008.5.1.4.1.1.77.1.4"
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "evil-datasets.md"
ASKS = ("population:\n", "population:\n  release: {hospitals: 2, distance: 0.3}\n")
"""The good protocol promises persons of two hospitals, near its target."""


def pseudonym(number: int) -> str:
    digits = "".join(LETTERS[(number * 7919 // 32**place) % 32] for place in range(5))
    return f"P-{digits}-{number:05d}"


@cache
def picture(name: str) -> np.ndarray:
    """Patches of colour, different for each name: 300 rows of 400 RGB pixels."""
    patches = np.random.default_rng(list(name.encode())).integers(30, 225, (9, 12, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(patches, (400, 300), interpolation=cv2.INTER_CUBIC))


def photograph(subject: str, number: int, pixels: np.ndarray) -> bytes:
    """A de-identified photograph as a spoke makes it."""
    ds = pydicom.dcmread(
        io.BytesIO(ct(subject, 1, study=f"2.25.{number}1", series=f"2.25.{number}2", Modality="XC"))
    )
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = PHOTOGRAPH
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"2.25.{number}3"
    ds.Rows, ds.Columns, ds.SamplesPerPixel = *pixels.shape[:2], 3
    ds.PhotometricInterpretation, ds.PlanarConfiguration = "RGB", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    ds.PixelData = np.ascontiguousarray(pixels).tobytes()
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def scan(subject: str, number: int, volume: Volume) -> list[bytes]:
    """A de-identified CT of so many slices as a spoke makes it."""
    made = []
    for at, pixels in enumerate(volume, start=1):
        made.append(ct(
            subject, at, study=f"2.25.{number}1", series=f"2.25.{number}2", Rows=pixels.shape[0], Columns=pixels.shape[1],
            BitsStored=16, HighBit=15, PixelData=np.ascontiguousarray(pixels).round().astype("<u2").tobytes(),
            PixelSpacing=[0.9, 0.9], SliceThickness=5, ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            ImagePositionPatient=[0, 0, 5 * at], RescaleSlope=1, RescaleIntercept=0, KVP=120,
        ))  # fmt: skip
    return made


@dataclass
class Person:
    """One synthetic person: number, hospital, sex, what the consent allows, and the pictures and scans sent of them."""

    number: int
    site: str
    sex: str = "F"
    scope: tuple[str, ...] = ("DUO:0000042",)
    pictures: tuple[np.ndarray, ...] = ()
    scans: tuple[Volume, ...] = ()
    source: bytes = b""

    @property
    def name(self) -> str:
        return pseudonym(self.number)


def everyone(sites: tuple[str, ...] = SITES, sexes: str = "FM", **more: Any) -> list[Person]:
    return [
        Person(
            number, sites[number % len(sites)], sexes[number // 2 % len(sexes)], pictures=(picture(f"EVIL{number}"),), **more
        )
        for number in range(1, 9)
    ]  # fmt: skip


@dataclass
class Hub:
    """A hub with its spokes' keys; what it does is what its pages and commands do."""

    store: Blobs
    folder: Path
    dataset: Dataset | None = None
    source: bytes = b""
    sent: int = 0
    keys: dict[str, PrivateKey] = field(default_factory=dict)

    def protocol(self, *changes: tuple[str, str]) -> None:
        source = load_named("oral-cancer").source
        for old, new in (ASKS, *changes):
            assert old in source, old
            source = source.replace(old, new)
        self.source = source.encode()
        version, _ = add_protocol(loaded=parse(self.source, name="protocol.yaml"), clock=CLOCK)
        self.dataset = version.dataset
        for site in SITES:
            self.keys[site] = PrivateKey.load_or_create(self.folder / f"{site}.key")
            add_institution(slug=site, name=site, spoke_key=self.keys[site].public_hex)

    def receive(self, people: Iterable[Person]) -> None:
        """Register and check what each hospital sends of its persons."""
        people = list(people)
        for site in sorted({one.site for one in people}):
            parcel = Parcel(self.keys[site], [], [], protocol=self.source)
            for one in people:
                if one.site == site:
                    self._pack(parcel, one)
            signed = parcel.seal(spoke=site)
            parcel.put(self.store)
            checked = examine_submission(signed=signed, store=self.store)
            assert checked.stands, checked.findings
            row = Submission.objects.create(
                dataset=self.dataset, protocol=_protocol(self.dataset), spoke=site, root=checked.header.root,
                header=checked.header.model_dump(mode="json", by_alias=True), signed=signed.model_dump(mode="json"),
                received_at=CLOCK.now(),
            )  # fmt: skip
            signer = PrivateKey.load_or_create(self.folder / "hub.key")
            register(submission=row, checked=checked, store=self.store, signer=signer, clock=CLOCK)
            findings.check(
                dataset=row.dataset,
                submission=row,
                store=self.store,
                runner=here(),
                scratch=self.folder,
                clock=CLOCK,
            )

    def _pack(self, parcel: Parcel, one: Person) -> None:
        basis = [{"kind": "consent", "ethics": "consented", "scope": list(one.scope)}]
        place = {"lesion": "l1", "visit": "v1"}
        parcel.subjects.append(SubjectLine.model_validate({
            "subject": one.name, "sex": one.sex, "basis": basis,
            "visits": [{"visit": "v1", "day": 0, "age_years": 40 + one.number}],
            "lesions": [{"lesion": "l1", "tracking_uid": f"2.25.{one.number}9", "laterality": "left"}],
            "specimens": [{"specimen": "s1", "uid": f"2.25.{one.number}8", **place}],
        }).model_dump(mode="json"))  # fmt: skip
        parcel.labels.append(LabelLine(
            level="specimen", subject=one.name, specimen="s1", target="diagnosis", value=f"kind {one.number % 2}",
            source="table:specimens.diagnosis",
        ).model_dump(mode="json"))  # fmt: skip
        for pixels in one.pictures:
            self.sent += 1
            number = 1000 + self.sent
            data = photograph(one.name, number, pixels)
            parcel.blobs[sha256_bytes(data)] = data
            parcel.items.append(ItemLine(
                path=f"{one.name}/2.25.{number}1/2.25.{number}2/2.25.{number}3.dcm", sha256=sha256_bytes(data),
                size=len(data), subject=one.name, visit="v1", item="oral-photo", kind="photo", modality="XC",
                view="left-buccal", sop_class_uid=PHOTOGRAPH, sop_instance_uid=f"2.25.{number}3",
                series_uid=f"2.25.{number}2", study_uid=f"2.25.{number}1", transfer_syntax_uid="1.2.840.10008.1.2.1",
                facts={"Rows": 300, "Columns": 400}, sources=(sha256_bytes(one.source or b"source" + data),),
                deid="oral-cancer@test/midas-deid 0.1.0",
            ).model_dump(mode="json"))  # fmt: skip
        for volume in one.scans:
            self.sent += 1
            number = 1000 + self.sent
            for at, data in enumerate(scan(one.name, number, volume), start=1):
                parcel.blobs[sha256_bytes(data)] = data
                parcel.items.append(ItemLine(
                    path=f"{one.name}/2.25.{number}1/2.25.{number}2/2.25.{number}2{at}.dcm", sha256=sha256_bytes(data),
                    size=len(data), subject=one.name, visit="v1", item="face-neck-ct", kind="dicom", modality="CT",
                    sop_class_uid=CTImageStorage, sop_instance_uid=f"2.25.{number}2{at}", series_uid=f"2.25.{number}2",
                    study_uid=f"2.25.{number}1", transfer_syntax_uid="1.2.840.10008.1.2.1",
                    facts={"Rows": volume.shape[1], "Columns": volume.shape[2]},
                    sources=(sha256_bytes(b"source" + data),), deid="oral-cancer@test/midas-deid 0.1.0",
                ).model_dump(mode="json"))  # fmt: skip

    def draft(self, version: str = "1.0.0", notes: str = "") -> Any:
        return new_draft(
            dataset=self.dataset,
            version=version,
            by=None,
            clock=CLOCK,
            published_on=date(2026, 11, 22),
            notes=notes,
        )

    def cut(self, draft: Any) -> Release:
        signer = PrivateKey.load_or_create(self.folder / "hub.key")
        return cut(draft=draft, store=self.store, signer=signer, clock=CLOCK, brought=brought(draft))

    def failed(self, draft: Any) -> list[str]:
        kept = check_gates(draft=draft, store=self.store, clock=CLOCK, brought=brought(draft))
        return [one.gate for one in map(Result.from_dict, kept.results) if one.state == "failed"]

    def parts(self, version: str = "0.0.1") -> dict[str, str]:
        """Return who is in which part of a new draft."""
        found = gather(draft=self.draft(version), store=self.store).tables["splits"].to_pylist()
        return {row["subject"]: row["part"] for row in found}

    def apart(self) -> tuple[Person, Person]:
        """Return two persons of different parts."""
        parts, people = self.parts(), everyone()
        other = next(one for one in people if parts[one.name] != parts[people[0].name])
        return people[0], other


def _protocol(dataset: Dataset) -> Any:
    from midas.catalogue.protocols import in_force

    return in_force(dataset)


@pytest.fixture
def hub(tmp_path: Path) -> Iterable[Hub]:
    create(tmp_path / "hub")
    home = open_home(tmp_path / "hub")
    with override_settings(MIDAS_HUB=home):
        from midas.web.bootstrap import store

        yield Hub(store(), tmp_path)


def refused(hub: Hub, gate: str, *words: str, notes: str = "") -> Conflict:
    """See that this gate alone fails, that the cut refuses with these words, and that nothing of a release is there."""
    draft = hub.draft(notes=notes)
    assert hub.failed(draft) == [gate]
    blobs = set(hub.store.digests())
    with pytest.raises(Conflict) as caught:
        hub.cut(draft)
    for one in words:
        assert one in caught.value.message, caught.value.message
    assert caught.value.advice
    assert not Release.objects.exists()
    assert not ReleaseFile.objects.exists()
    assert set(hub.store.digests()) == blobs
    told = GUIDE.read_text("utf-8")
    assert f"`{gate}`" in told
    assert words[0] in told, "the guide says what the gate says"
    return caught.value


# -- the good twin ---------------------------------------------------------------------------------------------


def test_the_good_twin_passes_every_gate_that_anyone_asks_for(hub: Hub) -> None:
    hub.protocol()
    hub.receive(everyone())
    draft = hub.draft(notes="The first version.")
    assert hub.failed(draft) == []
    release = hub.cut(draft)
    assert release.summary["left_out"] == []
    assert NearPicture.objects.filter(same=True).count() == 0
    assert PictureHash.objects.count() == 8


def test_an_honest_dataset_of_one_hospital_passes_where_the_protocol_says_so(hub: Hub) -> None:
    hub.protocol((ASKS[1], ASKS[0]))
    hub.receive(everyone(sites=SITES[:1]))
    assert hub.cut(hub.draft()).key


# -- the evil ones ---------------------------------------------------------------------------------------------


def test_a_leaky_split_is_refused(hub: Hub) -> None:
    """One photograph of the old computer was sent under two names."""
    hub.protocol()
    people = everyone()
    people[0].source = b"one file of the old computer"
    hub.receive(people)
    one, other = hub.apart()
    copy = np.ascontiguousarray(picture("another")[20:280, 30:370])
    hub.receive(
        [
            Person(
                other.number, other.site, other.sex, pictures=(copy,), source=b"one file of the old computer"
            )
        ]
    )
    said = refused(
        hub, "split", "persons whose files were made from the same source file across parts", one.name
    )
    assert other.name in said.message


@pytest.mark.parametrize("way", ["mirrored", "mirrored, cropped and saved again"])
def test_mirrored_duplicates_across_splits_are_refused_until_somebody_decides(hub: Hub, way: str) -> None:
    hub.protocol()
    hub.receive(everyone())
    one, other = hub.apart()
    copy = one.pictures[0][:, ::-1]
    if "cropped" in way:
        held = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(copy[20:, :372])).save(held, "JPEG", quality=70)
        copy = np.asarray(Image.open(held))
    hub.receive([Person(other.number, other.site, other.sex, pictures=(copy,))])
    said = refused(
        hub,
        "split",
        "persons with nearly the same picture or scan, also mirrored or cropped across parts",
        one.name,
    )
    assert other.name in said.message
    assert "midas release pair" in said.advice
    # a curator sees it in the queue, with both pictures
    seen = standing().get(rule="dataset.near-duplicate")
    assert "turned or mirrored" in seen.message
    assert one.name in seen.message
    assert seen.subject.pseudonym == other.name
    assert seen.other.series.study.subject.pseudonym == one.name
    # the same person: both stay, in one part
    note_pairs(dataset=hub.dataset, pairs=[(one.name, other.name)], clock=CLOCK)
    assert hub.failed(hub.draft("1.0.1")) == []


def test_a_copy_that_a_curator_excludes_leads_nowhere(hub: Hub) -> None:
    hub.protocol()
    hub.receive(everyone())
    one, other = hub.apart()
    hub.receive([Person(other.number, other.site, other.sex, pictures=(one.pictures[0][::-1],))])
    meera = Account.objects.create(username="meera")
    found = standing().get(rule="dataset.near-duplicate")
    findings.decide(
        findings=[found], verdict="exclude", why="Sent under the wrong name.", by=meera, clock=CLOCK
    )
    assert hub.failed(hub.draft("1.0.1")) == []
    parts = hub.parts("1.0.2")
    assert parts[one.name] != parts[other.name], "nobody moved"


@pytest.mark.parametrize("way", ["windowed into the pixels", "all at once"])
def test_one_scan_that_two_hospitals_enrolled_is_refused_until_somebody_decides(hub: Hub, way: str) -> None:
    """Exported again with other UIDs, and windowed, mirrored, cropped, compressed or shortened on the way."""
    hub.protocol()
    people = everyone()
    for one in people:
        one.scans = (person(one.number, head()[4:15]),)
    hub.receive(people)
    assert SeriesHash.objects.exclude(marks=b"").count() == 8
    assert not NearPicture.objects.filter(same=True).exists(), "the scans of eight persons are eight"
    assert hub.failed(hub.draft("0.1.0")) == []
    one, other = hub.apart()
    again = AGAIN[way](person(one.number, head()[4:15]).astype(float))
    hub.receive([Person(other.number, other.site, other.sex, scans=(again,))])
    said = refused(
        hub,
        "split",
        "persons with nearly the same picture or scan, also mirrored or cropped across parts",
        one.name,
    )
    assert other.name in said.message
    seen = standing().get(rule="dataset.near-duplicate-series")
    assert seen.message.startswith("The same scan as series 2.25.")
    assert one.name in seen.message
    assert seen.subject.pseudonym == other.name
    assert seen.images == len(again)
    assert seen.other.series.study.subject.pseudonym == one.name
    note_pairs(dataset=hub.dataset, pairs=[(one.name, other.name)], clock=CLOCK)
    assert hub.failed(hub.draft("1.0.1")) == []
    # an older store: the draft says that its series were not searched, a check does so, and a withdrawal takes what is kept
    SeriesHash.objects.all().delete()
    NearPicture.objects.all().delete()
    kept = check_gates(
        draft=hub.draft("1.0.2"), store=hub.store, clock=CLOCK, brought=brought(hub.draft("1.0.3"))
    )
    assert "9 series of slices were not searched for the same scan yet." in str(kept.results)
    findings.check(dataset=hub.dataset, store=hub.store, runner=here(), scratch=hub.folder, clock=CLOCK)
    assert NearPicture.objects.get(same=True).other.series.study.subject.pseudonym == other.name
    # of a series that another image stands for now, what was seen of the former is forgotten; one that could not be
    # looked at keeps what it has
    row = SeriesHash.objects.get(image=NearPicture.objects.get(same=True).other)
    grown = Instance.objects.filter(series=row.series).exclude(pk=row.image_id)[0]
    signature = Signature(np.frombuffer(bytes(row.marks), "<u8"), bytes(row.slabs), grown.sop_instance_uid)
    list(pictures.signed([Looked(row.series_id, 1, (), signature)]))
    list(pictures.signed([Looked(row.series_id, 1, ())]))
    assert SeriesHash.objects.get(pk=row.pk).image == grown
    assert not NearPicture.objects.filter(same=True).exists()
    findings.check(dataset=hub.dataset, store=hub.store, runner=here(), scratch=hub.folder, clock=CLOCK)
    assert NearPicture.objects.get(same=True).other.series.study.subject.pseudonym == other.name
    # the image that stands for a scan came with a submission outside the draft: the scan is in it all the same
    stands = NearPicture.objects.get(same=True).other
    sent = stands.submission
    late = Submission.objects.get(pk=sent.pk)
    late.pk, late.root = None, "f" * 64
    late.save()
    roots = set(Submission.objects.values_list("root", flat=True)) - {late.root}
    Instance.objects.filter(pk=stands.pk).update(submission=late)
    told = findings.copies(dataset=hub.dataset, store=hub.store, runner=here(), submissions=roots, without=())
    assert {person for _, person in told.held} == {one.name, other.name}
    Instance.objects.filter(pk=stands.pk).update(submission=sent)
    forget(pseudonym=one.name, dataset=hub.dataset.slug, store=hub.store, clock=CLOCK)
    assert SeriesHash.objects.count() == 8
    assert not NearPicture.objects.exists()


def test_one_persons_scans_may_be_alike(hub: Hub) -> None:
    hub.protocol()
    people = everyone()
    people[0].scans = (head(), AGAIN["windowed into the pixels"](head().astype(float)))
    hub.receive(people)
    assert SeriesHash.objects.exclude(marks=b"").count() == 2
    assert not NearPicture.objects.exists()


def test_an_older_store_gets_its_hashes_by_a_check_and_a_withdrawal_takes_them(hub: Hub) -> None:
    hub.protocol()
    one, other = everyone()[:2]
    other.pictures = (one.pictures[0][:, ::-1],)
    hub.receive([one, other])
    before = dict(PictureHash.objects.values_list("sha256", "marks"))
    assert len(before) == 2
    assert {len(marks) for marks in before.values()} == {8 * len(WINDOWS)}
    PictureHash.objects.all().delete()
    NearPicture.objects.all().delete()
    findings.check(dataset=hub.dataset, store=hub.store, runner=here(), scratch=hub.folder, clock=CLOCK)
    assert dict(PictureHash.objects.values_list("sha256", "marks")) == before, "the same as at intake"
    assert NearPicture.objects.get().same
    assert standing().filter(rule="dataset.near-duplicate").count() == 1
    # it names the one who leaves: it goes with them, and copies are looked for again
    forget(pseudonym=one.name, dataset=hub.dataset.slug, store=hub.store, clock=CLOCK)
    assert not NearPicture.objects.exists()
    assert not QualityFinding.objects.filter(rule="dataset.near-duplicate").exists()
    assert PictureHash.objects.count() == 1
    assert set(CheckRun.objects.values_list("compared_to", flat=True)) == {0}


def test_an_expired_ethics_approval_is_refused(hub: Hub) -> None:
    hub.protocol(
        ('reference: DEMO/IEC/ORAL/2024/017\n    valid_from: "2024-01-01"\n    valid_until: "2029-12-31"',
         'reference: DEMO/IEC/ORAL/2024/017\n    valid_from: "2024-01-01"\n    valid_until: "2026-11-19"'),
    )  # fmt: skip
    hub.receive(everyone())
    said = refused(
        hub, "ethics", "no ethics decision covers these persons", "On 2026-11-20", "ended on 2026-11-19"
    )
    assert all(one.name in said.message for one in everyone())
    assert "renew" in said.advice


def test_one_direct_identifier_is_refused(hub: Hub) -> None:
    """What a spoke sends is searched when it comes in; what is written at the hub is searched at the cut."""
    hub.protocol()
    hub.receive(everyone())
    notes = "Thanks to Dr. Priya; questions to 98765 43210."
    said = refused(
        hub, "deid", "The draft's notes hold what looks like an identifier of a person", notes=notes
    )
    assert "43210" not in str(said)


def test_a_convenience_sample_of_one_hospital_is_refused(hub: Hub) -> None:
    hub.protocol()
    hub.receive(everyone(sites=SITES[:1]))
    said = refused(
        hub, "representation", "a convenience sample", "The protocol asks for persons of 2 hospitals at least",
        "all 8 come from spdc-wardha",
    )  # fmt: skip
    assert "Collect at the other hospitals" in said.advice


def test_a_sample_far_from_its_target_is_refused(hub: Hub) -> None:
    hub.protocol(("distance: 0.3}", "distance: 0.1}"))
    hub.receive(everyone(sexes="M"))
    refused(hub, "representation", "too far from whom it should stand for", "would have to be others by sex")


def test_a_scope_that_forbids_commerce_stops_a_commercial_licence(hub: Hub) -> None:
    hub.protocol(
        ("license: CC-BY-NC-4.0", "license: CC-BY-4.0"), ("commercial: false", "commercial: true"),
        ("by-nc/4.0", "by/4.0"), ('  uses: ["DUO:0000006", "DUO:0000018"]', '  uses: ["DUO:0000006"]'),
        ('scope: ["DUO:0000006", "DUO:0000018"]', 'scope: ["DUO:0000006"]'),
    )  # fmt: skip
    people = everyone()
    people[4].scope = ("DUO:0000042", "DUO:0000046")
    hub.receive(people)
    said = refused(
        hub,
        "licence",
        "would allow commercial use, which persons or their committee forbade",
        f"1 of them: {people[4].name}",
    )
    assert "CC-BY-NC-4.0" in said.advice
