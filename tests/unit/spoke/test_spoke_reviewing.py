"""Decisions of people: what they reach, two where two must, taken back before they leave, used again for the same looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.unit.spoke.conftest import CLOCK

from midas.deid.model import Region
from midas.kernel import BadInput, Conflict
from midas.spoke import cleaning, reviewing
from midas.spoke.bench import Worked
from midas.spoke.inks import inks
from midas.spoke.intake import screens, store
from midas.spoke.intake.models import Batch, Decision, Item, Standing, State
from midas.spoke.outbox.models import Output, Parcel
from midas.spoke.reviewing import Said, boxes_for, of_scope
from midas.spoke.vault.models import Person
from midas.testing.hospital import ultrasound

AT = CLOCK.now()
NAMES = ("Sunita Deshmukh", "Meenakshi Subramaniam", "Farida Bano", "Lata Waghmare")


@pytest.fixture
def hold(work: Any, tmp_path: Path) -> Callable[..., Item]:
    """Return a function that brings an ultrasound screen in and holds it with the boxes of its names."""
    batch = Batch.objects.create(project=work.project, origin=b"", started_at=AT)
    person = Person.objects.create(
        project=work.project, pseudonym="P-AAAAA-00001", shift_days=-9, created_at=AT
    )
    made = []

    def one(
        device: int = 0, *, name: str = "", harmless: bool = False, reason: str = "masked-too-much"
    ) -> Item:
        number = len(made)
        told = ultrasound.DEVICES[device]
        path = tmp_path / f"{number}.dcm"
        boxes = ultrasound.screen(
            told, path, name=name or NAMES[number % 4], uhid=f"WR/24/{number:04d}", born=date(1971, 3, number + 1),
            on=date(2024, 3, number + 1), seed=number, series="s",
        )  # fmt: skip
        settings = [(left - 3, top - 2, 130, size + 8) for left, top, size, _words in told.harmless[:1]]
        regions = [
            Region(*box, rule="text", evidence="sure") for box in (*boxes, *(settings if harmless else ()))
        ]
        kept = store.keep(work.home, path)
        item = Item.objects.create(
            batch=batch, kind="dicom", name=work.vault.seal(f"us/{number}.dcm", about="item"), lookup=str(number),
            state="waiting", stage="matched", person=person, definition="face-neck-ct", changed_at=AT, group="s",
            sha256=kept.sha256, stored=kept.place, size=kept.size,
        )  # fmt: skip
        made.append(item)
        worked = Worked(reason=reason, regions=tuple(regions), inks=inks(path, regions))
        with_again = cleaning.settle(work, item, worked, at=AT)
        item.refresh_from_db()
        item.decided_again = with_again
        return item

    return one


def decide(
    work: Any, items: list[Item], verdict: str = "mask", *, name: str = "asha", **more: Any
) -> Decision:
    seen = more.pop("looked_at", items[0])
    said = Said(verdict, more.pop("why", "names are masked"), looked_at=seen, **more)
    return reviewing.decide(work, items, said, by=object(), by_name=name, at=AT)


def two_people(work: Any) -> Any:
    protocol = work.protocol
    deid = protocol.deid.model_copy(update={"second_reviewer": True})
    return replace(work, protocol=protocol.model_copy(update={"deid": deid}))


def test_text_at_the_same_places_is_one_layout_whatever_it_says(hold) -> None:
    one, other, third = hold(0), hold(0), hold(1)
    assert one.screen == other.screen
    assert one.screen != third.screen
    assert (one.screen.width, one.screen.height, one.screen.tells) == (1024, 768, True)


def test_a_line_more_or_elsewhere_is_another_layout(hold) -> None:
    assert hold(0).screen != hold(0, harmless=True).screen
    layout = [[10, 10, 200, 20], [10, 40, 90, 20]]
    assert screens.looks_same(layout, [[12, 41, 300, 22], [9, 11, 20, 20]], side=1000)
    assert not screens.looks_same(layout, [[12, 41, 300, 22]], side=1000)
    assert not screens.looks_same(layout, [[12, 70, 300, 22], [9, 11, 20, 20]], side=1000)
    assert not screens.looks_same(layout, [[12, 41, 300, 60], [9, 11, 20, 20]], side=1000)


def test_an_act_reaches_one_image_its_series_or_all_that_look_the_same(hold) -> None:
    items = [hold(0), hold(0), hold(1)]
    assert [of_scope(items[0], scope).count() for scope in ("items", "series", "layout")] == [1, 3, 2]


def test_each_image_is_masked_where_its_own_names_are(work, hold) -> None:
    one, other = hold(0), hold(0)
    decision = decide(work, [one, other], boxes=((500, 500, 40, 40),), scope="layout")
    for item in (one, other):
        own = {screens.box_of(region) for region in item.regions}
        assert set(boxes_for(decision, item)) == own | {(500, 500, 40, 40)}


def test_a_dropped_box_is_dropped_elsewhere_only_where_it_shows_the_very_same(work, hold) -> None:
    one, other = hold(0, harmless=True), hold(0, harmless=True)
    setting, name = (screens.box_of(one.regions[place]) for place in (3, 0))
    decision = decide(work, [one, other], dropped=(setting, name), scope="layout")
    assert setting not in boxes_for(decision, one)
    assert name not in boxes_for(decision, one)
    assert screens.box_of(other.regions[3]) not in boxes_for(decision, other), (
        "the machine's setting, drawn alike"
    )
    assert screens.box_of(other.regions[0]) in boxes_for(decision, other), (
        "another person's name stays masked"
    )


def test_a_layout_that_was_decided_is_decided_by_itself_later_and_says_so(work, hold) -> None:
    first = decide(work, [hold(0)], scope="layout")
    later, stranger = hold(0), hold(1)
    assert later.decided_again
    assert (later.state, later.reason) == (State.WAITING, "")
    used = later.decisions.get()
    assert (used.reuses, used.by_name, used.why) == (first, "asha", "names are masked")
    assert stranger.state == State.HELD
    assert boxes_for(used, later) == tuple(screens.box_of(region) for region in later.regions)


@pytest.mark.parametrize("reason", ["handwriting", "recognisable-face", "review", "verify-failed"])
def test_what_a_layout_says_nothing_of_is_never_decided_by_itself(work, hold, reason) -> None:
    decide(work, [hold(0, reason=reason)], scope="layout")
    assert hold(0, reason=reason).state == State.HELD


def test_another_reason_is_another_question(work, hold) -> None:
    decide(work, [hold(0, reason="burned-in-risk")], scope="layout")
    assert hold(0, reason="masked-too-much").state == State.HELD


def test_an_accepted_layout_lets_no_other_words_on(work, hold) -> None:
    one = hold(0, name="Sunita Deshmukh")
    decide(work, [one], "accept", dropped=tuple(map(screens.box_of, one.regions)), scope="layout")
    assert hold(0, name="Meenakshi Subramaniam").state == State.HELD


def test_one_item_or_a_series_is_no_rule_for_later_ones(work, hold) -> None:
    decide(work, [hold(0)], scope="items")
    decide(work, [hold(0)], scope="series")
    assert hold(0).state == State.HELD


def test_a_revoked_layout_holds_again_what_it_let_on_and_counts_no_more(work, hold) -> None:
    one = hold(0)
    first = decide(work, [one], scope="layout")
    later = hold(0)
    assert reviewing.take_back(first, by_name="ravi", at=AT) == 2
    for item in (one, later):
        item.refresh_from_db()
        assert (item.state, item.reason) == (State.HELD, "masked-too-much")
    assert {one.standing for one in Decision.objects.all()} == {Standing.REVOKED}
    assert hold(0).state == State.HELD
    with pytest.raises(Conflict):
        reviewing.take_back(first, by_name="ravi", at=AT)


def test_it_is_not_tried_twice_on_the_same_image(work, hold) -> None:
    decide(work, [hold(0)], scope="layout")
    later = hold(0)
    worked = Worked(reason="masked-too-much", regions=tuple(Region(**_bare(one)) for one in later.regions))
    cleaning.settle(work, later, worked, at=AT)
    later.refresh_from_db()
    assert later.state == State.HELD
    assert later.decisions.count() == 1


def _bare(region: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in region.items() if name != "ink"}


def test_what_is_packed_cannot_be_taken_back(work, hold) -> None:
    item = hold(0)
    decision = decide(work, [item])
    parcel = Parcel.objects.create(project=work.project, root="a" * 64, header={}, signed={}, packed_at=AT)
    output = Output.objects.create(
        project=work.project, person=item.person, kind="instance", line={}, parcel=parcel
    )
    output.sources.add(item)
    with pytest.raises(Conflict):
        reviewing.take_back(decision, by_name="asha", at=AT)
    item.refresh_from_db()
    assert item.state == State.WAITING


def test_a_rejection_can_be_taken_back(work, hold) -> None:
    item = hold(0)
    decision = decide(work, [item], "reject", why="blurred")
    assert (item.state, item.reason) == (State.REFUSED, "rejected")
    assert reviewing.take_back(decision, by_name="asha", at=AT) == 1
    item.refresh_from_db()
    assert (item.state, item.reason) == (State.HELD, "masked-too-much")


def test_where_two_must_decide_one_alone_moves_nothing(work, hold) -> None:
    desk, item = two_people(work), hold(0)
    first = decide(desk, [item], name="asha")
    assert (first.standing, item.state) == (Standing.PROPOSED, State.HELD)
    again = decide(desk, [item], name="asha")
    assert again.standing == Standing.PROPOSED, "the same person twice is one person"
    second = decide(desk, [item], name="ravi")
    assert (second.pk, second.standing, second.second_name) == (again.pk, Standing.FINAL, "ravi")
    assert item.state == State.WAITING or Item.objects.get(pk=item.pk).state == State.WAITING


def test_two_who_differ_do_not_agree(work, hold) -> None:
    desk, item = two_people(work), hold(0)
    first = decide(desk, [item], name="asha")
    other = decide(desk, [item], boxes=((1, 1, 9, 9),), name="ravi")
    first.refresh_from_db()
    assert (first.standing, first.ended_name) == (Standing.REVOKED, "ravi")
    assert other.standing == Standing.PROPOSED
    assert Item.objects.get(pk=item.pk).state == State.HELD
    assert decide(desk, [item], boxes=((1, 1, 9, 9),), name="asha").standing == Standing.FINAL


def test_a_second_person_confirms_only_what_both_looked_at(work, hold) -> None:
    desk, one, other = two_people(work), hold(0), hold(0)
    decide(desk, [one, other], name="asha", scope="layout")
    decide(desk, [one], name="ravi")
    assert [Item.objects.get(pk=item.pk).state for item in (one, other)] == [State.WAITING, State.HELD]
    assert other.decisions.get().standing == Standing.PROPOSED


def test_refusing_needs_one_person_only(work, hold) -> None:
    item = hold(0)
    assert decide(two_people(work), [item], "reject").standing == Standing.FINAL


def test_a_kind_of_image_can_ask_for_two_by_itself(work, hold) -> None:
    item = hold(0)
    wanted = tuple(
        one.model_copy(update={"second_reviewer": one.id == item.definition}) for one in work.protocol.items
    )
    desk = replace(work, protocol=work.protocol.model_copy(update={"items": wanted}))
    assert reviewing.needs_second(desk, item)
    assert not reviewing.needs_second(work, item)


@pytest.mark.parametrize(
    "said",
    [
        {"verdict": "erase"},
        {"why": "  "},
        {"boxes": ((-1, 0, 3, 3),)},
        {"boxes": ((1, 1, 0, 3),)},
        {"scope": "all"},
    ],
)
def test_what_is_not_whole_is_no_decision(work, hold, said) -> None:
    with pytest.raises(BadInput):
        decide(work, [hold(0)], **said)
    assert Decision.objects.count() == 0


def test_a_result_that_comes_after_it_was_taken_back_is_thrown_away(work, hold) -> None:
    item = hold(0)
    decision = decide(work, [item])
    being_cleaned = Item.objects.get(pk=item.pk)
    reviewing.take_back(decision, by_name="asha", at=AT)
    cleaning.settle(work, being_cleaned, Worked(), at=AT)
    item.refresh_from_db()
    assert (item.state, item.reason) == (State.HELD, "masked-too-much")
    assert Output.objects.count() == 0


def test_the_same_drawing_has_the_same_ink_wherever_its_box_begins(tmp_path: Path) -> None:
    device = ultrasound.DEVICES[0]
    paths = [tmp_path / f"{n}.dcm" for n in range(2)]
    for seed, path in enumerate(paths):
        ultrasound.screen(
            device, path, name=NAMES[seed], uhid="WR/1", born=date(1971, 3, 9), on=date(2024, 3, 9), seed=seed
        )
    left, top, size, _words = device.harmless[0]
    near = [Region(left - by, top - by, 120, size + 9, "text", "") for by in (2, 4)]
    name = Region(20, 12, 300, 30, "text", "")
    assert inks(paths[0], near[:1]) == inks(paths[1], near[1:])
    assert inks(paths[0], near[:1]) != ("",)
    assert inks(paths[0], [name]) != inks(paths[1], [name])
    assert inks(paths[0], [Region(500, 740, 20, 20, "text", "")]) == ("",), "an empty place equals nothing"
