"""Clinical tables at full size: seconds and memory of every check, of coverage and of the comparison with images.

    python -m benchmarks.quality.tables [--subjects 100000]

Persons are drawn, all values are those of the oral-cancer protocol; one cell in fifty is empty and one in two hundred wrong.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import polars as pl

from midas.protocol import load_named
from midas.protocol.model import Column, Condition, Logic, Population, Protocol, Share, Table
from midas.quality.agreement import examine_agreement
from midas.quality.checks import findings
from midas.quality.coverage import collect_next, measure
from midas.quality.persons import attributes, persons
from midas.quality.risk import risk
from midas.quality.rows import heading
from midas.quality.tables import examine_table

VISITS = ("baseline", "post-treatment", "follow-up")
RULE = Logic(
    id="normal-has-no-grade", title={"en": "What is normal has no grade"},
    when=(Condition(column="diagnosis", one_of=("normal",)),), then=(Condition(column="grade", one_of=("not-applicable",)),),
)  # fmt: skip


@contextmanager
def timed(what: str) -> Iterator[None]:
    start = time.process_time()
    yield
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:28} {time.process_time() - start:6.2f} s of processor time, most memory {most:5.0f} MB")


def asked() -> Protocol:
    """Return the oral-cancer protocol with a rule and a target population by age, state and hospital."""
    oral = load_named("oral-cancer").protocol
    tables = tuple(
        one.model_copy(update={"rules": (RULE,)}) if one.id == "specimens" else one for one in oral.tables
    )
    wanted = {
        "sex": {"F": 0.5, "M": 0.5},
        "age-band": {"0-39": 0.3, "40-59": 0.4, "60+": 0.3},
        "state": {"Maharashtra": 0.4, "Tamil Nadu": 0.3, "Karnataka": 0.3},
        "diagnosis": {"normal": 0.2, "dysplasia": 0.4, "squamous-cell-carcinoma": 0.4},
    }
    shares = {
        name: tuple(Share(value=value, share=share) for value, share in group.items())
        for name, group in wanted.items()
    }
    return oral.model_copy(
        update={"tables": tables, "population": Population(description="x", variable=shares)}
    )


def drawn(protocol: Protocol, people: int) -> dict[str, pl.DataFrame]:
    """Return the tables of a release of so many persons of nobody, three visits each."""
    rng = np.random.default_rng(5)
    names = np.array([f"P-{number:07d}" for number in range(people)])
    spokes = rng.choice(["spdc-wardha", "sriher-chennai", "kle-dental"], people, p=[0.6, 0.3, 0.1])
    found = {
        "subjects": pl.DataFrame(
            {"subject": names, "sex": rng.choice(["F", "M"], people), "spoke": spokes}
        ),
        "visits": pl.DataFrame({
            "subject": np.repeat(names, 3), "visit": np.tile(VISITS, people), "day": np.tile([0, 60, 180], people),
            "age_years": np.repeat(rng.integers(18, 90, people), 3),
        }),
        "lesions": pl.DataFrame({
            "subject": names, "lesion": ["1"] * people, "laterality": rng.choice(["left", "right"], people),
        }),
    }  # fmt: skip
    for table in protocol.tables:
        if table.grain in {"person", "visit", "lesion", "specimen"}:
            found[f"clinical/{table.id}"] = _rows(table, names, rng)
    return found


def _rows(table: Table, names: np.ndarray, rng: np.random.Generator) -> pl.DataFrame:
    times = 3 if table.grain == "visit" else 1
    rows = len(names) * times
    place = {
        "subject": np.repeat(names, times),
        "visit": np.tile(VISITS, len(names)) if times == 3 else ["baseline"] * rows,
        "lesion": ["1"] * rows if table.grain == "lesion" else [None] * rows,
        "specimen": ["1"] * rows if table.grain == "specimen" else [None] * rows,
    }
    values = {heading(one.name): _cells(one, rows, rng) for one in table.columns if one.leaves}
    return pl.DataFrame({**place, **values})


def _cells(column: Column, rows: int, rng: np.random.Generator) -> pl.Series:
    if column.type == "category":
        drawn = pl.Series(rng.choice([*column.values, "wrong"], rows, p=_mostly(len(column.values))))
    elif column.type == "boolean":
        drawn = pl.Series(rng.random(rows) < 0.5)
    else:
        low, high = column.min or 0, column.max or 100
        numbers = rng.uniform(low, high * 1.005, rows)
        drawn = pl.Series(numbers.round(0).astype(int) if column.type == "integer" else numbers)
    return pl.select(pl.when(pl.Series(rng.random(rows) > 0.02)).then(drawn)).to_series()


def _mostly(number: int) -> list[float]:
    return [*([0.995 / number] * number), 0.005]


def images(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Return one series per visit that says what the tables say."""
    seen = tables["visits"].join(tables["subjects"], on="subject").with_row_index("row")
    return seen.select(
        "subject", "visit", lesion=pl.lit("1"), series_uid=pl.col("row").cast(pl.String), sex="sex",
        age_years="age_years", side=pl.lit("L"), day="day",
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=100_000)
    people = parser.parse_args().subjects
    protocol = asked()
    with timed(f"drawing {people} persons"):
        tables = drawn(protocol, people)
    rows = sum(frame.height for name, frame in tables.items() if name.startswith("clinical/"))
    with timed(f"tables, {rows} rows"):
        seen = [
            one
            for table in protocol.tables
            if f"clinical/{table.id}" in tables
            for one in examine_table(
                tables[f"clinical/{table.id}"], table, subjects=tables["subjects"], visits=tables["visits"]
            )
        ]
    print(f"{'':28} {len(seen)} answers, {len(findings(seen))} findings")
    frame = images(tables)
    with timed(f"images, {frame.height} series"):
        apart = findings(examine_agreement(
            frame, protocol, subjects=tables["subjects"], visits=tables["visits"], lesions=tables["lesions"]
        ))  # fmt: skip
    print(f"{'':28} {len(apart)} findings")
    with timed("coverage by hospital"):
        covered = measure(protocol, tables)
    print(
        f"{'':28} {[(one.variable, one.value, one.persons) for one in collect_next(covered[''], more=people // 10)][:4]}"
    )
    known = attributes(protocol)
    with timed("persons and risk"):
        found = risk(persons(protocol, tables), quasi=known.quasi, sensitive=known.sensitive)
    print(f"{'':28} k {found.k}, alone {found.uniqueness:.1%}, average {found.average:.1%}")


if __name__ == "__main__":
    main()
