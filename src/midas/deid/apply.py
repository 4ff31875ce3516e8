"""Carrying a plan out on a dataset in memory: no decision is taken here.

In come a plan and the dataset it was made for, out comes the same dataset changed, each element already encoded where it
could be; pixel data is left to `writing`. An element whose steps and bytes were met before is not encoded again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from midas.deid.header import Ready, all_ready, ready
from midas.deid.memory import ALL, Memory, Watched, tag_of, watched
from midas.deid.placing import placed
from midas.deid.plan import Decided, Path, Plan, Step

MANY, LARGE = 256, 1 << 16
"""Outputs remembered for one decision; bytes of an element that is not remembered."""
_PLACED = Memory()


def apply(plan: Plan, *, ds: Dataset, implicit: bool = False) -> Dataset:
    """Carry out every step of `plan` on `ds`, then write the pseudonymous place and the marks of de-identification.

    `implicit`: the output is written with implicit VR.
    """
    seen = watched(ds)
    if seen is not None and plan.decided:
        for decided in plan.decided:
            _element(decided, ds, seen, implicit)
        _bytes_again(seen)
    else:
        _carry_out_all(plan.steps, ds)
    _ascii_or_utf8(ds)
    _place(plan, ds, implicit)
    return ds


def _element(decided: Decided, ds: Dataset, seen: Watched, implicit: bool) -> None:
    """Put in place what comes out of one element of the root: as it came out the last time for the same bytes, or anew."""
    tag = decided.tag
    raw = seen.raws.get(tag)
    key = (raw, implicit)
    out = decided.outs.get(key, seen) if raw is not None else seen
    if out is not seen:
        if out is None:
            seen.pop(tag, None)
        else:
            seen[tag] = out
        return
    _carry_out_all(decided.steps, ds)
    if any((step.path[0][0] if step.path else step.tag) != decided.tag for step in decided.steps):
        return
    made = None
    if tag in seen:
        made = seen[tag] = ready(ds[tag], ds, implicit=implicit)
    if raw is not None and len(raw) <= LARGE:
        if len(decided.outs) >= MANY:
            decided.outs.clear()
        decided.outs[key] = made


def _bytes_again(seen: Watched) -> None:
    """Let the bytes that answers are remembered by be those of the output from now on."""
    seen.raws = {tag: one.encoded for tag, one in seen.items() if type(one) is Ready}
    seen.notes = {}
    seen.raws[ALL] = tuple(seen)


def _carry_out_all(steps: tuple[Step, ...], ds: Dataset) -> None:
    gone: dict[Path, None] = {}
    items: dict[Path, Dataset] = {(): ds}
    for step in steps:
        if step.tag == 0:
            gone[step.path] = None
        else:
            _carry_out(_item(items, step.path), step)
    for path in sorted(gone, reverse=True):
        _drop(items, path)


def _item(items: dict[Path, Dataset], path: Path) -> Dataset:
    if path not in items:
        tag, number = path[-1]
        items[path] = _item(items, path[:-1])[tag].value[number]
    return items[path]


def _carry_out(ds: Dataset, step: Step) -> None:
    if step.act == "X":
        del ds[step.tag]
        return
    value = Sequence(step.value) if step.vr == "SQ" else step.value
    ds[step.tag] = DataElement(step.tag, step.vr, value)


def _drop(items: dict[Path, Dataset], path: Path) -> None:
    tag, number = path[-1]
    parent = _item(items, path[:-1])
    del parent[tag].value[number]
    if not parent[tag].value:
        del parent[tag]


def _ascii_or_utf8(ds: Dataset) -> None:
    """Say UTF-8 (PS3.3 C.12.1.1.2) where a character outside ASCII is left, nothing otherwise."""
    elements = ds._dict  # noqa: SLF001 - as in `memory`
    if any(one.wide if type(one) is Ready else _not_ascii(ds[tag]) for tag, one in list(elements.items())):
        ds.SpecificCharacterSet = "ISO_IR 192"


def _not_ascii(element: DataElement) -> bool:
    if element.VR == "SQ":
        return any(_not_ascii(inner) for item in element.value for inner in item)
    return element.VR in {"PN", "LO", "SH", "LT", "ST", "UT", "UC"} and not str(element.value).isascii()


def _place(plan: Plan, ds: Dataset, implicit: bool) -> None:
    """Write what every output bears; it is encoded once for all files in which what it depends on is the same."""
    seen = all_ready(ds)

    def pairs() -> tuple[tuple[str, Any], ...]:
        return placed(ds, profile=plan.profile, sex=plan.sex, placement=plan.placement)

    if seen is None:
        _set(ds, pairs())
        return
    topic = _PLACED.topic((plan.profile, plan.sex, plan.placement, seen.ground(), implicit))
    _stand(topic.ask("placed", seen, lambda: _encoded(ds, pairs(), implicit)), seen)


def say_no_text(ds: Dataset, *, implicit: bool) -> None:
    """Say that no text which names somebody stands in the pixels (PS3.15 E.3.1); encoded at once where all else is."""
    said = [("BurnedInAnnotation", "NO")]
    if "SpecimenLabelInImage" in ds:
        said.append(("SpecimenLabelInImage", "NO"))
    seen = all_ready(ds)
    if seen is None:
        _set(ds, said)
    else:
        _stand(_encoded(ds, said, implicit), seen)


def _set(ds: Dataset, pairs: Iterable[tuple[str, Any]]) -> list[BaseTag]:
    tags = []
    for keyword, value in pairs:
        setattr(ds, keyword, value)
        tags.append(ds.data_element(keyword).tag)  # type: ignore[union-attr]
    return tags


def _encoded(ds: Dataset, pairs: Iterable[tuple[str, Any]], implicit: bool) -> tuple[Ready, ...]:
    return tuple(ready(ds[tag], ds, implicit=implicit) for tag in _set(ds, pairs))


def _stand(made: Iterable[Ready], seen: Watched) -> None:
    """Let encoded elements stand among those of a dataset, and be known by their bytes."""
    for one in made:
        tag = tag_of(one.tag)
        seen[tag] = one
        seen.raws[tag] = one.encoded
    seen.raws[ALL] = tuple(seen)
