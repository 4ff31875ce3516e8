"""Do images and tables speak of the same person, on the same side, at the same time? In come frames, out come
findings.

What an image says stands in its header; what it is compared with, in the clinic's tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import polars as pl

from midas.kernel import Severity
from midas.protocol.model import Protocol
from midas.quality.checks import Check, Measured, well, wrong
from midas.quality.rows import placed

EVERY: frozenset[str] = frozenset()
_ADVICE = (
    "See at the hospital whose image it is: it may have been filed under another person or another side."
)


def _check(name: str, en: str, hi: str, unit: str, cites: str, **default: float) -> Check:
    return Check(
        f"agreement.{name}", Severity.ERROR, EVERY, unit, {"en": en, "hi": hi}, _ADVICE, cites, default
    )


SEX = _check("sex", "Sex in image and table", "चित्र और तालिका में लिंग", "", "PS3.3 C.7.1.1 Patient's Sex")
AGE = _check("age", "Age in image and table", "चित्र और तालिका में आयु", "years",
             "PS3.3 C.7.2.2 Patient's Age; MIDAS default", max=1)  # fmt: skip
SIDE = _check(
    "side",
    "Side in image and table",
    "चित्र और तालिका में पक्ष",
    "",
    "PS3.3 C.7.6.1 Image Laterality",
)
DATE = _check("date", "Image taken around its visit", "चित्र अपनी भेंट के आसपास लिया गया", "days",
              "protocol: visits.window_days")  # fmt: skip
CHECKS: tuple[Check, ...] = (SEX, AGE, SIDE, DATE)

_YEARS = re.compile(r"(\d{3})Y")


def said_by(sex: str, age: str, side: str) -> dict[str, Any]:
    """Return what an image's header says, as `examine_agreement` takes it, from Patient's Sex, Patient's Age and Laterality.

    Silent counts as nothing: `O` is what consoles write where nobody chose (PS3.3 C.7.1.1 has no word for unknown but
    an empty value), and `000Y` an age that nobody gave, for infants' are written in days, weeks or months (PS3.5 6.2, AS).
    """
    years = _YEARS.fullmatch(age.strip())
    found = int(years[1]) if years else 0
    return {
        "sex": sex if (sex := sex.strip().upper()) in {"F", "M"} else None,
        "age_years": found or None,
        "side": side if (side := side.strip().upper()) in SIDES else None,
    }


SIDES = {"L": "left", "R": "right"}
"""Image Laterality (PS3.3 C.7.6.1) in the words of the tables; both and unpaired contradict neither side."""
TOP_CODED = 90
"""Years that stand for 90 and over."""


def examine_agreement(
    images: pl.DataFrame,
    protocol: Protocol,
    *,
    subjects: pl.DataFrame,
    visits: pl.DataFrame,
    lesions: pl.DataFrame,
) -> Iterator[Measured]:
    """Compare each series with the tables; a check whose column `images` lacks does not run.

    `images` has one row per series: subject, visit, lesion, series_uid, and any of `sex` (F, M, O), `age_years`,
    `side` (L, R), `day` (days since the subject's first visit). `subjects` has sex, `visits` day and age_years,
    `lesions` laterality. Nothing is said where either side is silent. The scope of a finding is the series, its
    value the difference.
    """
    rows = placed(images).with_columns(pl.col(pl.Null).cast(pl.String))
    rows = rows.join(subjects.select("subject", table_sex="sex"), on="subject", how="left")
    seen = visits.select("subject", "visit", table_day="day", table_age="age_years")
    rows = rows.join(seen, on=["subject", "visit"], how="left")
    told = lesions.select("subject", "lesion", table_side="laterality")
    rows = rows.join(told, on=["subject", "lesion"], how="left")
    for check, apart, says in _comparisons(protocol):
        if set(apart.meta.root_names()) <= set(rows.columns):
            yield from _said(check, rows.with_columns(apart=apart).filter(pl.col("apart") > 0), says)


def _comparisons(protocol: Protocol) -> Iterator[tuple[Check, pl.Expr, str]]:
    """Yield each check with how far image and table are apart, 0 or null where they are not."""
    sexes = ["F", "M", "O"]
    known = pl.col("sex").is_in(sexes) & pl.col("table_sex").is_in(sexes)
    yield (
        SEX,
        (known & (pl.col("sex") != pl.col("table_sex"))).cast(pl.Int64),
        "The image says another sex than the table.",
    )
    image, table = (
        pl.col(name).cast(pl.Int64).clip(upper_bound=TOP_CODED) for name in ("age_years", "table_age")
    )
    years = (image - table).abs()
    far = pl.when(years > AGE.default["max"]).then(years)
    yield AGE, far, "The image was taken at another age than the visit."
    side = pl.col("side").replace_strict(SIDES, default=None, return_dtype=pl.String)
    sided = pl.col("table_side").is_in(list(SIDES.values()))
    yield (
        SIDE,
        (sided & (side != pl.col("table_side"))).cast(pl.Int64),
        "The image shows the other side than the lesion has.",
    )
    windows = {visit.id: visit.window_days for visit in protocol.visits}
    window = pl.col("visit").replace_strict(windows, default=None, return_dtype=pl.Int64)
    days = (pl.col("day").cast(pl.Int64) - pl.col("table_day")).abs()
    yield (
        DATE,
        pl.when(days > window).then(days),
        "The image was taken further from its visit than the protocol allows.",
    )


def _said(check: Check, apart: pl.DataFrame, says: str) -> Iterator[Measured]:
    if apart.is_empty():
        yield well(check)
    for series, value in apart.select("series_uid", "apart").iter_rows():
        yield wrong(check, says, item=None, scope=series, value=value)
