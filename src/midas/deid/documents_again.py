"""Enclosed documents as a stranger reads them: the bytes may hold only the structure of a bare PDF or CDA, and its words.

In come the bytes of an output's document and a judge of single words; out comes whether every part of it may stand.
Written for the verifier alone: nothing here knows how the engine builds a document.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from xml.parsers import expat

Judge = Callable[[str], bool]
_OBJECT = re.compile(
    rb"\d+ 0 obj\n(?:<< /Type /Catalog /Pages 2 0 R >>"
    rb"|<< /Type /Pages /Kids \[(?:\d+ 0 R ?)+\] /Count \d+ >>"
    rb"|<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    rb"|<< /Type /Page /Parent 2 0 R /MediaBox \[0 0 [\d.]+ [\d.]+\] /Resources << /Font << /F1 3 0 R >> >>"
    rb" /Contents \d+ 0 R >>"
    rb"|<< /Length \d+ >>\nstream\n(?P<shown>(?:BT /F1 [\d.]+ Tf [\d.]+ [\d.]+ Td \((?:[^()\\\n]|\\[()\\])*\) Tj ET\n?)*)"
    rb"\n?endstream)\nendobj\n"
)
"""The only objects that a rebuilt PDF consists of (ISO 32000-1 7.3.10)."""
_TAIL = re.compile(
    rb"xref\n0 \d+\n(?:\d{10} \d{5} [fn] \n)+trailer\n<< /Size \d+ /Root 1 0 R >>\nstartxref\n\d+\n%%EOF\n*"
)
_TEXT = re.compile(rb"Td \(((?:[^()\\\n]|\\[()\\])*)\) Tj")
_LONG = re.compile(r"\d{6,}")
_HEAD = b"%PDF-1.4\n"
_ATTRIBUTES = frozenset(
    "classCode moodCode typeCode determinerCode contextControlCode contextConductionInd negationInd nullFlavor operator"
    " inversionInd independentInd institutionSpecified unit code codeSystem codeSystemName use mediaType styleCode type"
    " listType colspan rowspan align valign displayName value".split()
)
_CODES = frozenset({"code", "codeSystem", "unit", "codeSystemName"})


def clean_document(data: object, allowed: Judge) -> bool:
    """Say whether an enclosed document holds nothing but bare structure and words that `allowed` lets stand."""
    if not isinstance(data, bytes):
        return False
    return _clean_pdf(data, allowed) if data.startswith(_HEAD) else _clean_cda(data, allowed)


def _words_stand(text: str, allowed: Judge) -> bool:
    return not _LONG.search(text) and all(allowed(word) for word in _words(text) if len(word) > 1)


def _words(text: str) -> list[str]:
    """Return the words of a text; the vowel signs of Indian scripts are marks, and parts of their words."""
    return "".join(char if unicodedata.category(char)[0] in "LM" else " " for char in text).split()


def _clean_pdf(data: bytes, allowed: Judge) -> bool:
    at = len(_HEAD)
    while match := _OBJECT.match(data, at):
        for shown in _TEXT.findall(match["shown"] or b""):
            if not _words_stand(re.sub(rb"\\(.)", rb"\1", shown).decode("cp1252"), allowed):
                return False
        at = match.end()
    return _TAIL.fullmatch(data, at) is not None


def _clean_cda(data: bytes, allowed: Judge) -> bool:
    verdicts: list[bool] = []
    words: list[str] = []

    def start(_: str, attributes: dict[str, str]) -> None:
        words.append(" ")
        for name, value in attributes.items():
            plain = name.rpartition(" ")[2]
            coded = plain in _CODES and len(value) <= 40 and not re.search(r"[^\W\d_]{9,}", value)
            verdicts.append(
                plain in _ATTRIBUTES and (coded or plain in {"type", "use"} or _short(value, plain, allowed))
            )

    def other(*_: object) -> None:
        verdicts.append(False)

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.CharacterDataHandler = start, words.append
    parser.CommentHandler = parser.ProcessingInstructionHandler = parser.StartDoctypeDeclHandler = other
    try:
        parser.Parse(data.rstrip(b"\n"), True)
    except expat.ExpatError:
        return False
    return all(verdicts) and all(_words_stand(text, allowed) for text in "".join(words).split("\n"))


def _short(value: str, name: str, allowed: Judge) -> bool:
    """A closed list's value is one word in capitals or of a few letters; a displayed name is text."""
    if name in {"displayName", "value"}:
        return _words_stand(value, allowed)
    return len(value) <= 24 and not _LONG.search(value)
