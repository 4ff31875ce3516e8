"""Faces at the spoke: a series is judged once and whole; what cannot be cut waits for a person, whose word then stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.spoke.conftest import CLOCK, write_ct

from midas import compute
from midas.deid.faces import OPTION, FaceVerdict
from midas.spoke import bench, cleaning, flow, heads
from midas.spoke.intake.models import State

PROTOCOL_OPTION = f"clean-pixel-data, {OPTION}"


@pytest.fixture
def faced(db: None, tmp_path: Path) -> Any:
    """A spoke whose protocol asks for faces to be cut, with one person's CT series of three slices."""
    from midas.protocol import load_named, parse
    from midas.spoke.home import Config, create
    from midas.spoke.vault.projects import desk, open_project

    home = create(tmp_path / "home", Config(name="spdc-wardha", project="oral-cancer", processes=1))
    source = load_named("oral-cancer").source
    changed = source.replace("clean-pixel-data]", f"{PROTOCOL_OPTION}]")
    assert changed != source
    open_project(home=home, loaded=parse(changed.encode()))
    return desk(home=home)


@pytest.fixture
def series(export: Path) -> Path:
    for number in (2, 3):
        path = export / "scans" / "Ramesh" / f"slice{number}.dcm"
        write_ct(
            path, uhid="WR/24/0001", name="Deshmukhwar^Ramesh", on="20240113", number=number, study="1.2.10"
        )
    return export


def take(desk: Any, folder: Path | None) -> Any:
    return flow.receive(home=desk.home, folder=folder, runner=compute.here(), clock=CLOCK)


def verdict_is(monkeypatch: pytest.MonkeyPatch, verdict: FaceVerdict) -> list[heads.Look]:
    asked: list[heads.Look] = []

    def look(task: heads.Look) -> heads.Found:
        asked.append(task)
        return heads.Found(verdict, "")

    monkeypatch.setattr(heads, "look", look)
    return asked


def test_a_series_is_looked_at_once_with_all_its_files(faced, series, monkeypatch) -> None:
    asked = verdict_is(monkeypatch, FaceVerdict("none-needed", "elsewhere"))
    take(faced, series)
    sizes = sorted(len(task.paths) for task in asked)
    assert sizes[-1] == 3
    assert len(asked) == len({task.paths for task in asked})


def test_without_the_option_nobody_looks(work, export, monkeypatch) -> None:
    asked = verdict_is(monkeypatch, FaceVerdict("person", "no-geometry", "Only a person can tell."))
    take(work, export)
    assert asked == []


def test_a_face_that_cannot_be_cut_waits_and_a_persons_word_lets_it_on(faced, series, monkeypatch) -> None:
    from midas.spoke.intake.items import of_project

    verdict_is(monkeypatch, FaceVerdict("person", "no-geometry", "Slices do not say where they lie."))
    take(faced, series)
    held = list(of_project(faced.project).filter(reason="recognisable-face", group__gt=""))
    assert len(held) >= 3
    assert {one.detail for one in held} == {"Slices do not say where they lie."}
    orders: list[bench.Order] = []
    whole = cleaning.order_for
    monkeypatch.setattr(
        cleaning, "order_for", lambda run, item: orders.append(whole(run, item)) or orders[-1]
    )
    one = [item for item in held if item.group == held[0].group]
    flow.decide(
        items=one, verdict="accept", why="the slab is too thin", scope="series", looked_at=one[0],
        by_name="asha", home=faced.home, runner=compute.here(), clock=CLOCK,
    )  # fmt: skip
    assert [(order.job.accepted_risk, order.job.face_seen) for order in orders] == [(False, True)] * len(one)
    for item in one:
        item.refresh_from_db()
        assert (item.state, item.stage) == (State.WAITING, "cleaned"), (item.reason, item.detail)


def test_a_mask_is_handed_to_every_file_of_its_series(faced, series, monkeypatch) -> None:
    verdict_is(monkeypatch, FaceVerdict("mask", "face", "A face was found.", 0.9))
    orders: list[bench.Order] = []
    whole = cleaning.order_for
    monkeypatch.setattr(
        cleaning, "order_for", lambda run, item: orders.append(whole(run, item)) or orders[-1]
    )
    take(faced, series)
    scans = [order for order in orders if order.kind == "dicom"]
    assert len(scans) >= 3
    assert all(order.job.face is not None and order.job.face_seen for order in scans)


def test_outlines_that_come_alone_are_cut_as_the_head_in_their_frame(
    faced, series, monkeypatch, tmp_path
) -> None:
    from midas.kernel import NoProgress
    from midas.spoke.intake.items import of_project

    def look(task: heads.Look) -> heads.Found:
        whole = len(task.paths) == 3
        return heads.Found(
            FaceVerdict("mask" if whole else "none-needed", "face" if whole else "no-volume"), "frame"
        )

    monkeypatch.setattr(heads, "look", look)
    monkeypatch.setattr(heads, "_drawn", lambda _: ["outlines"])
    take(faced, series)
    slices = of_project(faced.project).filter(kind="dicom", group__gt="")
    head = next(one for one in slices if slices.filter(group=one.group).count() == 3)
    outlines = (
        of_project(faced.project).filter(kind="dicom", person__isnull=False).exclude(group=head.group)[0]
    )
    outlines.person, outlines.group, outlines.definition = head.person, "", "outlines"
    outlines.save()
    run = cleaning.Run(faced, tmp_path)
    found = heads.look_for_faces(
        faced, [outlines], folder=tmp_path, profile=run.profile, runner=compute.here(), progress=NoProgress(), clock=CLOCK
    )  # fmt: skip
    assert found.mask(outlines) is not None
    assert list(found.of_item) == [outlines.pk], "nothing else is judged or counted"


def test_a_suspected_file_waits_with_everything_of_its_person(faced, series, monkeypatch) -> None:
    from midas.spoke.dying import apart
    from midas.spoke.intake.items import of_project
    from midas.spoke.intake.models import Item

    verdict_is(monkeypatch, FaceVerdict("none-needed", "elsewhere"))
    take(faced, series)
    known = of_project(faced.project).filter(kind="dicom", person__isnull=False)
    one = known.order_by("-pk")[0]
    Item.objects.filter(pk=one.pk).update(deaths=1)
    mine = set(known.filter(person=one.person).values_list("pk", flat=True))
    others = set(known.exclude(person=one.person).values_list("pk", flat=True))
    assert others
    assert [set(keys) for keys in apart(known)] == [others, mine]
