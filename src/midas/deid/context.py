"""What stands beside a word tells what it is: a name after a title, a place before `Hospital`, an initial beside a name.

In come the tokens of a text with what each is alone, out come those that stay. No table of names is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from midas.deid import tables
from midas.deid.names import MIN_PART, Known
from midas.deid.tokens import Verdict

DOUBTFUL = frozenset({Verdict.WEAK, Verdict.STRONG})
_TITLES, _RELATIONS, _LEADS = tables.marks("title"), tables.marks("relation"), tables.marks("lead")
_HEADS = _TITLES | _RELATIONS | _LEADS | {"pt", "patient"}
_PLACES, _FIRST, _SECOND = tables.marks("place"), tables.marks("place-first"), tables.marks("place-second")
_STREETS, _ROADS = tables.marks("street"), tables.marks("road")
_EPONYM = re.compile(
    r"['’]?s?\s+(?:disease|syndrome|sign|palsy|tumou?r|sarcoma|lymphoma|view|projection|fracture|cyst|neuroma|duct|gland|criteria"
    r"|classification|grad(?:e|ing)|scores?|stage|staging|procedure|plane|line|angle|node|triangle|ligament|pouch|phenomenon|stain"
    r"|coil|method|thyroiditis|contracture|hernia|oesophagus|esophagus|position|space|aneurysm|malformation|anomaly|scale|index)\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"[\s.,'’_\-^]*")
_CLOSE = re.compile(r"[\s.'’_\-^]*")
_RATIO = re.compile(r"\s?:\s?1(?![\d.:])")
_SAID = re.compile(r"\s?[:=\-]?\s?")
_JOINING = frozenset("of for at ke ki ka का की के".split())
"""Words between the kind of a place and what it is called (`Institute of ...`)."""
_SEXES = frozenset("MFmf")
_LISTED = re.compile(r"[,;/&+|]|\band\b", re.IGNORECASE)
_PARTS = re.compile(r"[\s.]*(?:[,;/&+|]\s*(?:and\s)?|\sand\s)[\s.]*", re.IGNORECASE)
"""What stands between the names of a list."""
LISTED = 2
"""Words that are names too, with capitals, of which more than so many in a list are names."""
REACH = 4
"""Words before `Hospital` that may be its name."""


@dataclass(frozen=True, slots=True)
class Token:
    """A stretch of a text and what it is alone; `low` is "" where a pattern took it."""

    start: int
    end: int
    text: str
    low: str
    verdict: Verdict


@dataclass
class Neighbours:
    """The tokens of one text: which stay, and which of those that go look like part of a name."""

    text: str
    tokens: tuple[Token, ...]
    known: Known
    prose: bool
    stays: list[bool] = field(init=False)
    named: list[bool] = field(init=False)

    def staying(self) -> list[Token]:
        """Return the tokens that stay."""
        self.stays = [self._alone(token) for token in self.tokens]
        if all(self.stays) and all(self._plain(token) for token in self.tokens):
            return list(self.tokens)
        self.named = [self._names(token, stay) for token, stay in zip(self.tokens, self.stays, strict=True)]
        self._titles()
        self._institutions()
        self._streets()
        self._lists()
        for at, token in enumerate(self.tokens):
            if self.stays[at] and token.verdict in DOUBTFUL:
                self.stays[at] = self._is_word(at)
                self.named[at] = not self.stays[at]
        places = range(len(self.tokens))
        for at in (*reversed(places), *places):
            if self.stays[at] and self.tokens[at].verdict is Verdict.INITIAL and self._is_initial(at):
                self.stays[at], self.named[at] = False, True
        for at in places:
            if self.stays[at] and self.tokens[at].verdict is Verdict.NUMBER:
                self.stays[at] = not self._is_house(at)
            elif self.stays[at] and self.tokens[at].verdict is Verdict.COUNT:
                self.stays[at] = self._is_counted(at)
        return [token for token, stay in zip(self.tokens, self.stays, strict=True) if stay]

    def _alone(self, token: Token) -> bool:
        if token.verdict is Verdict.GOES or self.known.exact(token.low):
            return False
        return not (token.verdict in DOUBTFUL and self.known.spelt(token.low))

    @staticmethod
    def _plain(token: Token) -> bool:
        return token.verdict is Verdict.STAYS and token.low not in _HEADS and token.low not in _PLACES

    @staticmethod
    def _names(token: Token, stays: bool) -> bool:
        return (
            not stays and len(token.low) > 1 and not any(map(str.isdigit, token.low)) and "/" not in token.low
        )

    def _beside(self, one: int, other: int) -> bool:
        first, second = self.tokens[one], self.tokens[other]
        return second.start - first.end <= MIN_PART and bool(
            _CLOSE.fullmatch(self.text, first.end, second.start)
        )

    def _titles(self) -> None:
        """A title or a relation goes with the name after it; before a word of the field it is none (`w/o contrast`)."""
        for at, token in enumerate(self.tokens[:-1]):
            if token.low not in _HEADS:
                continue
            if token.low in _TITLES and self._initials(at):
                continue
            after = self.tokens[at + 1]
            capital = after.verdict in DOUBTFUL and after.text[:1].isupper()
            if token.low in _TITLES or token.low in _RELATIONS:
                if self._beside(at, at + 1) and (
                    self.named[at + 1] or not after.low or self._titled(token, after)
                ):
                    self.stays[at] = self.stays[at + 1] = False
                    self.named[at + 1] = True
            elif capital and (token.low in _LEADS or after.text.istitle() or self.prose):
                self.stays[at + 1], self.named[at + 1] = False, True

    def _initials(self, title: int) -> bool:
        """Take a title, the initials after it and what they belong to (`Dr. R. K. Sharma`); say whether there were any."""
        end = title + 1
        while (
            end < len(self.tokens)
            and self.tokens[end].verdict is Verdict.INITIAL
            and self._beside(end - 1, end)
        ):
            end += 1
        if end == title + 1:
            return False
        name = end < len(self.tokens) and self._beside(end - 1, end)
        if name and not self.named[end] and self.tokens[end].verdict not in DOUBTFUL:
            return False
        for at in range(title, end + name):
            self.stays[at], self.named[at] = False, True
        return True

    def _titled(self, title: Token, after: Token) -> bool:
        """Say whether a doubtful word is a name after a title: `MR LONG LEG` of a descriptor is magnetic resonance."""
        weak = after.verdict is Verdict.WEAK and (self.prose or not title.text.isupper())
        return (weak or after.verdict is Verdict.STRONG) and (
            title.low in _TITLES or after.text[:1].isupper()
        )

    def _institutions(self) -> None:
        """`Sunshine Heart Hospital` goes whole: what names a place before its kind, as long as it is written like a name."""
        for at, token in enumerate(self.tokens):
            second = token.low in _SECOND and at > 0 and self.tokens[at - 1].low in _FIRST
            if token.low not in _PLACES and not second:
                continue
            if not second and self._names_no_place(at):
                continue
            self.stays[at] = False
            for before in range(at - 1, max(at - 1 - REACH, -1), -1):
                follows = _ASIDE.fullmatch(self.text, self.tokens[before].end, self.tokens[before + 1].start)
                if not follows or not self._of_place(before):
                    break
                self.stays[before] = False

    def _names_no_place(self, at: int) -> bool:
        """Say whether the head stands for the kind of place alone: nothing beside it is a name, or part of one."""
        for other in (at - 1, at + 1):
            if not 0 <= other < len(self.tokens):
                continue
            token = self.tokens[other]
            start, end = sorted((self.tokens[at], token), key=lambda one: one.start)
            if not _ASIDE.fullmatch(self.text, start.end, end.start):
                continue
            if not self.stays[other] or token.verdict in DOUBTFUL | {Verdict.INITIAL, Verdict.NUMBER}:
                return False
            if token.low in _JOINING or token.low in tables.marks("place-word") or token.low in _PLACES:
                return False
        return True

    def _streets(self) -> None:
        """`MG Road` and `174/A Railway Colony` go whole: what names a street before its kind, written like a name."""
        for at, token in enumerate(self.tokens):
            if token.low not in _STREETS or at == 0 or not self._beside(at - 1, at):
                continue
            before = self.tokens[at - 1]
            short = (
                token.low in _ROADS
                and before.verdict is not Verdict.NUMBER
                and before.text.isupper()
                and len(before.low) < MIN_PART
            )
            if token.text.islower() or not (short or self._of_place(at - 1)):
                continue
            for one in (at - 1, at):
                self.stays[one], self.named[one] = False, True

    def _lists(self) -> None:
        """Names in a list go with one another: `Radiographers: Rao; Bell; Das` names three, `white, long, thin` nobody."""
        if not _LISTED.search(self.text) or all(token.verdict not in DOUBTFUL for token in self.tokens):
            return
        chain: list[int] = []
        parted = 0
        for at in range(len(self.tokens) + 1):
            if at < len(self.tokens) and self.tokens[at].low == "and" and chain:
                continue
            like = at < len(self.tokens) and self._like_name(at)
            between = self.text[self.tokens[chain[-1]].end : self.tokens[at].start] if chain and like else ""
            if chain and like and (_CLOSE.fullmatch(between) or _PARTS.fullmatch(between)):
                parted += _PARTS.fullmatch(between) is not None
                chain.append(at)
                continue
            if parted:
                self._list(chain, parted + 1)
            chain, parted = [at] if like else [], 0

    def _list(self, chain: Sequence[int], items: int) -> None:
        alone = len(chain) == len(self.tokens) and not any(self.tokens[at].text.isupper() for at in chain)
        titled = all(self.tokens[at].text[:1].isupper() for at in chain)
        told = any(
            self.named[at] or self.tokens[at].verdict is Verdict.STRONG
            for at in chain if len(self.tokens[at].low) > MIN_PART
        )  # fmt: skip
        if told or (titled and (items > LISTED or alone)):
            for at in chain:
                self.stays[at], self.named[at] = False, True

    def _like_name(self, at: int) -> bool:
        """Say whether a word may be a name in a list: one that is no name stands in small letters amid capitals."""
        token = self.tokens[at]
        if token.text.islower() and any(map(str.isupper, self.text)):
            return False
        return self.named[at] or token.verdict in DOUBTFUL or token.verdict is Verdict.INITIAL

    def _of_place(self, at: int) -> bool:
        token = self.tokens[at]
        written = token.text[:1].isupper() or not token.low.isascii()
        return not self.stays[at] or (
            written and (token.low in tables.marks("place-word") or token.verdict in DOUBTFUL)
        )

    def _is_word(self, at: int) -> bool:
        """Say whether a word that is also a name is meant as a word."""
        token = self.tokens[at]
        if _EPONYM.match(self.text, token.end):
            return True
        for other in (at - 1, at + 1):
            near = 0 <= other < len(self.tokens) and self.named[other]
            if near and self._beside(min(at, other), max(at, other)):
                return False
            if self._as_in_header(at, other):
                return False
        if token.verdict is Verdict.WEAK:
            return not (self.prose and token.text.istitle() and self._as_name(at))
        return self.prose and token.text.islower() and any(map(str.isupper, self.text))

    def _as_in_header(self, at: int, other: int) -> bool:
        """Say whether two words that are names too are joined as the parts of a name in DICOM (`Long^Bell`)."""
        if not 0 <= other < len(self.tokens) or self.tokens[other].verdict not in DOUBTFUL:
            return False
        first, second = self.tokens[min(at, other)], self.tokens[max(at, other)]
        return "^" in self.text[first.end : second.start]

    def _as_name(self, at: int) -> bool:
        """Say whether a word with a capital is written like a name: amid small letters, or before what a person does."""
        after = self.tokens[at + 1] if at + 1 < len(self.tokens) else None
        before = self.tokens[at - 1] if at > 0 else None
        if after is not None and after.low in tables.marks("act"):
            return True
        if self._initial(at - 1) or self._initial(at + 1):
            return True
        if before is None or "." in self.text[before.end : self.tokens[at].start]:
            return False
        first = at == 1 or "." in self.text[self.tokens[at - 2].end : before.start]
        if not before.text.islower() and not (
            first and before.text.istitle() and before.low in tables.marks("told")
        ):
            return False
        ended = after is None or after.text.islower() or not after.low.isalpha()
        return ended and bool(_CLOSE.fullmatch(self.text, before.end, self.tokens[at].start))

    def _initial(self, at: int) -> bool:
        """Say whether a capital letter stands alone there, and is no unit of the number before it (`98.6 F`)."""
        if not 0 <= at < len(self.tokens) or self.tokens[at].verdict is not Verdict.INITIAL:
            return False
        return self.tokens[at].text.isupper() and (
            at == 0 or self.tokens[at - 1].verdict is not Verdict.NUMBER
        )

    def _beside_name(self, at: int) -> int | None:
        """Return the place of a name right before or after, if there is one."""
        for other in (at - 1, at + 1):
            near = 0 <= other < len(self.tokens) and self.named[other]
            if near and self._beside(min(at, other), max(at, other)):
                return other
        return None

    def _is_initial(self, at: int) -> bool:
        """Say whether a letter is an initial; a side (`R KNEE`) and the first half of `C-SPINE` are none."""
        token, following = self.tokens[at], at + 1
        joined = self.text[token.end : token.end + 1] == "-" and following < len(self.tokens)
        if joined and self.stays[following] and not self.named[following]:
            return False
        other = self._beside_name(at)
        if other is None:
            return False
        between = self.text[
            min(token.end, self.tokens[other].end) : max(token.start, self.tokens[other].start)
        ]
        return token.low not in "lr" or bool(between.strip(" ")) or other > at

    def _is_house(self, at: int) -> bool:
        """Say whether a number is the house of a street beside it; one with a unit or a fraction is a measure."""
        if "." in self.tokens[at].low or self._has_unit(at) or self._follows(at, "counted", "numbered"):
            return False
        return self._beside_name(at) is not None or self._has_door(at)

    def _has_door(self, at: int) -> bool:
        """Say whether a letter that goes is joined to the number (`174/A` of a street); `45/F` is an age."""
        if at + 1 >= len(self.tokens):
            return False
        door = self.tokens[at + 1]
        joined = self.text[self.tokens[at].end : door.start].strip() in {"/", "-"}
        return (
            joined and door.verdict is Verdict.INITIAL and not self.stays[at + 1] and door.text not in _SEXES
        )

    def _has_unit(self, at: int) -> bool:
        after = at + 1
        return (
            after < len(self.tokens) and self.stays[after] and self.tokens[after].low in tables.marks("unit")
        )

    def _is_counted(self, at: int) -> bool:
        """Say whether a word right before or a unit right after tells that a long number is a measure (`TLC 12000`)."""
        united = self._has_unit(at) and self._beside(at, at + 1) and len(self.tokens[at + 1].low) > 1
        ratio = _RATIO.match(self.text, self.tokens[at].end)
        return united or ratio is not None or self._follows(at, "counted")

    def _follows(self, at: int, *kinds: str) -> bool:
        """Say whether a word of these kinds stays right before."""
        if at == 0 or not self.stays[at - 1]:
            return False
        before = self.tokens[at - 1]
        told = any(before.low in tables.marks(kind) for kind in kinds)
        return told and bool(_SAID.fullmatch(self.text, before.end, self.tokens[at].start))
