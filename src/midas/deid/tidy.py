"""Putting a text together again after words were taken out: spacing, punctuation and brackets.

In come the text and the spans that stay and go, out comes the text: untouched where nothing went, without doubled
separators, empty or widowed brackets where something did. Nothing that went is ever put back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

Span = tuple[int, int]
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(_PAIRS.values())
_SIGNS = str.maketrans({
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2018": "'",
    "\u2019": "'", "\u201c": '"',
    "\u201d": '"', "\u00d7": "x", "\u2022": "-", "\u00a0": " ", "\u2044": "/", "\u0964": ".", "\u0965": ".",
    "\u2264": "<=", "\u2265": ">=",
    "\u00b1": "+/-", "\u00b0": " deg", "\u00b5": "u", "\u03bc": "u", "\u2026": "...", "\u0970": ".", "\u2192": "->",
})  # fmt: skip
_STRANGE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|[^\x00-\x7f\w\u0900-\u0dff]")
_MARK = re.compile(r"[;:,.|]")
_JOIN = re.compile(r"[\s_\-/+^]+")


def typed(text: str) -> str:
    """Return the text with the signs of a keyboard for their typographic forms, and without control characters."""
    if text.isascii() and text.isprintable():
        return text
    return _STRANGE.sub(" ", text.translate(_SIGNS))


def joined(text: str, keep: Sequence[Span], tokens: Sequence[Span], gone: Iterable[Span]) -> str:
    """Return `text` with only the spans of `keep`; `text` itself where all tokens stay and nothing is gone."""
    kept = set(keep)
    cut = sorted([*(span for span in tokens if span not in kept), *gone])
    if not keep:
        return ""
    if not cut:
        return text
    out = [_head(text, keep[0][0], cut)]
    for (start, end), (following, _) in zip(keep, [*keep[1:], (len(text), 0)], strict=True):
        out.append(text[start:end])
        inside = [span for span in cut if end <= span[0] < following or end < span[1] <= following]
        if following == len(text):
            out.append(_tail(text[end:], inside, end))
        else:
            out.append(_between(text, end, following, inside))
    return _balanced("".join(out)).strip()


def _head(text: str, first: int, cut: Sequence[Span]) -> str:
    last = max((end for _, end in cut if end <= first), default=None)
    start = text[:first] if last is None else text[last:first]
    if last is None:
        return start
    return "".join(char for char in start if char in "([{")


def _tail(end: str, cut: Sequence[Span], offset: int) -> str:
    if not cut:
        return end
    before = end[: max(0, cut[0][0] - offset)]
    return "".join(char for char in before + end[max(0, cut[-1][1] - offset) :] if char in ")]}") + (
        "." if "." in end[max(0, cut[-1][1] - offset) :] and _MARK.search(end) and "\n" not in end else ""
    )


def _between(text: str, start: int, end: int, cut: Sequence[Span]) -> str:
    if not cut:
        return text[start:end]
    left, right = text[start : max(start, cut[0][0])], text[min(end, max(span[1] for span in cut)) : end]
    closing, opening = _brackets(left + right)
    return closing + _separator(_bare(left), _bare(right)) + opening


def _bare(text: str) -> str:
    return "".join(char for char in text if char not in _PAIRS and char not in _CLOSING and char not in "\"'")


def _brackets(text: str) -> tuple[str, str]:
    """Return the closing and the opening brackets that are left when empty pairs are gone."""
    left: list[str] = []
    for char in text:
        if left and _PAIRS.get(left[-1]) == char:
            left.pop()
        elif char in _PAIRS or char in _CLOSING:
            left.append(char)
    return "".join(c for c in left if c in _CLOSING), "".join(c for c in left if c in _PAIRS)


def _separator(left: str, right: str) -> str:
    if "\n" in left or "\n" in right:
        mark = _MARK.search(left)
        return (mark.group() if mark else "") + "\n"
    for side in (left, right):
        if mark := _MARK.search(side):
            return mark.group() + " "
    if left == right and _JOIN.fullmatch(left):
        return left.replace("^", " ")
    if "_" in (left + right) and not (left + right).strip("_"):
        return "_"
    for side in (left, right):
        if side.strip() and set(side.strip()) <= set("-/+"):
            return (
                f" {side.strip()[0]} "
                if " " in side
                else side.strip()[0]
                if not (left.isspace() or right.isspace())
                else " "
            )
    return " "


def _balanced(text: str) -> str:
    """Return the text without brackets that have no other half."""
    if not any(char in text for char in "([{)]}"):
        return text
    open_at: list[int] = []
    drop: set[int] = set()
    for at, char in enumerate(text):
        if char in _PAIRS:
            open_at.append(at)
        elif char in _CLOSING:
            if open_at and _PAIRS[text[open_at[-1]]] == char:
                open_at.pop()
            else:
                drop.add(at)
    drop.update(open_at)
    return "".join(char for at, char in enumerate(text) if at not in drop)
