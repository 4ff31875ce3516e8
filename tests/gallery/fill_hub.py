"""Fills a hub's database and store with plausible, synthetic records, so that its pages can be looked at and tested.

Pictures are crops of images that ship with scikit-image (histology, retina as a stand-in for photographs) and drawn
phantoms; no person behind them is or was real in these roles.
"""
# ruff: noqa: E501

from __future__ import annotations

import io
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from midas.access import ask, decline, give
from midas.access.terms import terms_of_release
from midas.catalogue import models as c
from midas.catalogue.findings import decide
from midas.kernel import SystemClock, sha256_bytes
from midas.people.models import Account, Institution, Membership, Role
from midas.protocol import load_named
from midas.release import models as r
from midas.release.counting import counted, device
from midas.release.credit import cite
from midas.release.publication import keep

NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
HOSPITALS = (
    ("spdc-wardha", "Sharad Pawar Dental College and Hospital", "Wardha", "Maharashtra"),
    ("sriher-chennai", "Sri Ramachandra Institute of Higher Education and Research", "Chennai", "Tamil Nadu"),
    ("aiims-neuro", "AIIMS Department of Neurosurgery", "New Delhi", "Delhi"),
)
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def png(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


def picture(kind: str, dice: random.Random) -> bytes:
    """Return a 192 × 192 preview of one kind: slide, photo, or a grey phantom of a head."""
    import skimage

    data = Path(skimage.__file__).parent / "data"
    if kind in {"slide", "photo"}:
        with Image.open(data / ("ihc.png" if kind == "slide" else "retina.jpg")) as image:
            side = 192 if kind == "slide" else 700
            x, y = dice.randrange(image.width - side), dice.randrange(image.height - side)
            return png(np.asarray(image.convert("RGB").crop((x, y, x + side, y + side)).resize((192, 192))))
    rows, columns = np.mgrid[-1:1:192j, -1:1:192j]
    radius = np.hypot(columns * dice.uniform(1.15, 1.35), rows * dice.uniform(0.95, 1.15))
    head = np.where(radius < 0.92, 40, 0) + np.where(radius < 0.82, 70, 0)
    folds = 25 * np.sin(9 * columns + 4 * np.sin(6 * rows + dice.random())) * (radius < 0.78)
    bright = 90 * (
        np.hypot(columns - dice.uniform(-0.4, 0.4), rows - dice.uniform(-0.4, 0.4)) < dice.uniform(0.1, 0.2)
    )
    noise = np.random.default_rng(dice.randrange(1 << 30)).normal(0, 5, radius.shape)
    return png(np.clip(head + folds + bright + noise * (radius < 0.95), 0, 255).astype("uint8"))


def _pseudonym(dice: random.Random) -> str:
    text = "".join(dice.choices(LETTERS, k=10))
    return f"P-{text[:5]}-{text[5:]}"


def _uid(dice: random.Random) -> str:
    return f"2.25.{dice.getrandbits(120)}"


def people() -> dict[str, Account]:
    """Add the three hospitals, one account of each role and a visitor with none; the password is `look-and-see-1`."""
    for slug, name, city, state in HOSPITALS:
        Institution.objects.create(
            slug=slug, name=name, city=city, state=state, spoke_key=sha256_bytes(slug.encode())
        )
    accounts = {}
    for role in Role.values:
        account = Account.objects.create_user(
            username=role, password="look-and-see-1", email=f"{role}@example.org"
        )
        Membership.objects.create(account=account, role=role)
        accounts[role] = account
    Account.objects.create_user(username="visitor", password="look-and-see-1")
    return accounts


def dataset(
    name: str, *, spokes: tuple[str, ...], subjects: int, store, seed: int, pictures: int = 10
) -> c.Dataset:
    """Register a dataset of the shipped protocol `name` with `subjects` synthetic persons."""
    dice, loaded = random.Random(seed), load_named(name)
    protocol = loaded.protocol
    made = c.Dataset.objects.create(slug=name, created_at=NOW - timedelta(days=90))
    version = c.ProtocolVersion.objects.create(
        dataset=made, sha256=loaded.sha256, version=protocol.version, source=loaded.source, added_at=NOW
    )
    previews = {
        item.id: [store.put_chunks([picture(item.kind, dice)]) for _ in range(pictures)]
        for item in protocol.items
    }
    submissions = {
        spoke: _submission(made, version, spoke, subjects // len(spokes), dice, number)
        for number, spoke in enumerate(spokes)
    }
    for number in range(subjects):
        spoke = spokes[min(int(number / subjects * len(spokes) * 1.3), len(spokes) - 1)]
        _subject(made, submissions[spoke], spoke, protocol, previews, dice)
    _submission(made, version, spokes[0], 3, dice, 9, refused=True)
    return made


def _submission(made, version, spoke, subjects, dice, number, *, refused=False):
    header = {
        "subjects": subjects, "instances": subjects * 7, "records": subjects * 5, "labels": subjects * 2,
        "bytes": subjects * 41_000_000, "software": "midas 0.1.0",
        "tally": {"waiting": 0, "held": dice.randrange(4, 30), "refused": dice.randrange(3, 12), "sent": subjects * 12},
    }  # fmt: skip
    findings = [
        {"rule": "series.slice-gap", "severity": "warning", "scope": f"{_pseudonym(dice)}/series 3",
         "message": "Slices that seem to be missing in the stack: 1 slices, above 0.",
         "advice": "Export the whole series.", "cites": "PS3.3 C.7.6.2"},
        {"rule": "image.acquisition", "severity": "info", "scope": f"{_pseudonym(dice)}/series 1",
         "message": "PixelSpacing is 0.94 mm, above 0.5.", "advice": "", "cites": "protocol items.brain-mr"},
    ]  # fmt: skip
    if refused:
        findings = [{"rule": "leak.pattern.phone", "severity": "error", "scope": f"{_pseudonym(dice)}/instance 2",
                     "message": "A text looks like: phone.",
                     "advice": "Hold the item at the spoke and correct its de-identification; do not release it.", "cites": "PS3.15 E.1-1"}]  # fmt: skip
    return c.Submission.objects.create(
        dataset=made, protocol=version, spoke=spoke, root=sha256_bytes(f"{made.slug}{spoke}{number}".encode()),
        header=header, signed={}, findings=findings, received_at=NOW - timedelta(days=9 - number, hours=number * 5),
        state="refused" if refused else "registered", registered_at=None if refused else NOW - timedelta(days=9 - number),
    )  # fmt: skip


def _subject(made, submission, spoke, protocol, previews, dice):
    age = int(min(max(dice.gauss(48, 13), 6), 90))
    subject = c.Subject.objects.create(
        dataset=made, pseudonym=_pseudonym(dice), spoke=spoke, sex=dice.choices("FMOU", (46, 50, 1, 3))[0],
        basis=[{"kind": protocol.ethics[0].kind, "ethics": protocol.ethics[0].id, "scope": []}],
        first_submission=submission,
    )  # fmt: skip
    visits = [
        c.Visit.objects.create(subject=subject, name=visit.id, day=30 * number, age_years=age)
        for number, visit in enumerate(protocol.visits[: dice.choice((1, 2, 2, 3))])
    ]
    site = dice.choices(protocol.lesions.sites, [1 / (n + 1) for n in range(len(protocol.lesions.sites))])[0]
    lesion = c.Lesion.objects.create(
        subject=subject, name="L1", tracking_uid=_uid(dice), site=site.code.model_dump(), laterality="left"
    )
    for item in protocol.items:
        if item.required or dice.random() < 0.45:
            _series(subject, submission, item, dice.choice(visits), lesion, previews[item.id], dice)
    for target in protocol.targets:
        if target.type == "category":
            weights = [3, 2, 2, 3, 5, 1][: len(target.values)]
            c.Label.objects.create(
                subject=subject, submission=submission, level=target.level, lesion=lesion, target=target.id,
                value=dice.choices(target.values, weights)[0], source="table:specimens.diagnosis",
            )  # fmt: skip


def _series(subject, submission, item, visit, lesion, previews, dice):
    study = c.Study.objects.create(subject=subject, uid=_uid(dice))
    series = c.Series.objects.create(
        study=study,
        uid=_uid(dice),
        modality=item.modalities[0],
        item=item.id,
        kind=item.kind,
        visit=visit,
        lesion=lesion,
    )
    for number in range(dice.choice((1, 2, 4))):
        uid = _uid(dice)
        c.Instance.objects.create(
            series=series, submission=submission, sop_instance_uid=uid, sop_class_uid="1.2.840.10008.5.1.4.1.1.4",
            transfer_syntax_uid="1.2.840.10008.1.2.1", path=f"{subject.pseudonym}/{study.uid}/{series.uid}/{uid}.dcm",
            sha256=sha256_bytes(uid.encode()), size=dice.randrange(200_000, 9_000_000),
            view=dice.choice(item.views) if item.views else "", facts={"Rows": 512, "Columns": 512, "number": number} | dict(zip(("Manufacturer", "ManufacturerModelName"), dice.choice(DEVICES), strict=True)),
            sources=[], deid="profile", preview=dice.choice(previews),
        )  # fmt: skip


def release(
    made: c.Dataset, version: str, *, days_ago: int, share: float, by: Account, store, notes: str = ""
) -> None:
    """Write a release and its twin as rows; their files are few but real blobs."""
    protocol = c.ProtocolVersion.objects.get(dataset=made)
    access = load_named(made.slug).protocol.access
    draft = r.Draft.objects.create(
        dataset=made, protocol=protocol, version=version, notes=notes, salt_root="00" * 32, created_by=by,
        published_on=date(2026, 11, 22) - timedelta(days=days_ago), created_at=NOW - timedelta(days=days_ago),
        submissions=list(c.Submission.objects.filter(dataset=made, state="registered").values_list("root", flat=True)),
    )  # fmt: skip
    subjects = list(c.Subject.objects.filter(dataset=made).order_by("pk"))
    chosen = subjects[: max(1, int(len(subjects) * share))]
    for twin in (False, True):
        key = sha256_bytes(f"{made.slug}{version}{twin}".encode())
        counts = dict.fromkeys(("visits", "lesions", "specimens", "series", "labels"), len(chosen))
        found = r.Release.objects.create(
            dataset=made, draft=draft, version=version, twin=twin, key=key, seal={}, access=access.level,
            license=access.license, whole_salt="00" * 32, cut_at=NOW - timedelta(days=days_ago),
            summary={"title": made.slug, "subjects": len(chosen), "instances": len(chosen), "bytes": 8_000_000,
                     "protocol": {"sha256": protocol.sha256}, **counts},
        )  # fmt: skip
        r.ReleaseSubject.objects.bulk_create(
            r.ReleaseSubject(
                release=found, pseudonym=one.pseudonym, subject=None if twin else one, salt="00" * 32
            )
            for one in chosen
        )
        _files(found, chosen, store)
        if not twin:
            keep(found, count(chosen, load_named(made.slug).protocol))


def count(chosen, protocol):
    """Count some of the catalogue's persons, as a cut counts those of a release."""
    images = c.Instance.objects.filter(series__study__subject__in=chosen)
    name = "series__study__subject__pseudonym"
    ages = dict(c.Visit.objects.filter(subject__in=chosen).values_list("subject__pseudonym", "age_years"))
    labels = c.Label.objects.filter(subject__in=chosen)
    several = {
        "modality": images.values_list(name, "series__modality"),
        "site": c.Lesion.objects.filter(subject__in=chosen).values_list("subject__pseudonym", "site__meaning"),
        "device": [
            (person, device(*made)) for person, *made in images.values_list(name, "facts__Manufacturer", "facts__ManufacturerModelName")
        ],
        **{
            f"target:{one.id}": labels.filter(target=one.id).values_list("subject__pseudonym", "value")
            for one in protocol.targets if one.type == "category"
        },
    }  # fmt: skip
    amounts = {"images": Counter(), "series": Counter(), "bytes": Counter()}
    for number, (spoke, size) in enumerate(images.values_list("series__study__subject__spoke", "size")):
        amounts["images"][spoke] += 1
        amounts["series"][spoke] += number % 2
        amounts["bytes"][spoke] += size
    return counted(
        protocol, persons={one.pseudonym: (one.sex, one.spoke, ages.get(one.pseudonym)) for one in chosen}, several=several,
        amounts=amounts,
    )  # fmt: skip


DEVICES = (
    ("SIEMENS", "Magnetom Prisma"),
    ("GE MEDICAL SYSTEMS", "Signa HDxt"),
    ("Canon", "EOS 90D"),
    ("3DHISTECH", "Pannoramic"),
)


FINDINGS = (
    (
        "image.unreadable",
        1,
        "It cannot be read (InvalidDicomError).",
        "Export it again; it may have been cut short.",
        "PS3.10 7.1",
        None,
        "",
    ),
    (
        "series.slice-gap",
        2,
        "Slices that seem to be missing in the stack: 2 slices, above 0.",
        "Export the whole series.",
        "PS3.3 C.7.6.2.1.1",
        2.0,
        "slices",
    ),
    (
        "image.constant",
        2,
        "Every pixel of a frame has the same value.",
        "Look at the image; it may be blank.",
        "protocol: items",
        None,
        "",
    ),
    (
        "image.acquisition",
        2,
        "PixelSpacing is 0.94 mm, above 0.7.",
        "Compare the acquisition with the protocol.",
        "protocol: items.acquisition",
        0.94,
        "mm",
    ),
    (
        "image.acquisition-unknown",
        3,
        "SliceThickness is not given.",
        "Nothing to do where the device does not write it.",
        "protocol: items.acquisition",
        None,
        "",
    ),
)


def checks(made: c.Dataset, by: Account) -> None:
    """Write a run of the quality checks for each submission, with findings on some series, and decide of a few."""
    dice, number = random.Random(11), 0
    protocol = c.ProtocolVersion.objects.get(dataset=made)
    for number, sent in enumerate(
        c.Submission.objects.filter(dataset=made, state="registered").order_by("pk"), start=1
    ):
        series = list(
            c.Series.objects.filter(pk__in=c.Instance.objects.filter(submission=sent).values("series"))
            .select_related("study")
            .order_by("pk")
        )
        run = c.CheckRun.objects.create(
            dataset=made, number=number, submission=sent, protocol=protocol, software="midas 0.1.0", series=len(series),
            started_at=sent.registered_at, finished_at=sent.registered_at + timedelta(minutes=4),
            images=c.Instance.objects.filter(submission=sent).count(),
        )  # fmt: skip
        for one in dice.sample(series, max(2, len(series) // 6)):
            stack = 3 if one.modality == "CT" else 0
            rule, weight, message, advice, cites, value, unit = dice.choices(FINDINGS, (1, stack, 2, 4, 5))[0]
            images = list(c.Instance.objects.filter(series=one))
            alone = images[0] if rule.startswith("image.") and weight < 3 else None
            c.QualityFinding.objects.create(
                run=run, dataset=made, submission=sent, subject_id=one.study.subject_id, series=one, rule=rule, weight=weight,
                instance=alone, images=1 if alone else len(images), message=message, advice=advice, cites=cites, value=value,
                unit=unit, most={0.94: 0.7, 2.0: 0.0}.get(value), mark=sha256_bytes(f"{one.pk}{rule}".encode()),
            )  # fmt: skip
    found = list(c.QualityFinding.objects.filter(dataset=made, weight=2).order_by("pk"))
    for one, verdict, why in zip(
        found, ("accept", "exclude", "ask"),
        ("A scout view: it is meant to be so.", "The mouth cannot be seen.", "Was this exported whole?"), strict=False,
    ):  # fmt: skip
        decide(findings=[one], verdict=verdict, why=why, by=by, clock=SystemClock())


DATASHEET = """# Oral cancer: photographs and histology

## Motivation

**For what purpose was the dataset created?** To let models be trained and tested on how oral disease looks in India.

## Composition

| what | number |
|---|---|
| people | 148 |
| lesions | 148 |

- Photographs of the mouth in fixed views
- Histology slides at 40×
"""


def _images(chosen):
    return c.Instance.objects.filter(series__study__subject__in=chosen).exclude(preview="").order_by("pk")


def _manifest(found, chosen) -> bytes:
    """Write the columns of a release's first table that pages read."""
    names = ("path", "sha256", "subject", "item", "kind", "view", "modality", "rows", "columns")
    rows = _images(chosen).values_list(
        "path", "preview" if found.twin else "sha256", "series__study__subject__pseudonym", "series__item",
        "series__kind", "view", "series__modality",
    )  # fmt: skip
    lines = [dict(zip(names, (*row, 64, 64), strict=True)) for row in rows]
    out = BytesIO()
    pq.write_table(pa.Table.from_pylist(lines).replace_schema_metadata({"key": found.key}), out)
    return out.getvalue()


def _files(found, chosen, store):
    papers = {
        "README.md": b"# Read me\n", "DATASHEET.md": DATASHEET.encode(), "LICENSE.txt": b"Terms of use\n",
        "DATASHEET.html": b"<!doctype html><title>Datasheet</title><h1>Datasheet</h1>",
        "deid/report.html": b"<!doctype html><title>Report</title><h1>De-identification</h1>",
        "protocol.yaml": b"schema: midas-protocol/1\n", "croissant.json": b"{}", "manifest.parquet": _manifest(found, chosen),
        "subjects.parquet": b"PAR1s" + found.version.encode(), "labels.parquet": b"PAR1l", "splits.parquet": b"PAR1p", "SHA256SUMS": b"",
    }  # fmt: skip
    rows = [
        r.ReleaseFile(release=found, path=path, sha256=store.put_chunks([data]), size=len(data))
        for path, data in papers.items()
    ]
    kept = "preview" if found.twin else "sha256"  # a drawn picture stands for a twin's image
    images = _images(chosen).values_list("path", kept, "size")
    rows += [
        r.ReleaseFile(release=found, path=f"data/{path}", sha256=sha, size=size) for path, sha, size in images
    ]
    r.ReleaseFile.objects.bulk_create(rows)


def grant(account: Account, found: r.Release, by: Account, store) -> None:
    clock = SystemClock()
    give(
        account=account, release=found, purpose="HMB", terms=terms_of_release(found, store=store, clock=clock), by=by,
        why="The agreement was signed.", words="A classifier of lesions of the mouth.", clock=clock,
    )  # fmt: skip


def requests(accounts: dict[str, Account], store) -> None:
    """One request that waits, and one that was declined."""
    found, clock = r.Release.objects.get(version="1.1.0", twin=False), SystemClock()
    terms = terms_of_release(found, store=store, clock=clock)
    for name, words in (
        ("visitor", "Can lesions of the buccal mucosa be told from healthy mucosa on photographs alone? We publish the model."),
        ("operator", "To see what other hospitals have sent, and to compare it with ours."),
    ):  # fmt: skip
        made = ask(
            account=accounts.get(name) or Account.objects.get(username=name), release=found, purpose="HMB", words=words,
            terms=terms, accepted=terms.sha256, clock=clock,
        )  # fmt: skip
    decline(request=made, by=accounts["access-officer"], why="The hospitals' page answers this.", clock=clock)


def fill(store, *, subjects: int = 148, pictures: int = 10) -> dict[str, Account]:
    """Fill a whole hub: accounts, hospitals, two datasets, two releases with twins, one grant, one open draft."""
    accounts = people()
    oral = dataset(
        "oral-cancer",
        spokes=("spdc-wardha", "sriher-chennai"),
        subjects=subjects,
        store=store,
        seed=7,
        pictures=pictures,
    )
    dataset(
        "meningioma",
        spokes=("aiims-neuro",),
        subjects=max(2, subjects // 4),
        store=store,
        seed=8,
        pictures=pictures,
    )
    by = accounts["curator"]
    checks(oral, by)
    release(oral, "1.0.0", days_ago=40, share=0.7, by=by, store=store, notes="First release.")
    release(
        oral,
        "1.1.0",
        days_ago=3,
        share=1.0,
        by=by,
        store=store,
        notes="Adds the people of two more submissions.",
    )
    grant(
        accounts["researcher"],
        r.Release.objects.get(version="1.1.0", twin=False),
        accounts["access-officer"],
        store,
    )
    requests(accounts, store)
    cite(
        release=r.Release.objects.get(version="1.0.0", twin=False), url="10.5281/zenodo.0000000",
        title="Telling lesions of the buccal mucosa apart on photographs", by=by, clock=SystemClock(),
    )  # fmt: skip
    curator = accounts["curator"]
    curator.full_name, curator.orcid, curator.credited = "Dr Meera Iyer", "0000-0002-1825-0097", True
    curator.save()
    meningioma = c.Dataset.objects.get(slug="meningioma")
    r.Draft.objects.create(
        dataset=meningioma, protocol=c.ProtocolVersion.objects.get(dataset=meningioma), version="1.0.0", notes="First cut.",
        published_on=date(2026, 12, 1), salt_root="00" * 32, created_by=by, created_at=NOW,
        submissions=list(c.Submission.objects.filter(dataset=meningioma, state="registered").values_list("root", flat=True)),
    )  # fmt: skip
    return accounts
