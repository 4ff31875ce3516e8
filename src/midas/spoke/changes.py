"""Before and after, attribute by attribute: what the plan would write for one item, beside what stands in it now.

In comes a matched item; out come rows of identified text for a reviewer's page. Nothing is written but to a scratch folder
that is wiped; nothing of it is kept. A row says how the value came about and the clause behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from midas.deid.apply import apply
from midas.deid.cards import open_card, open_keys
from midas.deid.model import Held, Job
from midas.deid.plan import Plan, plan
from midas.deid.stream import open_file
from midas.formats.dicom import quiet
from midas.kernel import BadInput, MidasError
from midas.spoke.bench import instances
from midas.spoke.cleaning import Run, order_for
from midas.spoke.home import scratch_folder
from midas.spoke.intake.models import Item
from midas.spoke.vault.projects import Desk

Place = tuple[tuple[int, int], ...]
LONGEST = 160
"""Characters of a value that are shown."""
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})


@dataclass(frozen=True)
class Change:
    """One attribute: `act` is a code of PS3.15 Table E.1-1a, "" where it stays, "+" where it is written anew."""

    tag: str
    name: str
    depth: int
    before: str
    after: str
    act: str
    cites: str

    @property
    def changed(self) -> bool:
        return self.before != self.after


def changes(desk: Desk, item: Item) -> tuple[Change, ...]:
    """Return every attribute of the item's first instance, before and after. `BadInput` where nothing can be planned."""
    if item.person is None or not item.definition or not item.stored:
        raise BadInput(
            "It is not known whose this is, so nothing is planned.", advice="Settle its reason first."
        )
    with scratch_folder(desk.home) as folder, quiet():
        order = order_for(Run(desk, folder), item)
        order.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            source = instances(order)[0]
            return _compared(replace(order.job, source=source))
        except Held as verdict:
            raise BadInput(verdict.detail, advice="It stays here; nothing of it would be written.") from None
        except MidasError:
            raise
        except Exception as problem:  # noqa: BLE001 - a page that cannot be drawn says so and shows nothing
            raise BadInput(
                f"The plan cannot be shown ({type(problem).__name__}).", advice="Decide by the picture."
            ) from None


def _compared(job: Job) -> tuple[Change, ...]:
    storage, keys = open_keys(job.key_file)
    card = open_card(job.card, key=storage)
    before, after = open_file(job.source).ds, open_file(job.source).ds
    made = plan(after, profile=job.profile, keys=keys, card=card, placement=job.placement)
    apply(made, ds=after)
    return tuple(_rows(before, after, (), _steps(made)))


def _steps(made: Plan) -> dict[tuple[Place, int], tuple[str, str]]:
    return {(step.path, step.tag): (step.act, step.cites) for step in made.steps}


def _rows(
    before: Dataset, after: Dataset, path: Place, steps: dict[tuple[Place, int], tuple[str, str]]
) -> Iterator[Change]:
    for tag in sorted({int(tag) for ds in (before, after) for tag in ds.keys()} - PIXELS):  # noqa: SIM118 - tags, not elements
        old, new = _element(before, tag), _element(after, tag)
        act, cites = steps.get((path, tag), ("+" if old is None else "", ""))
        yield Change(
            f"({tag >> 16:04X},{tag & 0xFFFF:04X})", _name(old or new), len(path), _text(old), _text(new), act, cites
        )  # fmt: skip
        for number, (one, other) in enumerate(_items(old, new)):
            yield from _rows(one, other, (*path, (tag, number)), steps)


def _element(ds: Dataset, tag: int) -> DataElement | None:
    try:
        return ds.get(tag)
    except Exception:  # noqa: BLE001 - pydicom raises many kinds for a value that cannot be read
        return None


def _items(old: DataElement | None, new: DataElement | None) -> list[tuple[Dataset, Dataset]]:
    """Pair the items of a sequence; where the plan takes items away the rest cannot be paired and is shown as it was."""
    olds = list(old.value) if old is not None and old.VR == "SQ" else []
    news = list(new.value) if new is not None and new.VR == "SQ" else []
    if len(olds) == len(news):
        return list(zip(olds, news, strict=True))
    return [(one, Dataset()) for one in olds] or [(Dataset(), one) for one in news]


def _name(element: DataElement | None) -> str:
    return "" if element is None else str(element.name).strip("[]")


def _text(element: DataElement | None) -> str:
    if element is None:
        return ""
    value: Any = element.value
    if element.VR == "SQ":
        return f"▸ {len(value)}"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    many = list(value) if isinstance(value, MultiValue | list) else [value]
    text = " \\ ".join("" if one is None else str(one) for one in many[:64])
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
