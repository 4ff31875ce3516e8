"""The look at clinical tables: do they hold what the protocol asks, do their rows agree, what is missing, and where.

In come a table as a release holds it, the protocol's definition and who sent whom; out comes what each check saw, by
hospital. No value of a cell is ever repeated; `wrong_rows` says which rows a finding is about.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import polars as pl

from midas.kernel import Severity
from midas.protocol.model import Table
from midas.quality.checks import Check, Measured, bounds, judge, unknown_limits, well, wrong
from midas.quality.examine import LIMITS
from midas.quality.intervals import shares
from midas.quality.rows import PLACE, Fault, faults, filled, heading, placed

EVERY: frozenset[str] = frozenset()
SITE = "spoke"
UNKNOWN_SITE = "unknown"
FEWEST = 10
"""Rows of a hospital, and of all others together, below which they are not compared."""

_CELLS = "Correct the rows at the hospital and send them again; the column's definition is in the protocol."


def _check(
    name: str, en: str, hi: str, *, severity: Severity = Severity.ERROR, unit: str = "rows", advice: str = _CELLS,
    cites: str = "protocol: tables.columns", **default: float,
) -> Check:  # fmt: skip
    return Check(f"table.{name}", severity, EVERY, unit, {"en": en, "hi": hi}, advice, cites, default)


CHECKS: tuple[Check, ...] = (
    _check("column-absent", "All columns of the protocol", "प्रोटोकॉल के सभी कॉलम", unit="columns",
           severity=Severity.WARNING, advice="Add the column to the hospital's sheet, or take it out of the protocol."),
    _check("column-unknown", "No column beyond the protocol", "प्रोटोकॉल से बाहर कोई कॉलम नहीं", unit="columns",
           advice="Take the column out, or declare it in the protocol with a role."),
    _check("required", "Required values", "आवश्यक मान"),
    _check("type", "Type of values", "मानों का प्रकार"),
    _check("whole", "Whole numbers", "पूर्णांक"),
    _check("range", "Numbers in range", "सीमा के भीतर संख्याएँ"),
    _check("value", "Allowed words", "अनुमत शब्द"),
    _check("code", "Codes of the vocabulary", "शब्दावली के कोड",
           cites="SNOMED CT (check digit of Verhoeff), LOINC (check digit mod 10), shape of ICD-10 and ICD-O-3 codes",
           advice="Copy the code from the system's browser; a digit is wrong or missing."),
    _check("logic", "Columns of a row agree", "पंक्ति के कॉलमों में मेल",
           cites="protocol: tables.rules", advice="Look at both values in the person's file and correct the wrong one."),
    _check("row-repeated", "Each row once", "हर पंक्ति केवल एक बार", cites="protocol: tables.grain",
           advice="Keep one row for each; where two different things are meant, number them apart."),
    _check("row-orphaned", "Rows of known subjects and visits", "ज्ञात व्यक्तियों और भेंटों की पंक्तियाँ",
           cites="protocol: tables.grain", advice="Send the subject or the visit, or take the row out."),
    _check("missing", "Share of empty cells", "ख़ाली कोष्ठकों का अनुपात", unit="share", severity=Severity.WARNING,
           cites="MIDAS default, no published threshold", advice="Ask the hospital whether it is known and was not written.",
           max=0.2),
    _check("missing-at-one-site", "Empty cells alike at all hospitals", "सभी अस्पतालों में ख़ाली कोष्ठक समान",
           unit="share", severity=Severity.WARNING,
           cites="MIDAS default: 95 % intervals (Wilson) apart, and further than the threshold",
           advice="Compare how the hospital collects this column; a model would learn the hospital from the gap.", max=0.1),
    _check("unit", "Same unit at all hospitals", "सभी अस्पतालों में एक ही इकाई",
           unit="factor", severity=Severity.WARNING, cites="UCUM; MIDAS default: medians within 15 % after conversion",
           advice="Ask the hospital for the unit of this column, and convert it there."),
)  # fmt: skip
_BY_ID = {one.id: one for one in CHECKS}

CONVERSIONS: dict[str, tuple[float, ...]] = {
    "mm": (10, 25.4, 1000), "cm": (0.1, 2.54, 100), "m": (0.01, 0.001, 0.3048),
    "kg": (0.001, 0.45359237), "g": (1000, 0.001), "mg": (1000, 0.001),
    "a": (1 / 12,), "mo": (12,), "%": (100,), "mm[Hg]": (10, 7.50062), "g/dL": (0.1,), "L": (0.001,), "mL": (1000,),
}  # fmt: skip
"""For a UCUM unit, what a number in a unit often written by mistake must be multiplied by: cm, inch or m where mm is
asked …"""


def with_sites(frame: pl.DataFrame, subjects: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with `spoke`, the hospital that their subject came from."""
    known = subjects.select("subject", SITE).unique("subject")
    return (
        placed(frame).join(known, on="subject", how="left").with_columns(pl.col(SITE).fill_null(UNKNOWN_SITE))
    )


def examine_table(
    frame: pl.DataFrame, table: Table, *, subjects: pl.DataFrame, visits: pl.DataFrame, counted: bool = True
) -> Iterator[Measured]:
    """Look at one table; each check says what it saw, per hospital and column where something is wrong.

    `frame` has subject, visit, lesion, specimen and the columns that leave; `subjects` has subject and spoke,
    `visits` subject and visit. The scope of a finding is `table/hospital/column`, its value the number of rows, a
    share or a factor. Without `counted`, what can be wrong in a single row is left to `examine_rows`.
    """
    for name in unknown_limits(table):
        yield wrong(LIMITS, f"No check is called {name}.", item=table, scope=f"{table.id}/*")
    yield from _columns(frame, table)
    if frame.is_empty():
        return
    rows = with_sites(frame, subjects)
    if counted:
        yield from _counted(rows, table, [*faults(rows, table), orphans(subjects, visits)])
    if any(one.leaves and heading(one.name) in frame.columns for one in table.columns):
        yield from _missing(rows, table)
    for column in table.columns:
        held = rows.schema.get(heading(column.name))
        if column.leaves and column.unit in CONVERSIONS and held is not None and held.is_numeric():
            yield from _unit(rows, table, column.name, column.unit)


SINGULAR = {"are": "is", "have": "has", "break": "breaks", "belong": "belongs"}
OF_THE_ROW = frozenset({"table.logic", "table.row-repeated", "table.row-orphaned"})
"""Checks that are about a whole row; the others are about one cell of it."""


def examine_rows(
    frame: pl.DataFrame, table: Table, *, subjects: pl.DataFrame, visits: pl.DataFrame
) -> Iterator[tuple[int, Measured]]:
    """Yield what is wrong with single rows: the place of the row in `frame`, and the finding; frames as for `examine_table`.

    The scope is `table/column`, or the rule's or table's name. No value of a cell is repeated.
    """
    if frame.is_empty():
        return
    rows = placed(frame)
    wanted = [*faults(rows, table), orphans(subjects, visits)]
    marks = rows.select(one.where.fill_null(value=False).alias(str(at)) for at, one in enumerate(wanted))
    for at, fault in enumerate(wanted):
        check = _BY_ID[fault.check]
        verb, _, rest = fault.says.partition(" ")
        what = "the row" if fault.check in OF_THE_ROW else f"column {fault.about}: the cell"
        words = f"Table {table.id}, {what} {SINGULAR[verb]} {rest}."
        for place in marks[str(at)].arg_true().to_list():
            yield (
                place,
                wrong(
                    check, words, item=table, scope=f"{table.id}/{fault.about}", value=1, cites=fault.cites,
                    severity=fault.severity,
                ),
            )  # fmt: skip


def _columns(frame: pl.DataFrame, table: Table) -> Iterator[Measured]:
    asked = {heading(one.name): one for one in table.columns if one.leaves}
    absent, unknown = _BY_ID["table.column-absent"], _BY_ID["table.column-unknown"]
    gone = [one for name, one in asked.items() if name not in frame.columns]
    for column in gone:
        yield wrong(
            absent,
            f"{table.id} has no column {column.name}.",
            item=table,
            scope=f"{table.id}/*/{column.name}",
            value=1,
        )
    strange = [name for name in frame.columns if name not in asked and name not in PLACE]
    if strange:
        words = f"{table.id} has {len(strange)} columns that the protocol does not know."
        yield wrong(unknown, words, item=table, scope=f"{table.id}/*", value=len(strange))
    yield from (well(check, 0) for check, found in ((absent, gone), (unknown, strange)) if not found)


def orphans(subjects: pl.DataFrame, visits: pl.DataFrame) -> Fault:
    """Return what is true of rows whose subject, or whose subject's visit, nobody sent."""
    join = pl.concat_str([pl.col("subject"), pl.col("visit")], separator="\x1f")
    known = visits.select(join.alias("key"))["key"].unique()
    lost = ~pl.col("subject").is_in(subjects["subject"].unique().implode())
    lost_visit = pl.col("visit").is_not_null() & ~join.is_in(known.implode())
    says = "belong to a subject or visit that is not there"
    return Fault("table.row-orphaned", "subject", lost | lost_visit, says)


def _counted(rows: pl.DataFrame, table: Table, wanted: list[Fault]) -> Iterator[Measured]:
    """Count the rows that are wrong in one pass over the table, by hospital."""
    marks = [one.where.fill_null(value=False).alias(str(at)) for at, one in enumerate(wanted)]
    marked = rows.select(SITE, *marks)
    tally = marked.group_by(SITE).agg(pl.len().alias("rows"), pl.all().exclude(SITE).sum()).sort(SITE)
    for at, fault in enumerate(wanted):
        check = _BY_ID[fault.check]
        bad = tally.filter(pl.col(str(at)) > 0)
        if bad.is_empty():
            yield well(check, 0)
        for site, number, count in bad.select(SITE, "rows", str(at)).iter_rows():
            words, scope = f"{count} of {number} rows {fault.says}.", f"{table.id}/{site}/{fault.about}"
            yield wrong(
                check, words, item=table, scope=scope, value=count, cites=fault.cites, severity=fault.severity
            )


def wrong_rows(
    frame: pl.DataFrame, table: Table, *, check: str, about: str, subjects: pl.DataFrame, visits: pl.DataFrame
) -> pl.DataFrame:
    """Return the place (subject, visit, lesion, specimen) and hospital of each row that a finding of `check` is about.

    `about` is the last part of the finding's scope: a column, a rule or the table.
    """
    rows = with_sites(frame, subjects)
    wanted = [*faults(rows, table), orphans(subjects, visits)]
    where = [one.where.fill_null(value=False) for one in wanted if (one.check, one.about) == (check, about)]
    return rows.filter(pl.any_horizontal(where) if where else pl.lit(False)).select(*PLACE, SITE)


def missingness(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return how much of each column that leaves is empty at each hospital, with a 95 % interval (Wilson).

    Columns: column, spoke, rows, missing, share, low, high.
    """
    leaving = [one for one in table.columns if one.leaves and heading(one.name) in rows.columns]
    empty = [(~filled(rows, one)).sum().alias(one.name) for one in leaving]
    tally = rows.group_by(SITE).agg(pl.len().alias("rows"), *empty).sort(SITE)
    long = tally.unpivot(
        index=[SITE, "rows"], on=[one.name for one in leaving], variable_name="column", value_name="missing"
    )
    share, low, high = shares(long["missing"].to_numpy(), long["rows"].to_numpy())
    found = long.with_columns(share=pl.Series(share), low=pl.Series(low), high=pl.Series(high))
    return found.select("column", SITE, "rows", "missing", "share", "low", "high")


def _missing(rows: pl.DataFrame, table: Table) -> Iterator[Measured]:
    much, apart = _BY_ID["table.missing"], _BY_ID["table.missing-at-one-site"]
    for (column,), sites in missingness(rows, table).group_by("column", maintain_order=True):
        number, missing = int(sites["rows"].sum()), int(sites["missing"].sum())
        for site, here, gone, share, low, _ in sites.drop("column").iter_rows():
            scope = f"{table.id}/{site}/{column}"
            yield judge(much, share, "Share of empty cells:", item=table, scope=scope)
            rest, rest_gone = number - here, missing - gone
            if min(here, rest) < FEWEST:
                continue
            (usual,), _, (highest,) = shares([rest_gone], [rest])
            limit = bounds(apart, table).max or 0.0
            if low > highest and share - usual > limit:
                words = f"{share:.0%} of the cells are empty here, {usual:.0%} at the other hospitals."
                yield wrong(apart, words, item=table, scope=scope, value=share - usual)
            else:
                yield well(apart, share - usual)


def _unit(rows: pl.DataFrame, table: Table, name: str, unit: str) -> Iterator[Measured]:
    """Compare a hospital's median with that of all others: does it fit only after a conversion that is often forgotten?"""
    check, numbers = _BY_ID["table.unit"], rows.select(SITE, value=pl.col(heading(name)).cast(pl.Float64))
    known = numbers.filter(pl.col("value").is_finite())
    for (site,), here in known.group_by(SITE, maintain_order=True):
        rest = known.filter(pl.col(SITE) != site)
        mine, others = here["value"].to_numpy(), rest["value"].to_numpy()
        if min(len(mine), len(others)) < FEWEST or np.median(mine) <= 0 or np.median(others) <= 0:
            continue
        ratio = float(np.median(others) / np.median(mine))
        factor = next((one for one in CONVERSIONS[unit] if abs(math.log(ratio / one)) < math.log(1.15)), None)
        if factor is None:
            yield well(check, 1.0)
        else:
            words = f"The numbers fit those of other hospitals when they are multiplied by {factor:g}; {unit} is asked."
            yield wrong(check, words, item=table, scope=f"{table.id}/{site}/{name}", value=factor)
