"""Whatever happens to items, in whatever order: everything in = waiting + held + refused + sent, and no text leaks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midas.protocol import load_named
from midas.spoke.home import Config, create
from midas.spoke.intake import items
from midas.spoke.intake.models import Batch, Item, State
from midas.spoke.reasons import REASONS
from midas.spoke.vault.projects import desk, open_project

AT = datetime(2026, 11, 22, tzinfo=UTC)
ACTS = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 8)),
    st.tuples(st.just("stop"), st.integers(0, 8), st.sampled_from(sorted(REASONS))),
    st.tuples(st.just("go"), st.integers(0, 8), st.sampled_from(["received", "matched", "cleaned"])),
    st.tuples(st.just("send"), st.integers(0, 8)),
)
LOADED = load_named("oral-cancer")


def act(work: Any, batch: Batch, step: tuple[Any, ...], names: set[int]) -> None:
    kind, number = step[0], step[1]
    if kind == "add":
        items.add(work, batch, kind="dicom", name=str(number), identity=str(number), at=AT)
        names.add(number)
        return
    found = Item.objects.filter(lookup=work.vault.lookup("item", str(number), within="oral-cancer")).first()
    if found is None:
        return
    if kind == "stop":
        items.stop(found, step[2], at=AT)
        assert found.state == REASONS[step[2]].state
    elif kind == "go":
        items.go_on(found, step[2], at=AT)
    else:
        found.state, found.reason = State.SENT, ""
        found.save()


@pytest.mark.django_db
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACTS, max_size=40))
def test_everything_in_is_in_exactly_one_state(steps: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as folder, transaction.atomic():
        home = create(Path(folder) / "home", Config(name="a", project="oral-cancer"))
        project = open_project(home=home, loaded=LOADED)
        work, names = desk(home=home), set[int]()
        batch = Batch.objects.create(project=project, origin=b"", started_at=AT)
        for step in steps:
            act(work, batch, step, names)
            count = items.count(project)
            assert count.items_in == count.waiting + count.held + count.refused + count.sent == len(names)
            assert sum(count.by_reason.values()) == count.held + count.refused
        transaction.set_rollback(True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "reason"), [("held", ""), ("waiting", "no-person"), ("lost", ""), ("sent", "x")]
)
def test_the_database_itself_refuses_any_other_state(tmp_path: Path, state: str, reason: str) -> None:
    home = create(tmp_path / "home", Config(name="a", project="oral-cancer"))
    project = open_project(home=home, loaded=LOADED)
    batch = Batch.objects.create(project=project, origin=b"", started_at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Item.objects.create(
            batch=batch, kind="dicom", name=b"", lookup="x", state=state, reason=reason, changed_at=AT
        )
