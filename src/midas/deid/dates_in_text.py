"""Days and times inside a text, as India writes them: dd/mm/yyyy, 5th Jan 2024, 12-Mar-24, २० जनवरी २०२४, 20240512.

In comes a text whose digits are 0-9 already; out come the half-open spans that tell a day, a month, a year or a time
of day. Durations (`3 months`), sizes and scores are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from midas.deid import tables

MONTHS_EN = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
    "|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec"
)
MONTHS_INDIC = (
    "जनवरी|जानेवारी|फरवरी|फ़रवरी|फेब्रुवारी|मार्च|अप्रैल|एप्रिल|मई|मे|जून|जुलाई|जुलै|अगस्त|ऑगस्ट|सितंबर|सितम्बर|सप्टेंबर"
    "|अक्टूबर|अक्तूबर|ऑक्टोबर|नवंबर|नवम्बर|नोव्हेंबर|दिसंबर|दिसम्बर|डिसेंबर"
    "|ஜனவரி|பிப்ரவரி|மார்ச்|ஏப்ரல்|மே|ஜூன்|ஜூலை|ஆகஸ்ட்|ஆகஸ்டு|செப்டம்பர்|அக்டோபர்|நவம்பர்|டிசம்பர்"
    "|ಜನವರಿ|ಫೆಬ್ರವರಿ|ಮಾರ್ಚ್|ಏಪ್ರಿಲ್|ಮೇ|ಜೂನ್|ಜುಲೈ|ಆಗಸ್ಟ್|ಸೆಪ್ಟೆಂಬರ್|ಅಕ್ಟೋಬರ್|ನವೆಂಬರ್|ಡಿಸೆಂಬರ್"
)
"""Month names in Hindi, Marathi, Tamil and Kannada (Unicode CLDR's wide forms and the spellings in common use)."""
_MONTH = rf"(?:{MONTHS_EN}|{MONTHS_INDIC})"
_YEAR = r"(?:(?:19|20)\d\d|['’]?\d\d)"
_LONG_YEAR = r"(?:19|20)\d\d"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])(?:\s?(?:st|nd|rd|th))?"
_GAP = r"[\s.,/_\-]{0,3}(?:of\s)?"
_TIME = r"(?:[01]?\d|2[0-4])[:.][0-5]\d(?:[:.][0-5]\d(?:\.\d+)?)?"
_NOT_IN = r"(?<![A-Za-z\d])"
_END = r"(?![A-Za-z\d])"
_WORDS = re.compile(
    rf"{_NOT_IN}{_DAY}{_GAP}{_MONTH}{_GAP}{_YEAR}{_END}"
    rf"|{_NOT_IN}{_MONTH}{_GAP}{_DAY}{_GAP}{_LONG_YEAR}{_END}"
    rf"|{_NOT_IN}{_LONG_YEAR}{_GAP}{_MONTH}(?:{_GAP}{_DAY})?{_END}"
    rf"|{_NOT_IN}{_MONTH}{_GAP}{_LONG_YEAR}{_END}"
    rf"|{_NOT_IN}{_MONTH}['’\-.]\d\d{_END}"
    rf"|{_NOT_IN}{_DAY}{_GAP}{_MONTH}{_END}"
    rf"|{_NOT_IN}{_MONTH}[\s_.\-]{{0,2}}{_DAY}{_END}(?!\s?(?:mm|cm|ml|mg|%))",
    re.IGNORECASE,
)
_DIGITS = re.compile(
    rf"(?<![\d])(?<!\d[.])(?:{_LONG_YEAR}\s?([./\-_])\s?\d{{1,2}}\s?\1\s?\d{{1,2}}(?:[T ]{_TIME}Z?)?"
    rf"|\d{{1,2}}\s?([./\-_])\s?\d{{1,2}}\s?\2\s?(?:19|20)?\d\d"
    rf"|\d{{1,2}}\s?([./\-])\s?\d{{1,2}}\s?[./\-]\s?(?:19|20)?\d\d"
    rf"|\d{{1,2}} \d{{1,2}} {_LONG_YEAR}"
    rf"|{_LONG_YEAR}\s?[/\-]\s?\d\d|\d{{1,2}}[/\-.]{_LONG_YEAR}"
    rf"|{_LONG_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{{4}}(?:\d\d(?:\.\d+)?)?)?"
    rf"|{_LONG_YEAR}[ ]\d{{1,2}}[ ]\d{{1,2}})(?!\d)(?!\.\d)"
)
_CLOCK = re.compile(
    r"(?<![\d.:])(?:(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:\s?(?:[ap]\.m\.|[ap]m\b|hrs?\b|IST\b))?"
    r"|(?:0?\d|1[0-2])(?:\.[0-5]\d)?\s?(?:[ap]\.m\.|[ap]m\b)|(?:[01]\d|2[0-4])[0-5]\d\s?hrs?\b)(?![\d:])",
    re.IGNORECASE,
)
_YEAR_ALONE = re.compile(
    rf"{_NOT_IN}(?<![.]){_LONG_YEAR}{_END}(?!\.\d)(?!\s?(?:mm|ms|x|hz|s/mm|:\s?1(?!\d)))", re.IGNORECASE
)
_PARAMETER = re.compile(
    rf"\b(?:{'|'.join(sorted(tables.marks('counted') | {'b'}))})\s?[:=\-]?\s?$", re.IGNORECASE
)
"""Words that say what a number measures: four digits after them are no year."""
_HINT = re.compile(r"\d")


def date_spans(text: str, *, whole: bool = False) -> Iterator[tuple[int, int]]:
    """Yield the spans of `text` that tell when; with `whole` those that tell a day or month, not a year or hour alone."""
    if not _HINT.search(text):
        return
    for pattern in (_WORDS, _DIGITS) if whole else (_WORDS, _DIGITS, _CLOCK):
        for match in pattern.finditer(text):
            if pattern is not _WORDS or not _may_only(match.group()):
                yield match.span()
    for match in () if whole else _YEAR_ALONE.finditer(text):
        if not _PARAMETER.search(text, 0, match.start()):
            yield match.span()


def _may_only(found: str) -> bool:
    """`3 may be seen` and `mar 5` of a sequence hold a word, no month: only `May` with a year, or with a capital, is one."""
    return bool(re.fullmatch(rf"(?:{_DAY}\s)?may(?:\s{_DAY})?", found))
