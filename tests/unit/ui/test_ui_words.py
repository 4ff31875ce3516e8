"""Numbers, sizes, days and shapes as the pages write them."""

from datetime import UTC, date, datetime

import pytest
from django.utils import timezone, translation

from midas.kernel import Evidence
from midas.ui import charts, words
from midas.ui.templatetags.midas import measured


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (7, "7"), (999, "999"), (1000, "1,000"), (99999, "99,999"), (100000, "1,00,000"), (1234567, "12,34,567"),
     (123456789, "12,34,56,789"), (-1500, "−1,500"), (2.5, "2.5"), (None, "–")],
)  # fmt: skip
def test_digits_are_grouped_as_in_india(value: float | None, text: str) -> None:
    assert words.count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 KB"), (1_536_000, "1.5 MB"), (4_600_000_000, "4.6 GB")],
)
def test_sizes_have_decimal_units(value: int, text: str) -> None:
    assert words.size(value).replace("\N{NO-BREAK SPACE}", " ") == text


def test_days_are_written_day_first_in_the_pages_language() -> None:
    assert words.day(date(2026, 11, 22)) == "22 Nov 2026"
    with translation.override("hi"):
        assert words.day("2026-11-22") == "22 नवंबर 2026"


def test_moments_are_shown_in_the_sites_zone() -> None:
    with timezone.override("Asia/Kolkata"):
        assert words.moment(datetime(2026, 11, 22, 20, 0, tzinfo=UTC)) == "23 Nov 2026, 01:30"


def test_long_names_are_shortened_and_short_ones_kept() -> None:
    assert words.short_key("a" * 64) == "aaaaaaaa…aaaaaa"
    assert words.short_path("deid/report.html") == "deid/report.html"
    assert words.short_path("data/P-1/2.25.1/2.25.2/" + "9" * 40 + ".dcm") == "data/P-1/…/…9999999999.dcm"


def test_segments_and_bars_are_as_long_as_the_share_beside_them_says() -> None:
    parts = [charts.Part("a", 3), charts.Part("b", 1)]
    cut = charts.segments(parts)
    assert [part.start for part in cut] == [0, 75]
    assert sum(part.length for part in cut) == 100
    assert [bar.length for bar in charts.bars(parts)] == [75, 25]
    assert [bar.percent for bar in charts.bars(parts)] == ["75%", "25%"]
    assert [(bar.length, bar.percent) for bar in charts.bars(parts, 5)] == [(60, "60%"), (20, "20%")]
    untold = charts.bars([*parts, charts.Part("c", None, told="below 5")])
    assert [(bar.length, bar.percent) for bar in untold] == [(100, ""), (pytest.approx(33.33), ""), (0, "")]


def test_a_day_and_its_month_stand_below_a_column_in_two_lines_with_room_for_both() -> None:
    ages, days = (charts.columns([charts.Part(label, 2)]) for label in ("18–39", "4 अक्टूबर"))
    assert [one.columns[0].lines for one in (ages, days)] == [("18–39",), ("4", "अक्टूबर")]
    assert days.floor == ages.floor
    assert days.height > ages.height


def test_nothing_to_count_draws_nothing_and_divides_by_nothing() -> None:
    empty = [charts.Part("a", 0)]
    assert charts.bars(empty)[0].length == 0
    assert charts.segments(empty)[0].length == 0
    assert charts.columns([]).width == 0
    assert charts.percent(1, 1000) == "<1%"


@pytest.mark.parametrize(
    ("value", "unit", "low", "high", "said"),
    [
        (0.84, "share", 0.79, 0.89, "84 % (79 – 89)"),
        (1.0, "share", None, None, "100 %"),
        (0.83, "", 0.78, 0.88, "0.83 (0.78 – 0.88)"),
        (6.0, "months", None, None, "6 months"),
        (True, "", None, None, "yes"),
        ("coarse", "", None, None, "coarse"),
    ],
)
def test_evidence_is_told_with_its_unit_and_interval_and_shares_in_percent(
    value, unit, low, high, said
) -> None:
    assert measured(Evidence("a.b", value, "a@1.0.0", "a.json", unit=unit, low=low, high=high)) == said
