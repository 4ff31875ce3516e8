"""Values that stay: what becomes of one that a rule keeps or cleans, and of one that Table E.1-1 does not name.

In comes an element, out comes its new value: the same one where it names nobody, a shifted day, a mapped UID, cleaned
text, an empty value, or None where the whole element had better go. `Held` where none of that can be told.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from pydicom.datadict import dictionary_has_tag, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from midas.deid import codes, tables
from midas.deid.codes import CODE
from midas.deid.colours import bare_profile, standard
from midas.deid.dates_in_text import date_spans
from midas.deid.devices import device_words, strangers, words_tell
from midas.deid.model import Held
from midas.deid.rules import Decision
from midas.deid.unlisted import (
    MEASURED,
    TABLES,
    device_text_tells,
    device_written,
    is_version,
    sentence_within,
    text_within,
    version_tells,
)
from midas.deid.values import (
    BULK,
    DATES,
    LONG_TEXT,
    TEXT,
    Values,
    each,
    is_one_of,
    listed,
    names_someone,
    whole_digits,
    written,
)
from midas.deid.words import suspicious, unknown_words

TIMEZONE = 0x00080201
PEOPLES = frozenset({0x00102160, 0x00102162})
"""Ethnic Group(s): kept for research, and typed by hand."""
_PEOPLES = frozenset(
    """
    african american arab chinese dravidian european gujarati hindu indian japanese kannada korean latino malay malayali
    marathi nepali oriental pakistani punjabi sikh sinhalese tamil telugu tibetan tribal
""".split()
)
NUMBERS = frozenset({"UL", "SL", "UV", "SV", "FL", "FD"})
FEW = 4
"""Binary numbers of more values than these are measurements: one in a thousand would look like a day by chance."""
INSTEAD = {"ContentLabel": "REMOVED"}
"""What stands where a code that must be there (PS3.3 Type 1) may not stay, and any word will do."""
_ZONE = re.compile(r"[+-](0\d|1[0-4])[0-5]\d")


class Staying:
    """New values for one person's file."""

    def __init__(self, values: Values) -> None:
        self.values = values

    def kept(self, element: DataElement, vr: str, decision: Decision) -> Any:
        """Return the value under K or C: what cannot name anyone, cleaned or shifted where it could."""
        tag, value = int(element.tag), element.value
        if vr in DATES:
            return self.values.date(value, vr)
        if tag == TIMEZONE:
            return value if _ZONE.fullmatch(str(value).strip()) else ""
        if vr == "UI":
            return value if decision.code == "K" else self.values.uid(value)
        if vr == "AS":
            return self.values.age(value)
        if vr in TEXT or vr in {"PN", "AE"}:
            keep = decision.code == "K" and vr != "PN" and not self.values.known.names(str(value))
            if keep and tag in PEOPLES:
                keep = all(_of_people(str(one)) for one in listed(value))
            return value if keep else self.values.text(value, vr)
        if vr in {"CS", "IS", "DS"}:
            return self.values.coded(value, vr, keyword_for_tag(tag))
        if vr in BULK or vr in {"UR", "UN"}:
            return value if decision.code == "K" and vr in BULK and not self._bytes_name(element) else ""
        return value

    def unlisted(self, ds: Dataset, element: DataElement, vr: str) -> Any:
        """Return the value of an attribute that no rule names: its own unless its form or content could name someone."""
        tag, value = int(element.tag), element.value
        if vr in {"PN", "AE", "UR"}:
            return ""
        if vr == "UI":
            return self.values.uid(value)
        if vr in DATES:
            moved = self.values.moved_dates or self.values.full_dates
            return self.values.date(value, vr) if moved else self.values.dummy(element, vr)
        if vr == "AS":
            return self.values.age(value)
        if vr in {"CS", "IS", "DS"}:
            keyword = keyword_for_tag(tag)
            return self.values.coded(value, vr, keyword) or INSTEAD.get(keyword, "")
        if vr in LONG_TEXT or (vr in TEXT and self._questionable(ds, element)):
            return self._text(ds, element, vr)
        if vr == "AT":
            return [one for one in listed(value) if points(int(one))]
        if vr in NUMBERS:
            few = listed(value) if len(listed(value)) <= FEW else []
            return [] if any(self._names(written(one)) for one in few) else value
        return self._binary(element) if vr in BULK else value

    def _names(self, number: str) -> bool:
        """Say whether a binary number could be somebody's; one of four digits is a size, whoever bears it."""
        long = len(whole_digits(number)) > FEW
        return names_someone(number) or (long and is_one_of(self.values.known, number))

    def _binary(self, element: DataElement) -> bytes | None:
        """Return a binary value that holds no text; None for one that does; `Held` where it is what the object is for."""
        value: bytes = element.value if isinstance(element.value, bytes) else b""
        keyword = keyword_for_tag(element.tag)
        if keyword == "ICCProfile":
            bare = bare_profile(value)
            return standard(value) if self.values.known.in_bytes(bare) else bare
        measured = keyword in MEASURED
        told = sentence_within(value) if measured else not TABLES.search(keyword) and text_within(value)
        if not told and not self._bytes_name(element):
            return value
        if measured:
            raise Held("text-in-binary", f"{keyword} is binary and holds text that cannot be proven clean.")
        return None

    def _questionable(self, ds: Dataset, element: DataElement) -> bool:
        texts, keyword = [str(one) for one in listed(element.value)], keyword_for_tag(element.tag)
        if keyword in CODE:
            return codes.tells(ds, keyword, texts, self.values.known)
        if is_version(keyword) or device_written(keyword):
            return any(self._tells_of_device(ds, keyword, text) for text in texts)
        if any(suspicious(text, self.values.known) or strangers(text) for text in texts):
            return True
        return any(unknown_words(text) and tag_for_keyword(text) is None for text in texts)

    def _text(self, ds: Dataset, element: DataElement, vr: str) -> Any:
        keyword = keyword_for_tag(element.tag)
        instead = codes.instead(ds, keyword, self.values.known) if keyword in CODE else ""
        if is_version(keyword) or device_written(keyword):
            return each(element.value, lambda text: self._of_device(ds, keyword, text, vr)) or "REMOVED"
        return instead or self.values.text(element.value, vr) or "REMOVED"

    def _tells_of_device(self, ds: Dataset, keyword: str, text: str) -> bool:
        if is_version(keyword):
            return words_tell(text) or version_tells(text, self.values.persons, _days(ds, text))
        return text.strip().upper() not in tables.defined_terms(keyword) and device_text_tells(
            text, self.values.persons
        )

    def _of_device(self, ds: Dataset, keyword: str, text: str, vr: str) -> str:
        """Return a text of a device as it is, without the words that tell, or cleaned as any other."""
        for kept in (text, device_words(text)):
            if kept and not self._tells_of_device(ds, keyword, kept):
                return kept
        return str(self.values.text(text, vr))

    def _bytes_name(self, element: DataElement) -> bool:
        value = element.value if isinstance(element.value, bytes) else b""
        return len(value) < 1 << 20 and self.values.known.in_bytes(value)


def _of_people(text: str) -> bool:
    """Say whether a text says of which people someone is, and nothing else."""
    words = [word for word in re.findall(r"[^\W_]+", text.casefold()) if word not in _PEOPLES]
    return not unknown_words(" ".join(words)) and not any(
        len(word) > FEW and word.isdigit() for word in words
    )


def _days(ds: Dataset, text: str) -> frozenset[date]:
    """Return the days that the object tells beside `text`; they are asked for only where a text holds one."""
    if not any(date_spans(text, whole=True)):
        return frozenset()
    told = (str(one)[:8] for element in ds if element.VR in {"DA", "DT"} for one in listed(element.value))
    return frozenset(day for one in told if (day := _day(one)))


def _day(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def points(tag: int) -> bool:
    """Say whether a value of VR AT is the tag of an attribute; four printable characters are a text."""
    printed = all(0x20 <= byte <= 0x7E for byte in tag.to_bytes(4, "little"))
    return dictionary_has_tag(tag) or ((tag >> 16) % 2 == 1 and not printed)


def same(new: Any, old: Any) -> bool:
    """Say whether a new value is the old one, in number and kind."""
    if isinstance(new, list):
        return len(new) == len(listed(old)) and all(a == b for a, b in zip(new, listed(old), strict=True))
    return type(new) is type(old) and bool(new == old)
