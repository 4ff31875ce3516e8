"""What a search asks of one attribute (PS3.4 §C.2.2.2), and whether a value in DICOM JSON is that.

Names are compared without case and accents; times and dates as text of one form. A query that cannot be read is `BadInput`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from midas.kernel import BadInput

Json = dict[str, Any]
WILD = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
"""Value representations in which `*` and `?` stand for any text (PS3.4 §C.2.2.2.4)."""
NUMERIC = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
BY_COMMA = frozenset({"CS", "UI"})
"""VRs whose values hold no comma, so that it separates values as the backslash does in others."""
_DATE, _TIME = re.compile(r"\d{8}"), re.compile(r"\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?")
_MOMENT = re.compile(r"\d{4}(?:\d{2}){0,5}(?:\.\d{1,6})?")
FORMS = {"DA": _DATE, "TM": _TIME, "DT": _MOMENT}
LOW = {"DA": "00000000", "TM": "000000.000000", "DT": "00000101000000.000000"}
HIGH = {"DA": "99999999", "TM": "235959.999999", "DT": "99991231235959.999999"}


@dataclass(frozen=True)
class Match:
    """One key of a search: the attribute by tags (several: within sequences), its VR and the values, one of which it has.

    `fuzzy`: each word of a name begins a word of the one that is looked for.
    """

    path: tuple[str, ...]
    vr: str
    values: tuple[str, ...]
    fuzzy: bool = False

    @property
    def everything(self) -> bool:
        """Does it ask for nothing (universal matching)?"""
        return not self.values or all(value in {"", "*"} for value in self.values)

    @property
    def wild(self) -> bool:
        return self.vr in WILD and any("*" in value or "?" in value for value in self.values)

    @cached_property
    def span(self) -> tuple[str, str]:
        """The first and last date or time that is meant, in the form of `moment`."""
        return _span(self.vr, self.values[0])

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        values = [folded(value) if self.vr == "PN" else value for value in self.values]
        return [re.compile(_expression(value), re.DOTALL) for value in values]

    def fits(self, found: Json) -> bool:
        """Say whether a dataset (DICOM JSON) matches."""
        return self.everything or any(self._fits(value) for value in _values(found, self.path))

    def _fits(self, value: Any) -> bool:
        if self.vr == "PN":
            name = folded("=".join(value.values()) if isinstance(value, dict) else str(value))
            return self._sounds(name) if self.fuzzy else any(one.fullmatch(name) for one in self._patterns)
        if self.vr in FORMS:
            low, high = self.span
            return low <= moment(self.vr, str(value)) <= high
        if self.vr in NUMERIC:
            return any(_same_number(value, one) for one in self.values)
        if self.wild:
            return any(one.fullmatch(str(value)) for one in self._patterns)
        return str(value) in self.values

    def _sounds(self, name: str) -> bool:
        held = words_of(name)
        return any(
            all(any(word.startswith(one) for word in held) for one in words_of(folded(value)))
            for value in self.values
        )


def folded(text: str) -> str:
    """Return a person's name as searches compare it: its first group, without case, accents and empty ends."""
    group = next((one for one in text.split("=") if one.strip("^ ")), "")
    plain = "".join(
        one for one in unicodedata.normalize("NFKD", group.casefold()) if not unicodedata.combining(one)
    )
    return plain.rstrip("^ ").strip()


def words_of(name: str) -> list[str]:
    """Return the words of a folded name."""
    return [one for one in re.split(r"[\s^,]+", name) if one]


def moment(vr: str, text: str) -> str:
    """Write a date, time or both in the one form that compares as text; what is shorter begins its hour, day or year."""
    text = text.strip().replace(":", "")
    if vr == "DA":
        return text.replace(".", "")
    if not text:
        return ""
    text, _, fraction = text.partition(".")
    start = LOW[vr].partition(".")[0]
    return f"{text}{start[len(text) :]}.{fraction[:6]:0<6}"


def _span(vr: str, text: str) -> tuple[str, str]:
    text = text.strip().replace(":", "")
    first, dash, last = text.partition("-")
    if not dash:
        first = last = text
    for part in (first, last):
        if part and not FORMS[vr].fullmatch(part):
            raise BadInput(
                "A date or time of the search cannot be read.", advice="Such as 20240101-20241231."
            )
    if not first and not last:
        raise BadInput("A range needs a beginning or an end.", advice="Such as 20240101-20241231.")
    low = moment(vr, first) if first else LOW[vr]
    if not last:
        return low, HIGH[vr]
    return low, (_latest(vr, last) if dash else moment(vr, last))


def _latest(vr: str, text: str) -> str:
    """Return the last moment that a time of few digits names: 10 o'clock ends at 10:59:59."""
    if vr == "DA" or "." in text:
        return moment(vr, text)
    return text + HIGH[vr][len(text) :]


def _values(found: Json, path: tuple[str, ...]) -> Iterator[Any]:
    values = found.get(path[0], {}).get("Value", ())
    for value in values:
        if value is None:
            continue
        if len(path) == 1:
            yield value
        elif isinstance(value, dict):
            yield from _values(value, path[1:])


def _expression(value: str) -> str:
    """Return the pattern of a value. Each piece between two `*` is taken where it comes first and never tried again."""
    first, *rest = (
        "".join("." if one == "?" else re.escape(one) for one in part) for part in value.split("*")
    )
    if not rest:
        return first
    *middle, last = rest
    return f"{first}{''.join(f'(?>.*?{one})' for one in middle if one)}.*{last}"


def _same_number(value: Any, asked: str) -> bool:
    try:
        return float(value) == float(asked)
    except ValueError:
        return False


def checked(match: Match) -> Match:
    """Return the match; `BadInput` where its value cannot be one of its VR."""
    if not match.everything:
        if match.vr in FORMS:
            if len(match.values) > 1:
                raise BadInput("A search takes one date or range.", advice="Join them to one range.")
            _ = match.span
        if match.vr in NUMERIC:
            for value in match.values:
                try:
                    float(value)
                except ValueError:
                    raise BadInput("A number of the search cannot be read.", advice="Give digits.") from None
    return match
