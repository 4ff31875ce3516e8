"""Tasks, readings and settlements: what the verbs do, what they refuse, and what the database itself refuses."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from tests.reading_ward import Ward, outline, pseudonym

from midas.annotate import (
    Setting,
    close_task,
    keep_reading,
    labels_of,
    look,
    set_task,
    settled,
    submit_reading,
    take_out,
)
from midas.annotate.assigning import shares
from midas.annotate.models import Assignment, ItemImage, ReaderCode, Reading, Settlement, TaskItem
from midas.catalogue.models import Erasure
from midas.kernel import BadInput, Conflict, Forbidden, MidasError, NotFound
from midas.ledger.models import Deed, Entry


def test_a_task_takes_its_question_and_items_from_the_protocol(ward: Ward) -> None:
    task = ward.task()
    assert (task.name, task.kind, task.level, task.readers_per_item) == (
        "impressions",
        "category",
        "lesion",
        2,
    )
    assert task.values == ["normal", "variation-from-normal", "opmd", "malignant"]
    assert TaskItem.objects.filter(task=task).count() == 6
    assert ItemImage.objects.filter(item__task=task).count() == 6
    assert look.progress(task.pk) == look.Progress(items=6, readings=12, submitted=0, settled=0, waiting=0)
    assert [entry.deed for entry in Entry.objects.all()] == [Deed.TASK]
    assert ward.task(most=2).name == "impressions-2"
    assert all(len(code) == 7 for code in ReaderCode.objects.values_list("code", flat=True))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"annotation": "nothing-like-this"}, NotFound),
        ({"readers": ["asha"]}, BadInput),
        ({"readers": ["asha", "asha"]}, BadInput),
        ({"readers": ["asha", "meera"], "adjudicators": ["meera"]}, BadInput),
        ({"adjudicators": []}, BadInput),
        ({"adjudicators": ["ravi"], "readers": ["asha", "meera"]}, BadInput),
        ({"readers": ["asha", "curator"]}, Conflict),
        ({"most": 0}, BadInput),
        ({"annotation": "lesion-outlines", "agree_at": 1.5}, BadInput),
    ],
)
def test_a_task_that_could_not_be_read_well_is_not_set(
    ward: Ward, change: dict, error: type[MidasError]
) -> None:
    asked = {"annotation": "impressions", "readers": ["asha", "ravi"], "adjudicators": ["meera"], **change}
    for who in ("readers", "adjudicators"):
        asked[who] = [ward.people[name] for name in asked[who]]
    with pytest.raises(error):
        set_task(dataset=ward.dataset, setting=Setting(**asked), by=ward.people["curator"], clock=ward.clock)
    assert not TaskItem.objects.exists()


def test_shares_are_even_and_pairs_vary() -> None:
    given = shares(range(1, 61), [1, 2, 3, 4, 5], 2)
    load = [sum(who == one for _, who in given) for one in range(1, 6)]
    assert max(load) - min(load) <= 1
    pairs = {tuple(sorted(who for at, who in given if at == item)) for item in range(1, 61)}
    assert len(pairs) > 5


def test_a_change_is_a_further_revision_until_it_is_submitted(ward: Ward) -> None:
    task, asha = ward.task(), ward.people["asha"]
    mine = ward.of("asha", task, 1)
    for value in ("opmd", "opmd", "malignant"):
        keep_reading(assignment=mine, by=asha, value=value, clock=ward.clock)
    assert list(Reading.objects.values_list("revision", "value")) == [(1, "opmd"), (2, "malignant")]
    submit_reading(assignment=mine, by=asha, store=ward.store, clock=ward.clock)
    submit_reading(assignment=mine, by=asha, store=ward.store, clock=ward.clock)
    with pytest.raises(Conflict, match="submitted"):
        keep_reading(assignment=mine, by=asha, value="normal", clock=ward.clock)
    assert Reading.objects.count() == 2


def test_only_ones_own_items_are_read(ward: Ward) -> None:
    task = ward.task()
    theirs = ward.of("ravi", task, 1)
    with pytest.raises(Forbidden):
        keep_reading(assignment=theirs, by=ward.people["asha"], value="opmd", clock=ward.clock)
    with pytest.raises(BadInput):
        keep_reading(assignment=theirs, by=ward.people["ravi"], value="something else", clock=ward.clock)
    with pytest.raises(BadInput, match="Nothing answers"):
        submit_reading(assignment=theirs, by=ward.people["ravi"], store=ward.store, clock=ward.clock)
    with pytest.raises(Conflict, match="Not all readers"):
        keep_reading(
            assignment=ward.of("meera", task, 1), by=ward.people["meera"], value="opmd", clock=ward.clock
        )
    assert not Reading.objects.exists()


def test_readers_who_agree_settle_and_a_third_settles_the_rest(ward: Ward) -> None:
    task = ward.task()
    ward.read("asha", task, 1, "opmd")
    assert look.next_item(task.pk, ward.people["asha"]) == 2
    assert not Settlement.objects.exists()
    ward.read("ravi", task, 1, "opmd")
    agreed = Settlement.objects.get(item__number=1)
    assert (agreed.how, agreed.agreement, agreed.reading.value, agreed.by) == ("agreement", 1.0, "opmd", None)
    ward.read("asha", task, 2, "opmd")
    assert list(look.worklist(task.pk, ward.people["meera"])) == []
    with pytest.raises(Conflict, match="Not all readers"):
        ward.settle(task, 2, "opmd")
    ward.read("ravi", task, 2, "malignant")
    assert [one.item.number for one in look.worklist(task.pk, ward.people["meera"])] == [2]
    assert look.progress(task.pk).waiting == 1
    with pytest.raises(BadInput, match="reason"):
        ward.settle(task, 2, "opmd", why=" ")
    made = ward.settle(task, 2, "malignant")
    assert (made.how, made.agreement, made.reading.value, made.by) == (
        "adjudicator", 0.0, "malignant", ward.people["meera"],
    )  # fmt: skip
    with pytest.raises(Conflict):
        ward.settle(task, 2, "opmd")
    assert look.progress(task.pk) == look.Progress(items=6, readings=12, submitted=4, settled=2, waiting=0)


def test_an_adjudicator_may_let_a_readers_word_stand(ward: Ward) -> None:
    task = ward.task()
    ward.read("asha", task, 1, "opmd")
    ward.read("ravi", task, 1, "normal")
    ravis = Reading.objects.get(assignment=ward.of("ravi", task, 1))
    other = keep_reading(
        assignment=ward.of("ravi", task, 2), by=ward.people["ravi"], value="opmd", clock=ward.clock
    )
    with pytest.raises(BadInput, match="no reading of this item"):
        ward.settle(task, 1, other)
    made = ward.settle(task, 1, ravis)
    line = next(labels_of(settled(ward.dataset)))
    assert made.reading == ravis
    assert (line.value, line.source, line.agreement, len(line.readings)) == (
        "normal",
        "reading:impressions",
        0.0,
        2,
    )
    assert [one.reading.value for one in line.readings if one.stands] == ["normal"]
    assert set(line.readers) == set(
        ReaderCode.objects.filter(account__username__in=("asha", "ravi")).values_list("code", flat=True)
    )


def test_outlines_agree_by_dice_and_a_third_draws_otherwise(ward: Ward) -> None:
    task = ward.task("lesion-outlines", agree_at=0.7)
    with pytest.raises(BadInput, match="drawing"):
        keep_reading(
            assignment=ward.of("asha", task, 1), by=ward.people["asha"], value="lesion", clock=ward.clock
        )
    image = ward.image_of(task, 1)
    ward.read("asha", task, 1, data=outline(image, rows=(4, 12)))
    ward.read("ravi", task, 1, data=outline(image, rows=(5, 13), name="Lesion"))
    assert Settlement.objects.get(item__number=1).agreement == pytest.approx(14 / 16)
    image = ward.image_of(task, 2)
    ward.read("asha", task, 2, data=outline(image, rows=(0, 4)))
    ward.read("ravi", task, 2, data=outline(image, rows=(3, 7)))
    assert not Settlement.objects.filter(item__number=2).exists()
    own = ward.drawn(outline(image, rows=(1, 6)))
    keep_reading(assignment=ward.of("meera", task, 2), by=ward.people["meera"], drawn=own, clock=ward.clock)
    made = ward.settle(task, 2)
    assert (made.agreement, made.reading.sop_instance_uid) == (pytest.approx(0.25), own.sop_instance_uid)
    first, second = labels_of(settled(ward.dataset))
    assert (first.value, second.segmentation_uid, len(second.readings)) == ("lesion", own.sop_instance_uid, 3)
    [pair] = look.agreement(task, ward.store)
    assert [one.name for one in pair.coefficients] == ["Dice lesion"]
    assert pair.coefficients[0].value == pytest.approx((14 / 16 + 0.25) / 2)
    assert pair.coefficients[0].items == 2


def test_an_object_that_is_somebody_elses_is_refused(ward: Ward) -> None:
    task = ward.task("lesion-outlines")
    drawn = ward.drawn(outline(ward.image_of(task, 1), rows=(4, 12)))
    for _ in range(2):
        keep_reading(
            assignment=ward.of("asha", task, 1), by=ward.people["asha"], drawn=drawn, clock=ward.clock
        )
    assert Reading.objects.count() == 1
    with pytest.raises(Conflict, match="other bytes"):
        keep_reading(
            assignment=ward.of("ravi", task, 1), by=ward.people["ravi"], drawn=drawn, clock=ward.clock
        )


def test_a_task_that_ended_takes_nothing_more(ward: Ward) -> None:
    task = ward.task()
    with pytest.raises(BadInput):
        close_task(task=task, by=ward.people["curator"], why="", clock=ward.clock)
    close_task(task=task, by=ward.people["curator"], why="The wrong question.", clock=ward.clock)
    with pytest.raises(Conflict, match="ended"):
        keep_reading(
            assignment=ward.of("asha", task, 1), by=ward.people["asha"], value="opmd", clock=ward.clock
        )


def test_the_database_refuses_what_the_verbs_never_do(ward: Ward) -> None:
    task = ward.task()
    ward.read("asha", task, 1, "opmd")
    ward.read("ravi", task, 1, "opmd")
    mine = ward.of("asha", task, 1)
    attempts = (
        lambda: Reading.objects.filter(assignment=mine).update(value="normal"),
        lambda: Reading.objects.create(assignment=mine, revision=2, value="normal", kept_at=ward.clock.now()),
        lambda: Settlement.objects.update(why="otherwise"),
        lambda: Assignment.objects.filter(pk=mine.pk).update(submitted_at=None),
        lambda: Assignment.objects.filter(item__number=2).update(reader=ward.people["curator"]),
        lambda: Assignment.objects.create(
            item=mine.item, reader=mine.reader, role="adjudicator", assigned_at=ward.clock.now()
        ),
        lambda: Reading.objects.create(assignment=ward.of("asha", task, 2), revision=1, kept_at=ward.clock.now()),
        lambda: Settlement.objects.create(
            item=TaskItem.objects.get(task=task, number=2), reading_id=10**6, how="agreement", at=ward.clock.now()
        ),
    )  # fmt: skip
    for number, attempt in enumerate(attempts):
        with pytest.raises(IntegrityError), transaction.atomic():
            attempt()
            from django.db import connection

            connection.check_constraints()
            raise AssertionError(f"attempt {number} went through")


def test_a_persons_readings_leave_with_the_person(ward: Ward) -> None:
    task = ward.task("lesion-outlines")
    item = TaskItem.objects.get(task=task, subject__pseudonym=pseudonym(3))
    image = ward.image_of(task, item.number)
    ward.read("asha", task, item.number, data=outline(image, rows=(4, 12)))
    ward.read("ravi", task, item.number, data=outline(image, rows=(4, 12)))
    digests = set(Reading.objects.values_list("sha256", flat=True))
    assert take_out(pseudonyms=[pseudonym(3)], dataset="oral-cancer") == 1
    assert take_out(pseudonyms=[pseudonym(3)], dataset="oral-cancer") == 0
    assert set(Erasure.objects.values_list("digest", flat=True)) == digests
    assert not Reading.objects.exists()
    assert not Settlement.objects.exists()
    assert TaskItem.objects.filter(task=task).count() == 5
