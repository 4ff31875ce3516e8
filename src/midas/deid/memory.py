"""Answers about a dataset, remembered together with everything that was read to find them.

In comes a question and a dataset whose reads are watched, out comes the answer: found anew, or, where all that was read
the last time stands in this dataset byte for byte, the one of the last time. The slices of a series share nearly all of
their elements, so that nearly everything is decided once. Nothing outside the process's memory is ever touched.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar
from weakref import WeakSet

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

T = TypeVar("T")
TAGS: dict[int, BaseTag] = {}


def tag_of(number: int) -> BaseTag:
    """Return the one object that stands for this tag: equal tags that are the same object are compared at once."""
    found = TAGS.get(number)
    if found is None:
        if len(TAGS) > 1 << 16:
            TAGS.clear()
        found = TAGS[number] = BaseTag(number)
    return found


ALL = tag_of(0xFFFFFFFF)
"""Stands for the set of tags among what was read."""
GROUND = tuple(map(tag_of, (0x00080005, 0x00280100, 0x00280103, 0x00283002, 0x00281101)))
"""What decoding itself reads: character set, bits, sign and table descriptors; part of every context."""
LARGE = 1 << 16
"""Bytes; a longer element is not remembered."""
FULL = 512
"""Answers to one question before they are forgotten."""


class Watched(dict[Any, Any]):
    """The elements of a dataset; `raws` holds the bytes of each, and while somebody listens `heard` what is read."""

    def __init__(self, elements: dict[Any, Any], raws: dict[int, Any]) -> None:
        super().__init__(elements)
        self.raws = raws
        self.notes: dict[Hashable, Any] = {}
        """What was found out about the whole dataset while it is as it was read."""
        self.heard: set[Any] | None = None
        raws[ALL] = tuple(elements)

    def __getitem__(self, tag: Any) -> Any:
        if self.heard is not None:
            self.heard.add(tag)
        return dict.__getitem__(self, tag)

    def get(self, tag: Any, default: Any = None) -> Any:
        if self.heard is not None:
            self.heard.add(tag)
        return dict.get(self, tag, default)

    def __contains__(self, tag: object) -> bool:
        if self.heard is not None:
            self.heard.add(tag)
        return dict.__contains__(self, tag)

    def _everything(self, *, values: bool) -> None:
        if self.heard is not None:
            self.heard.add(ALL)
            if values:
                self.heard.update(dict.keys(self))

    def __iter__(self) -> Iterator[Any]:
        self._everything(values=False)
        return dict.__iter__(self)

    def __len__(self) -> int:
        self._everything(values=False)
        return dict.__len__(self)

    def keys(self) -> Any:
        self._everything(values=False)
        return dict.keys(self)

    def values(self) -> Any:
        self._everything(values=True)
        return dict.values(self)

    def items(self) -> Any:
        self._everything(values=True)
        return dict.items(self)

    def forms(self) -> list[tuple[Any, str | None]]:
        """Return tags and VRs (None where they are not known) of all elements, without reading any."""
        return [(tag, element.VR) for tag, element in dict.items(self)]

    def forget(self, tag: Any) -> None:
        """Take an element out together with its bytes: it could not be read, which other answers may depend on."""
        self.pop(tag, None)
        self.raws.pop(tag, None)
        self.raws[ALL] = tuple(dict.keys(self))

    def ground(self) -> tuple[Any, ...]:
        """Return the bytes on which the decoding of other elements depends."""
        return tuple(map(self.raws.get, GROUND))


def watched(ds: Dataset) -> Watched | None:
    """Return the watched elements of `ds`; None where its reads cannot be followed."""
    elements = ds._dict  # noqa: SLF001 - pydicom has no public name for the mapping it was built from
    return elements if isinstance(elements, Watched) else None


class Topic:
    """Questions asked under one context. A context holds all that an answer depends on besides the dataset."""

    def __init__(self) -> None:
        self._slots: dict[Hashable, tuple[tuple[int, ...], dict[Any, tuple[Any]]]] = {}

    def ask(self, question: Hashable, elements: Watched, work: Callable[[], T]) -> T:
        """Return what `work` gives for these elements; it may read the dataset, and nothing else that changes."""
        slot = self._slots.get(question)
        if slot is not None:
            raws, (reads, answers) = elements.raws, slot
            key = raws.get(reads[0]) if len(reads) == 1 else tuple([raws.get(tag) for tag in reads])
            found = answers.get(key)
            if found is not None:
                if elements.heard is not None:
                    elements.heard.update(reads)
                answer: T = found[0]
                return answer
        return self._found(question, elements, work)

    def each(self, tags: Iterable[Any], elements: Watched, work: Callable[[Any], T]) -> list[T]:
        """Return what `ask` gives for each tag as a question; `work` is given the tag."""
        slots, raws, answers = self._slots, elements.raws, []
        for tag in tags:
            slot = slots.get(tag)
            if slot is not None:
                reads = slot[0]
                key = raws.get(reads[0]) if len(reads) == 1 else tuple([raws.get(one) for one in reads])
                found = slot[1].get(key)
                if found is not None:
                    answers.append(found[0])
                    continue
            answers.append(self._found(tag, elements, partial(work, tag)))
        return answers

    def _found(self, question: Hashable, elements: Watched, work: Callable[[], T]) -> T:
        outer, elements.heard = elements.heard, set()
        try:
            answer = work()
            heard = elements.heard
        finally:
            elements.heard = outer
        if outer is not None:
            outer |= heard
        reads, answers = self._slots.get(question, ((), {}))
        if not heard <= set(reads) or question not in self._slots:
            reads, answers = tuple(map(tag_of, sorted({int(tag) for tag in (*reads, *heard)}))), {}
            self._slots[question] = reads, answers
        raws = elements.raws
        read = [raws.get(tag) for tag in reads]
        if all(not isinstance(raw, bytes) or len(raw) <= LARGE for raw in read):
            if len(answers) >= FULL:
                answers.clear()
            answers[read[0] if len(read) == 1 else tuple(read)] = (answer,)
        return answer


class Memory:
    """Topics by context; the least used ones are forgotten first."""

    _all: WeakSet[Memory] = WeakSet()

    def __init__(self, topics: int = 32) -> None:
        self._topics: OrderedDict[Hashable, Topic] = OrderedDict()
        self._most = topics
        Memory._all.add(self)

    @classmethod
    def forget(cls) -> None:
        """Forget everything that this process remembers."""
        for memory in cls._all:
            memory._topics.clear()  # noqa: SLF001 - its own kind

    def topic(self, context: Hashable) -> Topic:
        """Return what is remembered under this context."""
        found = self._topics.get(context)
        if found is None:
            found = self._topics[context] = Topic()
            while len(self._topics) > self._most:
                self._topics.popitem(last=False)
        else:
            self._topics.move_to_end(context)
        return found

    def ask(self, question: Hashable, ds: Dataset, work: Callable[[], T], *, context: Hashable = ()) -> T:
        """Return what `work` gives for this dataset, or gave where all that it read was the same; see `Topic.ask`."""
        seen = watched(ds)
        if seen is None:
            return work()
        return self.topic((context, seen.ground(), ds.original_encoding)).ask(question, seen, work)
