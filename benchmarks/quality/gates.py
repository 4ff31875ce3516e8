"""How long the gates take for a large dataset: `python benchmarks/quality/gates.py --subjects 100000 --instances 1000000`.

Rows are synthetic: each subject has ten series' worth of images, a visit, a label and a part. What the store and the
database answer is given, so that the figure is that of the split, the leakage report and the gates themselves.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from datetime import date
from typing import Any

import pyarrow as pa

from midas.kernel import sha256_bytes
from midas.protocol import load_named
from midas.release import tables
from midas.release.cases import Case, Held
from midas.release.content import About, Content
from midas.release.gates import results
from midas.release.lawful import bases_of
from midas.release.leakage import Ties, leakage
from midas.release.splits import Person, choose_keys, groups, part_of

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def pseudonym(number: int) -> str:
    digits = "".join(LETTERS[number // 32**place % 32] for place in range(10))
    return f"P-{digits[:5]}-{digits[5:]}"


def made(subjects: int, instances: int) -> tuple[Content, list[str], list[str]]:
    """Return a content of so many rows, its persons and the digest of each image."""
    loaded = load_named("meningioma")
    names = [pseudonym(number) for number in range(subjects)]
    owners = [names[number % subjects] for number in range(instances)]
    digests = [sha256_bytes(str(number).encode()) for number in range(instances)]
    empty: dict[str, Any] = {name: schema.empty_table() for name, schema in tables.FIXED.items()}
    filled = {
        "manifest": {"path": digests, "sha256": digests, "size": [1] * instances, "subject": owners,
                     "modality": ["MR"] * instances, "view": ["axial"] * instances},
        "subjects": {"subject": names, "sex": ["F", "M"] * (subjects // 2),
                     "spoke": [f"site-{number % 40}" for number in range(subjects)]},
        "labels": {"subject": names, "target": ["who-grade"] * subjects,
                   "value": [str(number % 3 + 1) for number in range(subjects)]},
    }  # fmt: skip
    for name, columns in filled.items():
        rows = len(next(iter(columns.values())))
        empty[name] = pa.table(
            {field.name: columns.get(field.name, pa.nulls(rows, field.type)) for field in tables.FIXED[name]},
            schema=tables.FIXED[name],
        )
    about = About("meningioma", "1.0.0", "2026-11-22", loaded.protocol, loaded.source, loaded.sha256)
    return Content(about, empty, ()), names, digests


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--subjects", type=int, default=100_000)
    asked.add_argument("--instances", type=int, default=1_000_000)
    words = asked.parse_args()
    content, names, digests = made(words.subjects, words.instances)
    parts, told = content.about.protocol.split.parts, {}
    owners = content.tables["manifest"]["subject"].to_pylist()
    basis = bases_of([{"kind": "consent", "ethics": "consented", "scope": ["DUO:0000042"]}])

    begun = time.perf_counter()
    pairs = [(names[number], names[number + 1]) for number in range(0, words.subjects - 1, 100)]
    group = groups([(name, ()) for name in names], pairs=pairs)
    persons = [Person(group[name], "FM"[n % 2], f"{'FM'[n % 2]}|{n % 3}") for n, name in enumerate(names)]
    keys = choose_keys(persons, seed=b"s" * 32, parts=parts)
    placed = [(name, part_of(group[name], keys=keys, parts=parts)) for name in names]
    told["split_s"] = round(time.perf_counter() - begun, 2)

    begun = time.perf_counter()
    ties = Ties(
        pairs=pairs,
        same_file=zip(digests, owners, strict=True),
        same_source=zip(digests, owners, strict=True),
    )
    report = leakage(placed, ties, everyone=names)
    told["leakage_s"] = round(time.perf_counter() - begun, 2)

    begun = time.perf_counter()
    case = Case(
        content, date(2026, 11, 22), Held(read=0, of=words.instances), report, dict.fromkeys(names, basis)
    )
    stand = {one.gate: one.state.value for one in results(case)}
    told["gates_s"] = round(time.perf_counter() - begun, 2)
    told["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"subjects": words.subjects, "instances": words.instances, **told, "states": stand}))


if __name__ == "__main__":
    main()
