"""A synthetic twin: the same schema, layout and code paths as a release, with invented subjects and pictures.

In comes a release, of which the words and the protocol are used and no row; out comes a second release that anyone may
look at. Values are drawn column by column from what the protocol allows. The same release gives the same twin.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from midas.catalogue import lens
from midas.kernel import Clock, NoProgress, Progress, sha256_bytes
from midas.manifest import PrivateKey
from midas.people.models import Account
from midas.protocol.model import Column, Item, Protocol
from midas.quality.rows import heading
from midas.release import phantoms, tables
from midas.release.content import About, Content
from midas.release.cutting import assemble, record
from midas.release.gathering import about
from midas.release.images import series_of
from midas.release.models import Release
from midas.release.sealing import salts_from
from midas.release.splits import choose_keys, place
from midas.release.splitting import persons_of
from midas.store import Blobs

SUBJECTS = 10
"""Enough for every part of a split to have someone, few enough for a twin of a few megabytes."""

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MADE = {"dicom", "photo", "slide"}
"""Kinds of items that a twin has pictures for."""

Row = dict[str, Any]


def make_twin(
    *,
    release: Release,
    store: Blobs,
    signer: PrivateKey,
    clock: Clock,
    progress: Progress | None = None,
    by: Account | None = None,
) -> Release:
    """Write the open twin of a release, or return the one that it has."""
    before = Release.objects.filter(dataset=release.dataset, version=release.version, twin=True).first()
    if before is not None:
        return before
    seed = sha256_bytes(f"midas-twin/1 {release.key}".encode())
    words = replace(about(release.draft), twin=True, notes="")
    content = imagine(about=words, seed=seed, store=store, progress=progress)
    subjects = content.tables["subjects"]["subject"].to_pylist()
    made = assemble(content, store=store, salts=salts_from(bytes.fromhex(seed), subjects))
    return record(content, made, draft=release.draft, signer=signer, clock=clock, by=by)


@dataclass
class Invented:
    """The rows of a twin while they are made, and its one source of chance."""

    chance: random.Random
    seed: str
    rows: dict[str, list[Row]] = field(default_factory=dict)

    def add(self, table: str, **row: Any) -> Row:
        self.rows.setdefault(table, []).append(row)
        return row

    def of(self, table: str, subject: str) -> list[Row]:
        return [row for row in self.rows.get(table, ()) if row["subject"] == subject]


def imagine(*, about: About, seed: str, store: Blobs, progress: Progress | None = None) -> Content:
    """Invent a whole `Content` from a protocol and a seed; only the images' blobs are written."""
    protocol, made = about.protocol, Invented(random.Random(seed), seed)  # noqa: S311 - nothing secret hangs on it
    for _ in (progress or NoProgress()).track(range(SUBJECTS), label="Twin", total=SUBJECTS):
        _subject(made, protocol, store)
    for one in protocol.tables:
        if any(column.leaves for column in one.columns):
            _records(made, protocol, one.id)
    _labels(made, protocol)
    for row in made.rows["subjects"]:
        for name in ("visits", "lesions", "specimens"):
            row[name] = len(made.of(name, row["subject"]))
        row["instances"] = len(made.of("manifest", row["subject"]))
    schemas = dict(tables.FIXED) | {
        f"clinical/{one.id}": tables.clinical_schema(one) for one in protocol.tables
        if any(column.leaves for column in one.columns)
    }  # fmt: skip
    found = {
        name: tables.arrow(name, _in_order(made.rows.get(name, [])), schema)
        for name, schema in schemas.items()
    }
    found["series"] = series_of(found["manifest"])
    names = sorted(found["subjects"]["subject"].to_pylist())
    persons = persons_of(protocol, found, {name: name for name in names})
    keys = choose_keys(persons, seed=bytes.fromhex(seed), parts=protocol.split.parts)
    part = place(names, keys=keys, parts=protocol.split.parts)
    rows = [{"subject": name, "part": part[name]} for name in names]
    found["splits"] = tables.arrow("splits", rows, tables.SPLITS)
    report = {
        "spoke": "synthetic",
        "submission": seed,
        "report": {"note": "synthetic: nothing was de-identified"},
    }
    return Content(about=about, tables=found, report=(report,))


def _in_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["subject"], *(str(row.get(name) or "") for name in _ORDER)))


_ORDER = ("path", "day", "visit", "lesion", "specimen", "target", "uid")


def _subject(made: Invented, protocol: Protocol, store: Blobs) -> None:
    chance = made.chance
    letters = "".join(chance.choice(_LETTERS) for _ in range(10))
    subject = f"P-{letters[:5]}-{letters[5:]}"
    ethics = chance.choice(protocol.ethics)
    age = chance.randint(18, 85)
    spokes = protocol.spokes or (protocol.hub,)
    sex = chance.choice("FM")
    made.add(
        "subjects",
        subject=subject,
        sex=sex,
        spoke=chance.choice(spokes).id,
        basis=[ethics.kind],
        ethics=[ethics.id],
    )
    day = 0
    for visit in protocol.visits:
        if day == 0 or visit.required or chance.random() < 0.6:
            made.add("visits", subject=subject, visit=visit.id, day=day, age_years=min(90, age + day // 365))
            day += chance.randint(20, 120)
    for number in range(1, chance.choice((2, 2, 3))):
        _lesion(made, protocol, subject, f"L{number}")
    for item in protocol.items:
        if item.kind in _MADE:
            for place in _places(made, item, subject):
                _images(made, item, place, sex=sex, age=age, store=store)


def _lesion(made: Invented, protocol: Protocol, subject: str, name: str) -> None:
    chance = made.chance
    site = chance.choice(protocol.lesions.sites).code
    made.add(
        "lesions", subject=subject, lesion=name, tracking_uid=phantoms.uid(made.seed, subject, name),
        site_scheme=site.scheme, site_code=site.value, site_meaning=site.meaning,
        laterality=chance.choice(("left", "right")) if protocol.lesions.laterality else None,
    )  # fmt: skip
    if protocol.specimens:
        specimen = f"S{name[1:]}"
        made.add(
            "specimens", subject=subject, specimen=specimen, specimen_uid=phantoms.uid(made.seed, subject, specimen),
            kind=chance.choice(protocol.specimens).value, lesion=name, visit=made.of("visits", subject)[0]["visit"],
        )  # fmt: skip


def _places(made: Invented, item: Item, subject: str) -> Iterator[Row]:
    """Yield where images of an item belong: its visits, or each lesion or specimen at the first visit."""
    visits = [row["visit"] for row in made.of("visits", subject)]
    empty = {"subject": subject, "visit": visits[0], "lesion": None, "specimen": None}
    if item.level == "visit":
        for visit in visits:
            if not item.visits or visit in item.visits:
                yield {**empty, "visit": visit}
    elif item.level == "lesion":
        yield from ({**empty, "lesion": row["lesion"]} for row in made.of("lesions", subject))
    else:
        for row in made.of("specimens", subject):
            yield {**empty, "lesion": row["lesion"], "specimen": row["specimen"]}


def _images(made: Invented, item: Item, place: Row, *, sex: str, age: int, store: Blobs) -> None:
    subject = place["subject"]
    words = (made.seed, *(str(one) for one in place.values()), item.id)
    sitter = phantoms.Sitter(
        subject,
        sex,
        age,
        phantoms.uid(made.seed, subject, place["visit"], "study"),
        phantoms.uid(*words, "series"),
    )
    for ds in phantoms.series(item, sitter, seed=made.chance.getrandbits(63)):
        data = phantoms.encode(ds)
        lens.keep([lens.index_bytes(data)])
        keywords = tables.INSTANCE_FACTS + tables.SERIES_FACTS
        facts = {"NumberOfFrames": 1} | {
            fact.keyword: _fact(ds.get(fact.keyword)) for fact in keywords if fact.keyword in ds
        }
        made.add(
            "manifest", path=f"data/{subject}/{ds.StudyInstanceUID}/{ds.SeriesInstanceUID}/{ds.SOPInstanceUID}.dcm",
            sha256=store.put_chunks([data]), size=len(data), **place, item=item.id, kind=item.kind,
            modality=str(ds.Modality), view=made.chance.choice(item.views) if item.views else None,
            study_uid=str(ds.StudyInstanceUID), series_uid=str(ds.SeriesInstanceUID),
            sop_instance_uid=str(ds.SOPInstanceUID), sop_class_uid=str(ds.SOPClassUID),
            transfer_syntax_uid=str(ds.file_meta.TransferSyntaxUID), deid="synthetic",
            **tables.reader(keywords)(facts),
        )  # fmt: skip


def _fact(value: Any) -> Any:
    many = isinstance(value, list | tuple) or type(value).__name__ == "MultiValue"
    return "\\".join(str(one) for one in value) if many else value


def _records(made: Invented, protocol: Protocol, table: str) -> None:
    """Invent a clinical table: a row for each thing that its grain names."""
    definition = next(one for one in protocol.tables if one.id == table)
    grain = {"person": "subjects", "visit": "visits", "lesion": "lesions", "specimen": "specimens"}
    for thing in list(made.rows.get(grain.get(definition.grain, "subjects"), ())):
        place = {name: thing.get(name) for name in ("subject", "visit", "lesion", "specimen")}
        values = {
            heading(column.name): _value(column, made.chance)
            for column in definition.columns if column.leaves
        }  # fmt: skip
        made.add(f"clinical/{table}", **place, **values)


def _value(column: Column, chance: random.Random) -> Any:
    """Draw one value that the protocol allows, of this column alone; now and then nothing, as in life."""
    if not column.required and chance.random() < 0.05:
        return None
    low, high = column.min if column.min is not None else 0, column.max if column.max is not None else 100
    match column.type:
        case "text":
            return None
        case "category":
            return chance.choice(column.values)
        case "boolean":
            return chance.random() < 0.5
        case "integer":
            return chance.randint(int(low), int(high))
        case _:
            return round(chance.uniform(low, high), 1)


def _labels(made: Invented, protocol: Protocol) -> None:
    """Take labels from the invented tables as the real ones come from theirs; invent those that come with images."""
    for target in protocol.targets:
        source = target.source
        if source.table and source.column:
            origin, column = f"table:{source.table}.{source.column}", source.column.replace("-", "_")
            for row in made.rows.get(f"clinical/{source.table}", ()):
                if row.get(column) is not None:
                    _label(made, target.id, target.level, row, row[column], origin)
            continue
        seen: set[str] = set()
        for row in list(made.rows["manifest"]):
            if row["item"] in target.items and row["series_uid"] not in seen:
                seen.add(row["series_uid"])
                value = made.chance.choice(target.values) if target.values else None
                uid = row["series_uid"] if target.level == "series" else row["sop_instance_uid"]
                _label(made, target.id, target.level, row, value, f"{source.labels}:synthetic", uid=uid)


def _label(
    made: Invented, target: str, level: str, place: Row, value: Any, source: str, *, uid: str = ""
) -> None:
    made.add(
        "labels", level=level, uid=uid if level in {"series", "instance"} else None, target=target, source=source,
        readers=[], segmentation_path=None, **tables.label_value(value),
        **{name: place[name] for name in ("subject", "visit", "lesion", "specimen")},
    )  # fmt: skip
