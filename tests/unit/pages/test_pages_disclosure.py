"""Small counts on public pages: what attackers of several strengths can work out from what is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest

from midas.web.pages.disclosure import LEAST, ROOM, Hidden, at_least, publish

FEW, COVER = Hidden.FEW, Hidden.COVER


def vectors(parts: int, total: int) -> Iterator[tuple[int, ...]]:
    if parts == 1:
        yield (total,)
        return
    for first in range(1, total - parts + 2):
        for rest in vectors(parts - 1, total - first):
            yield (first, *rest)


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ((12, 30, 5), (12, 30, 5)),
        ((40, 3), (COVER, FEW)),
        ((40, 3, 9), (40, FEW, COVER)),
        ((40, 2, 3, 9), (40, FEW, FEW, 9)),
        ((3, 3), (COVER, COVER)),
        ((4, 4), (COVER, COVER)),
        ((40, 0, 2, 30), (40, 0, FEW, COVER)),
        ((), ()),
    ],
)
def test_named_cases(counts, told) -> None:
    assert publish(counts) == told


def test_differencing_leaves_room_for_each_part() -> None:
    """The attacker knows the sum, the numbers told, that `<5` is 1 to 4 and that a cover is 5 or more."""
    for parts in (2, 3, 4):
        for total in range(20, 31):
            for counts in vectors(parts, total):
                told = publish(counts)
                if FEW in told:
                    assert least_room(counts, told) >= ROOM, counts


def least_room(counts, told) -> int:
    rest = sum(number for number, one in zip(counts, told, strict=True) if isinstance(one, Hidden))
    few, covers = told.count(FEW), told.count(COVER)
    others = few - 1
    high = min(LEAST - 1, rest - others - LEAST * covers)
    low = 1 if covers else max(1, rest - others * (LEAST - 1))
    return high - low + 1


def test_even_who_knows_the_rules_cannot_tell_one_number() -> None:
    for parts in (2, 3, 4):
        for total in range(parts + 2, 27):
            seen = defaultdict(list)
            for counts in vectors(parts, total):
                seen[publish(counts)].append(counts)
            for told, possible in seen.items():
                for place, one in enumerate(told):
                    values = {counts[place] for counts in possible}
                    if isinstance(one, Hidden) and min(values) < LEAST:
                        assert len(values) > 1, (told, possible)


def test_a_number_that_stands_alone() -> None:
    assert [at_least(number) for number in (0, 1, 4, 5)] == [0, FEW, FEW, 5]


def test_two_pages_together_give_no_hospitals_number_away(hub, enter) -> None:
    """Subtract what one page tells from the total of another: nothing under 5 comes out for who may not download."""
    from midas.catalogue.models import Dataset, Subject

    dataset = Dataset.objects.get(slug="oral-cancer")
    keep = list(Subject.objects.filter(dataset=dataset).values_list("pk", flat=True))
    Subject.objects.filter(pk__in=keep).update(spoke="spdc-wardha")
    Subject.objects.filter(pk__in=keep[:1]).update(spoke="sriher-chennai")
    number = str(len(keep) - 1)
    sites = enter().get("/datasets/oral-cancer").context["sites"]
    lines = enter().get("/hospitals").context["spokes"]
    pages = [enter().get(f"/hospitals/{slug}").context["spoke"] for slug in ("spdc-wardha", "sriher-chennai")]
    told = [one.subjects for one in (*sites, *lines)] + [one["subjects"] for one in pages]
    assert not {number, "1"} & set(told)
    seen = enter("curator").get("/datasets/oral-cancer").context["sites"]
    assert {one.subjects for one in seen} == {number, "1"}


def test_no_bar_and_no_percentage_beside_a_number_that_is_not_told() -> None:
    from midas.ui.charts import Part, bars, segments

    parts = [Part("a", 40), Part("b", None, "not shown"), Part("c", None, "<5")]
    assert [(bar.length, bar.percent) for bar in bars(parts)] == [(100.0, ""), (0.0, ""), (0.0, "")]
    assert [(one.length, one.percent) for one in segments(parts)] == [(100.0, ""), (0.0, ""), (0.0, "")]


def test_public_charts_say_what_they_are(hub, enter) -> None:
    text = enter().get("/datasets/oral-cancer").content.decode()
    assert text.count("<figcaption>") >= text.count("As collected, not prevalence.") > 0
    assert "Counts under 5" in text
    assert "Counts under 5" not in enter("researcher").get("/datasets/oral-cancer").content.decode()
