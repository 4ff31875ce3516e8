"""`python -m benchmarks.dicomweb.load HOME FOLDER`: a hub with the test set as the draft of a dataset; prints a token.

`--million` adds datasets of the shape of the Imaging Data Commons' index: 179 collections, 168,507 studies, 1,044,191
series (from `idc-index-data` where it is installed, else drawn with the same counts).
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.dicomweb.images import make

from midas.catalogue.lens.indexing import Indexed, index_file, pack, text_of
from midas.compute import processes
from midas.kernel import SystemClock, sha256_file

DATASET, AT_ONCE = "bench", 20_000
COLLECTIONS, STUDIES, SERIES = 179, 168_507, 1_044_191
SHARES = {
    "CT": 271,
    "SR": 271,
    "SEG": 193,
    "MR": 128,
    "SM": 76,
    "MG": 48,
    "PT": 25,
    "CR": 14,
    "DX": 10,
    "US": 8,
}
"""How often each modality comes in that index, in thousands."""


def index(path: Path) -> Indexed:
    return index_file(path, sha256=sha256_file(path), size=path.stat().st_size)


def load(folder: Path) -> str:
    """Put the set into the store, index it in worker processes, publish it; return a curator's token."""
    from midas.catalogue import lens
    from midas.catalogue.models import Dataset
    from midas.people.models import Account, Membership, Role
    from midas.people.tokens import issue_token
    from midas.web.bootstrap import store

    paths, clock = make(folder), SystemClock()
    for path in paths:
        store().put_file(path)
    with processes() as pool:
        entries = list(pool.map(index, paths))
    lens.keep(entries)
    dataset, _ = Dataset.objects.get_or_create(slug=DATASET, defaults={"created_at": clock.now()})
    lens.publish(kind="draft", name=DATASET, dataset=dataset, digests=[one.sha256 for one in entries])
    account = Account.objects.create_user("bench")
    Membership.objects.create(account=account, role=Role.CURATOR, dataset=DATASET)
    return issue_token(title="benchmark", clock=clock, account=account, days=7)


Line = tuple[str, str, str, str, str, str, str, str, int]
"""Collection, patient, study, series, modality, body part, description, date, instances."""


def lines() -> Iterator[Line]:
    """Yield the series of the index, study by study."""
    try:
        import idc_index_data
    except ImportError:
        yield from _drawn()
        return
    import pyarrow.parquet as pq

    names = [
        "collection_id", "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "BodyPartExamined",
        "SeriesDescription", "StudyDate", "instanceCount",
    ]  # fmt: skip
    table = pq.read_table(idc_index_data.IDC_INDEX_PARQUET_FILEPATH, columns=names)
    for batch in table.sort_by([(name, "ascending") for name in names[:3]]).to_batches(AT_ONCE):
        columns = [column.to_pylist() for column in batch.columns]
        for row in zip(*columns, strict=True):
            *texts, date, number = row
            yield (*(one or "" for one in texts), str(date or "").replace("-", ""), int(number or 0))


def _drawn() -> Iterator[Line]:
    dice = random.Random(25)
    names, weights = list(SHARES), list(SHARES.values())
    each, spare = divmod(SERIES, STUDIES)
    for study in range(STUDIES):
        collection = f"collection-{study * COLLECTIONS // STUDIES:03d}"
        date = f"{dice.randint(1995, 2024)}{dice.randint(1, 12):02d}{dice.randint(1, 28):02d}"
        for at in range(each + (study < spare)):
            modality = dice.choices(names, weights)[0]
            uid = f"2.25.{study:07d}{at:03d}"
            yield (
                collection, f"{collection[-3:]}-{study:06d}", f"2.25.9{study:07d}", uid, modality,
                dice.choice(("CHEST", "BREAST", "BRAIN", "")), f"series {at}", date, dice.randint(1, 300),
            )  # fmt: skip


def add_million() -> None:
    """Add the index's datasets, as publishing would have left them; all series share one small pack."""
    from midas.catalogue.models import ScopeStudy, SeriesPack

    common = pack({"00080060": {"vr": "CS", "Value": ["CT"]}})
    listing = pack({"lines": [], "pieces": []})
    SeriesPack.objects.create(key="0" * 64, instances=0, listing=listing, common=common, metadata=b"")
    scopes: dict[str, int] = {}
    last = ScopeStudy.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    number, waiting = 0, Waiting()
    for of, group in _by_study(lines()):
        collection, patient, uid, date = of
        if collection not in scopes:
            scopes[collection] = _scope(collection)
        scope, last, number = scopes[collection], last + 1, number + len(group)
        held = sorted({line[4] for line in group})
        total = sum(line[8] for line in group)
        waiting.add(
            "scopestudy", id=last, scope_id=scope, subject=patient[:64], uid=uid, patient_id=patient[:64],
            patient_name=patient.lower()[:200], patient_birth_date="", patient_sex="O", study_date=date[:8],
            study_time="", accession_number="", study_id="", study_description="", referring_physician_name="",
            series=len(group), instances=total, fragment=_fragment(of, held, len(group), total), common=common,
        )  # fmt: skip
        for one in held:
            waiting.add("scopemodality", scope_id=scope, modality=one[:16], study_id=last)
        for at, line in enumerate(group, 1):
            waiting.add(
                "scopeseries", scope_id=scope, study_id=last, uid=line[3], modality=line[4][:16], number=at,
                description=line[6][:200], body_part=line[5][:64], instances=line[8],
                fragment=_series_fragment(line, at), pack="0" * 64,
            )  # fmt: skip
        waiting.write(at_least=AT_ONCE)
    waiting.write()
    _counted_on(last)
    print(f"{number:,} series in {len(scopes)} collections", file=sys.stderr)


def _scope(collection: str) -> int:
    from midas.catalogue.models import Dataset, Scope

    dataset = Dataset.objects.create(slug=f"idc-{collection}"[:64], created_at=SystemClock().now())
    return int(Scope.objects.create(kind="draft", name=dataset.slug, dataset=dataset).pk)


class Waiting:
    """Rows on their way into tables, written many at once without the model's own ways."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[Any, ...]]] = {}
        self.names: dict[str, tuple[str, ...]] = {}

    def add(self, table: str, **values: Any) -> None:
        self.names.setdefault(table, tuple(values))
        self.rows.setdefault(table, []).append(tuple(values.values()))

    def write(self, *, at_least: int = 0) -> None:
        from django.db import connection, transaction

        if max(map(len, self.rows.values()), default=0) < at_least:
            return
        with transaction.atomic(), connection.cursor() as cursor:
            for table, names in self.names.items():
                marks = ", ".join(["%s"] * len(names))
                sql = f"INSERT INTO catalogue_{table} ({', '.join(names)}) VALUES ({marks})"
                cursor.executemany(sql, self.rows.get(table, []))
        self.rows = {}


def _by_study(rows: Iterable[Line]) -> Iterator[tuple[tuple[str, str, str, str], list[Line]]]:
    before: str = ""
    group: list[Line] = []
    for line in rows:
        if line[2] != before and group:
            yield (*group[0][:3], group[0][7]), group
            group = []
        before = line[2]
        group.append(line)
    if group:
        yield (*group[0][:3], group[0][7]), group


def _fragment(of: tuple[str, str, str, str], modalities: list[str], series: int, instances: int) -> str:
    _, patient, uid, date = of
    value = {
        "00080020": {"vr": "DA", "Value": [date]}, "00080030": {"vr": "TM"}, "00080050": {"vr": "SH"},
        "00080056": {"vr": "CS", "Value": ["ONLINE"]}, "00080061": {"vr": "CS", "Value": modalities},
        "00080090": {"vr": "PN"}, "00081190": {"vr": "UR", "Value": [f"\x1a/studies/{uid}"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": patient}]}, "00100020": {"vr": "LO", "Value": [patient]},
        "0020000D": {"vr": "UI", "Value": [uid]}, "00201206": {"vr": "IS", "Value": [series]},
        "00201208": {"vr": "IS", "Value": [instances]},
    }  # fmt: skip
    return text_of(value).decode()


def _series_fragment(line: Line, number: int) -> str:
    _, _, study, uid, modality, part, words, _, instances = line
    value = {
        "00080056": {"vr": "CS", "Value": ["ONLINE"]}, "00080060": {"vr": "CS", "Value": [modality]},
        "0008103E": {"vr": "LO", "Value": [words]},
        "00081190": {"vr": "UR", "Value": [f"\x1a/studies/{study}/series/{uid}"]},
        "00180015": {"vr": "CS", "Value": [part]}, "0020000D": {"vr": "UI", "Value": [study]},
        "0020000E": {"vr": "UI", "Value": [uid]}, "00200011": {"vr": "IS", "Value": [number]},
        "00201209": {"vr": "IS", "Value": [instances]},
    }  # fmt: skip
    return text_of(value).decode()


def _counted_on(last: int) -> None:
    """Tell PostgreSQL where its own numbering goes on, and let either database look at what it holds now."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT setval(pg_get_serial_sequence('catalogue_scopestudy', 'id'), %s)", [last])
        cursor.execute("ANALYZE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--million", action="store_true")
    asked = parser.parse_args()
    from midas.web import bootstrap

    if (asked.home / "config.toml").exists():
        bootstrap.configure(asked.home)
    else:
        bootstrap.initialise(asked.home)
    if asked.million:
        add_million()
    else:
        json.dump({"token": load(asked.folder)}, sys.stdout)


if __name__ == "__main__":
    main()
