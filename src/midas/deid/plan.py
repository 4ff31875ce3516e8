"""The plan: one walk over a dataset that decides, for every element at every depth, what becomes of it.

In come a dataset, profile, keys, card and placement; out comes a `Plan` of steps, each with the clause behind it.
Planning changes nothing. What cannot be decided safely raises `Held`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, TypeVar

from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from midas.deid import documents, private, sop, structured, tables
from midas.deid.forms import misformed, recovered, reformed
from midas.deid.known import NUMBERED, known_of, told, without_makers
from midas.deid.memory import Memory, watched
from midas.deid.model import Card, Keys, PartStep, Placement, Profile, Region, RuleRow
from midas.deid.rules import UNLISTED, Decision, decide
from midas.deid.staying import Staying, same
from midas.deid.values import DATES, TEXT, Values

T = TypeVar("T")
Path = tuple[tuple[int, int], ...]
_PLANNED = Memory()
TEXT_VALUE, REFERENCED_ITEM, CONTENT = 0x0040A160, 0x0040DB73, 0x0040A730
TABLE_SR = "PS3.15 E.3.4 Table E.3.4-1"
CHARSET = 0x00080005
DOCUMENT, DOCUMENT_LENGTH = 0x00420011, 0x00420015
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
TRAILING = frozenset({0xFFFCFFFC, 0xFFFAFFFA})


@dataclass(frozen=True, slots=True)
class Step:
    """At `path` (sequence tag, item number …) do `act` to `tag`. `value` is what it becomes where it is replaced."""

    path: Path
    tag: int
    act: str
    cites: str
    vr: str = ""
    value: Any = None


@dataclass(frozen=True)
class Decided:
    """The steps for one element of the root. `told` is what the report says of them; `outs` what came out, by its bytes."""

    tag: int
    steps: tuple[Step, ...]
    told: tuple[tuple[int, str, str], ...]
    outs: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Plan:
    """Every step, what the report says of them, and the place that the instance takes afterwards."""

    steps: tuple[Step, ...]
    rules: tuple[RuleRow, ...]
    profile: Profile
    placement: Placement
    sex: str
    regions: tuple[Region, ...] = ()
    parts: tuple[PartStep, ...] = ()
    decided: tuple[Decided, ...] = field(default=(), repr=False)
    """The same steps by element of the root, in the order in which they are to be carried out."""

    def actions(self) -> dict[str, int]:
        return dict(Counter(step.act for step in self.steps))


def plan(ds: Dataset, *, profile: Profile, keys: Keys, card: Card, placement: Placement) -> Plan:
    """Decide what becomes of every element of `ds`; raises `Held` for what is not mastered."""
    syntax = str(getattr(ds, "file_meta", Dataset()).get("TransferSyntaxUID", ""))
    _remembered(ds, ("mastered", profile, syntax), lambda: sop.mastered(ds, profile))
    places_stay = "retain-institution-identity" in profile.options
    kept = {one.keyword for one in profile.exceptions if one.action == "keep"}
    devices_stay = "retain-device-identity" in profile.options or not kept.isdisjoint(NUMBERED)
    names = told(ds, card, places_stay=places_stay, devices_stay=devices_stay)
    known, persons = known_of(names), known_of(without_makers(names))
    values = Values(keys=keys, card=card, known=known, profile=profile, persons=persons)
    walk = _Walk(profile, values, str(ds.get("SOPClassUID", "")))
    walk.by_position = sop.is_report(ds) and any(int(one.tag) == REFERENCED_ITEM for one in ds.iterall())
    context = (profile, keys, card, names, walk.sop_class, walk.by_position)
    decided = _decided(walk, ds, context)
    steps = tuple(step for one in decided for step in one.steps)
    rules = _rows(tuple(one.told for one in decided if one.told))
    return Plan(steps, rules, profile, placement, card.sex, decided=decided)


def _remembered(ds: Dataset, context: Hashable, work: Callable[[], T]) -> T:
    """Return what `work` gives, or gave for a dataset in which all that it read was the same."""
    seen = watched(ds)
    if seen is None:
        return work()
    return _PLANNED.topic((context, seen.ground(), ds.original_encoding)).ask("", seen, work)


def _decided(walk: _Walk, ds: Dataset, context: Hashable) -> tuple[Decided, ...]:
    """Decide each element of the root; what was decided under this context for the same bytes is not decided again.

    So a decision may depend on the dataset and the context, and on nothing else.
    """
    seen = watched(ds)
    topic = None
    if seen is not None:
        topic = _PLANNED.topic((context, seen.ground(), ds.original_encoding))
    tags = list(ds.keys())
    if topic is None or seen is None:
        return tuple(walk.decided(ds, int(tag)) for tag in tags)
    return tuple(topic.each(tags, seen, partial(walk.decided, ds)))


@lru_cache(maxsize=256)
def _rows(rows: tuple[tuple[tuple[int, str, str], ...], ...]) -> tuple[RuleRow, ...]:
    counts = Counter(step for steps in rows for step in steps)
    return tuple(
        RuleRow(f"({tag >> 16:04X},{tag & 0xFFFF:04X})", _name(tag), act, cites, count)
        for (tag, act, cites), count in sorted(counts.items())
    )


def _name(tag: int) -> str:
    return "private" if (tag >> 16) % 2 else keyword_for_tag(tag) or "unknown"


class _Walk:
    def __init__(self, profile: Profile, values: Values, sop_class: str) -> None:
        self.profile, self.values, self.sop_class = profile, values, sop_class
        self.staying = Staying(values)
        self.safe_private = "retain-safe-private" in profile.options
        self.structured = "clean-structured-content" in profile.options
        self.by_position = False
        """Whether items of the report are referred to by where they stand: then none may be taken out."""

    def decided(self, ds: Dataset, tag: int) -> Decided:
        """Return what becomes of one element of the root."""
        steps = tuple(self._element(ds, int(tag), ()))
        return Decided(tag, steps, tuple((step.tag, step.act, step.cites) for step in steps))

    def dataset(self, ds: Dataset, path: Path) -> Iterator[Step]:
        for tag in list(ds.keys()):
            yield from self._element(ds, int(tag), path)

    def _element(self, ds: Dataset, tag: int, path: Path) -> Iterator[Step]:
        if tag in PIXELS and not path:
            return
        if tag == CHARSET and not path:
            yield Step(path, tag, "C", "PS3.3 C.12.1.1.2", "CS", "ISO_IR 192")
            return
        if tag >> 16 == 0x0002 or tag & 0xFFFF == 0 or tag in TRAILING or tag in PIXELS or tag == CHARSET:
            yield Step(path, tag, "X", "PS3.15 E.2 / PS3.5 7.2")
            return
        if (tag >> 16) % 2:
            yield from self._private(ds, tag, path)
            return
        try:
            element = ds[tag]
        except Exception:  # noqa: BLE001 - pydicom raises many kinds; what cannot be read is taken away
            yield Step(path, tag, "X", "unreadable value")
            return
        if not dictionary_has_tag(tag) and tag >> 16 not in range(0x5000, 0x6100):
            yield Step(path, tag, "X", "not in PS3.6")
            return
        parent = keyword_for_tag(path[-1][0]) if path else ""
        decision = decide(tag, self.profile, self.sop_class, parent)
        form = self._form(ds, tag)
        if element.VR == "UN" and (found := recovered(element, form)) is not None:
            yield from self._formed(ds, found, decision, path)
        elif element.VR not in {"UN", "SQ"} and misformed(element, form) and not element.is_empty:
            found = reformed(element, form)
            yield from (
                self._formed(ds, found, decision, path)
                if found is not None
                else [Step(path, tag, "X", "PS3.6: a form that is not its own")]
            )
        else:
            yield from self._listed(ds, element, decision, path)

    def _form(self, ds: Dataset, tag: int) -> str:
        """Return the form of the dictionary; one that depends on the sign of the pixels as it stands there."""
        vr = dictionary_VR(tag) if dictionary_has_tag(tag) else "UN"
        signed = int(ds.get("PixelRepresentation") or 0)
        return ("SS" if signed else "US") if vr == "US or SS" else vr.split(" ")[-1]

    def _formed(self, ds: Dataset, element: DataElement, decision: Decision, path: Path) -> Iterator[Step]:
        """An element without a form (UN) is planned in the dictionary's form, and written in it."""
        tag = int(element.tag)
        if element.VR == "SQ":
            yield Step(path, tag, "X", "sequence of unknown form")
            return
        steps = list(self._listed(ds, element, decision, path))
        yield from steps or [Step(path, tag, "K", "PS3.5 6.2.2", element.VR, element.value)]

    def _private(self, ds: Dataset, tag: int, path: Path) -> Iterator[Step]:
        number = tag & 0xFFFF
        if self.safe_private and 0x10 <= number <= 0xFF:
            if not self._leads_somewhere(ds, tag):
                yield Step(path, tag, "X", "PS3.15 E.3.10")
            return
        known = private.row(ds, tag) if self.safe_private else None
        if known is None:
            yield Step(path, tag, "X", "PS3.15 E.2 Table E.1-1")
        else:
            yield from self._safe(ds, tag, known, path)

    def _leads_somewhere(self, ds: Dataset, creator: int) -> bool:
        """Say whether an element of the creator's block stays: a creator alone is removed with its block."""
        first = (creator >> 16 << 16) + ((creator & 0xFF) << 8)
        block = [int(tag) for tag in ds.keys() if first <= int(tag) <= first + 0xFF]  # noqa: SIM118 - tags, not elements
        return any("X" not in {step.act for step in self._private(ds, tag, ())} for tag in block)

    def _safe(self, ds: Dataset, tag: int, known: tables.Private, path: Path) -> Iterator[Step]:
        cites, element = "PS3.15 E.3.10", private.as_listed(ds[tag], known)
        if element is not None and element.VR == "SQ" == ds[tag].VR and "SQ" in known.vr:
            for number, item in enumerate(element.value):
                yield from self.dataset(item, (*path, (tag, number)))
        elif element is None or element.VR == "SQ" or private.tells(element, self.values):
            yield Step(path, tag, "X", cites)
        elif element.VR == "UI" or (known.action == "U" and element.VR in TEXT):
            new = self.values.uid(element.value) if element.VR == "UI" else None
            yield Step(path, tag, "U", cites, element.VR, new) if new else Step(path, tag, "X", cites)
        elif known.action == "C" or element.VR in DATES:
            moved = element.VR in DATES and self.values.moved_dates
            new = self.values.date(element.value, element.VR) if moved else None
            yield Step(path, tag, "C", cites, element.VR, new) if new else Step(path, tag, "X", cites)
        elif element is not ds[tag]:
            yield Step(path, tag, "K", cites, element.VR, element.value)

    def _listed(self, ds: Dataset, element: DataElement, decision: Decision, path: Path) -> Iterator[Step]:
        tag, code = int(element.tag), decision.code
        vr = (
            element.VR
            if element.VR != "UN"
            else dictionary_VR(tag)
            if tag >> 16 not in range(0x5000, 0x6100)
            else "UN"
        )
        if code == "X":
            yield Step(path, tag, "X", decision.cites)
        elif element.is_empty and vr != "SQ":
            return
        elif element.VR == "SQ":
            yield from self._sequence(element, decision, path)
        elif vr == "UN" or (element.VR == "UN" and code not in {"Z", "D"}):
            yield Step(path, tag, "X", "unknown content")
        elif code == "Z":
            yield Step(path, tag, "Z", decision.cites, vr, "" if vr != "SQ" else [])
        elif tag == DOCUMENT and code == "D":
            yield from self._document(ds, decision, path)
        elif code == "P":
            new = self.values.number(element.value)
            yield Step(path, tag, "D" if new else "Z", decision.cites, vr, new)
        elif code in {"D", "U"}:
            new = self.values.uid(element.value) if vr == "UI" else self.values.dummy(element, vr)
            yield Step(path, tag, code, decision.cites, vr, new)
        elif code:
            yield from self._kept(element, vr, decision, path)
        else:
            yield from self._unlisted(ds, element, vr, path)

    def _document(self, ds: Dataset, decision: Decision, path: Path) -> Iterator[Step]:
        """A document is rebuilt from its own words that may stay, and its length said anew (PS3.3 C.24.2)."""
        new = documents.clean(ds, lambda text: str(self.values.text(text, "UT")))
        yield Step(path, DOCUMENT, "D", decision.cites, "OB", new)
        yield Step(path, DOCUMENT_LENGTH, "C", decision.cites, "UL", len(new))

    def _sequence(self, element: DataElement, decision: Decision, path: Path) -> Iterator[Step]:
        tag, code = int(element.tag), decision.code
        name = keyword_for_tag(tag)
        if code == "Z":
            yield Step(path, tag, "Z", decision.cites, "SQ", [])
            return
        if code == "D" and name == "GraphicAnnotationSequence":
            yield Step(path, tag, "X", decision.cites)
            return
        if code == "D" and name.endswith("CodeSequence"):
            yield Step(path, tag, "D", decision.cites, "SQ", [structured.dummy_code()])
            return
        for number, item in enumerate(element.value):
            here = (*path, (tag, number))
            verdict = (
                structured.content(item, self.profile) if self.structured or name == "ContentSequence" else ""
            )
            if verdict == "X" and not self.by_position:
                yield Step(here, 0, "X", TABLE_SR)
                continue
            if verdict == "X":
                yield from self._emptied(item, here)
                continue
            for step in self.dataset(item, here):
                if not (verdict and step.tag == TEXT_VALUE and step.path == here):
                    yield step
            if verdict and item.get("TextValue"):
                yield self._content_text(item, here, verdict)

    def _emptied(self, item: Dataset, path: Path) -> Iterator[Step]:
        """A content item that must go but is referred to by position stays in its place and says nothing."""
        emptied = structured.emptied(item)
        for tag, (vr, value) in emptied.items():
            yield Step(path, tag, "D", TABLE_SR, vr, value)
        for number, child in enumerate(item.get("ContentSequence") or ()):
            yield from self._emptied(child, (*path, (CONTENT, number)))
        for tag in list(item.keys()):
            if int(tag) not in emptied and int(tag) != CONTENT:
                yield from self._element(item, int(tag), path)

    def _content_text(self, item: Dataset, path: Path, verdict: str) -> Step:
        cites, text = TABLE_SR, str(item.TextValue)
        if verdict == "K" and not self.values.known.names(text):
            return Step(path, TEXT_VALUE, "K", cites, "UT", text)
        cleaned = self.values.text(text, "UT") if verdict in {"C", "K"} else ""
        return Step(path, TEXT_VALUE, verdict, cites, "UT", cleaned or "REMOVED")

    def _kept(self, element: DataElement, vr: str, decision: Decision, path: Path) -> Iterator[Step]:
        """K and C: keep what cannot name anyone, clean or shift the rest; empty falls back to the basic action."""
        tag, new = int(element.tag), self.staying.kept(element, vr, decision)
        if new in ("", [], b"") and decision.base == "X":
            yield Step(path, tag, "X", decision.cites)
        elif new in ("", [], b"") and decision.base in {"D", "U"}:
            yield Step(path, tag, "D", decision.cites, vr, self.values.dummy(element, vr))
        else:
            yield Step(path, tag, decision.code, decision.cites, vr, new)

    def _unlisted(self, ds: Dataset, element: DataElement, vr: str, path: Path) -> Iterator[Step]:
        """What Table E.1-1 does not name stays unless its form or content could name someone."""
        new, tag, cites = self.staying.unlisted(ds, element, vr), int(element.tag), UNLISTED.cites
        if new is None:
            yield Step(path, tag, "X", cites)
        elif not same(new, element.value):
            yield Step(path, tag, "U" if vr == "UI" else "C", cites, vr, new)
