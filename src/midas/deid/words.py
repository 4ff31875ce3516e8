"""Free text: which words may stay, and whether a text looks as if it named someone.

In comes a text and what is known of the person, out comes the text with only words of the shipped vocabulary, short
numbers and units, as it was spaced and written; a text that needs no change comes back byte for byte. A word equal to
any part of a known identifier never stays, whatever the vocabulary says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from midas.deid import tables
from midas.deid.dates_in_text import date_spans
from midas.deid.names import MIN_PART, MOBILE, NAMES, NOBODY, Known, fold, parts, plain
from midas.deid.patterns import spans
from midas.deid.tidy import joined, typed
from midas.deid.tokens import Verdict, judge

__all__ = [
    "MIN_PART", "MOBILE", "NAMES", "NOBODY", "Known", "clean_cell", "clean_text", "fold", "parts", "plain", "suspicious",
    "unknown_words",
]  # fmt: skip

_CHAR = r"(?:[^\W_]|[\u0900-\u0963\u0966-\u096f\u0971-\u0dff\u200c\u200d])"
_TOKEN = re.compile(
    r"(?<![^\W_])(?:[A-Za-z]/)+[A-Za-z](?![^\W_])|(?<![^\W_])[A-Za-z]&[A-Za-z](?![^\W_])"
    rf"|{_CHAR}+(?:(?<=\d)(?:\.\d{_CHAR}*|,\d{{1,2}}(?![\w.,])))*"
)
_SLASHED = frozenset(
    "h/o c/o k/c/o r/o s/o w/o d/o o/e w/f f/u s/p y/o p/a u/s b/l n/a i/v l/r r/l a/p p/h c/s t/t m/f i/c d/d h&e w/w".split()
)
_RELATIONS = frozenset({"w/o", "s/o", "d/o", "c/o", "r/o", "h/o"})
"""`w/o` is *without* and *wife of*, `s/o` *suggestive of* and *son of*: what follows tells."""
_TITLES = frozenset(
    "dr drs prof professor mr mrs ms miss smt shri sri shree kum kumari mast master thiru thirumathi tmt selvi janab late adv er"
    " डॉ डा डॉक्टर प्रो श्री श्रीमती सुश्री कुमारी कु चि सौ स्व திரு திருமதி செல்வி டாக்டர் ಶ್ರೀ ಶ್ರೀಮತಿ ಡಾ ಕುಮಾರಿ".split()
)
_LEADS = frozenset("name naam by sister brother attendant referred नाम नाव பெயர் ಹೆಸರು".split())
"""Words after which a doubtful word with a capital is a name."""
_HEADS = _TITLES | _RELATIONS | _LEADS | {"pt", "patient"}
_EPONYM = re.compile(
    r"['’]?s?\s+(?:disease|syndrome|sign|palsy|tumou?r|sarcoma|lymphoma|view|projection|fracture|cyst|neuroma|duct|gland|criteria"
    r"|classification|grad(?:e|ing)|scores?|stage|staging|procedure|plane|line|angle|node|triangle|ligament|pouch|phenomenon|stain"
    r"|coil|method|thyroiditis|contracture|hernia|oesophagus|esophagus|position|space|aneurysm|malformation|anomaly|scale|index)\b",
    re.IGNORECASE,
)
_PLACES = frozenset(
    """hospital hospitals clinic clinics nursing dispensary polyclinic diagnostics laboratory laboratories labs pathlabs institute
    college university foundation trust healthcare phc chc medicity hospitality sanatorium अस्पताल रुग्णालय चिकित्सालय हॉस्पिटल मருத்துவமனை மருத்துவமனை
    ಆಸ್ಪತ್ರೆ""".split()
)
_PLACE_WORDS = frozenset(
    """city general memorial care sunshine super multi speciality specialty multispeciality district govt government medical cancer
    eye dental heart kidney children childrens women womens college research centre center diagnostic diagnostics imaging scan scans
    pathology rural trust mission national international royal global rainbow charitable public private civil sub divisional taluka
    community railway military command army naval air force institute school of sciences science dentistry regional multispecialty
    and the max apex prime life new modern united holy family saint st ayurvedic apollo unity hope star sun moon lotus
    medicity super first advanced advance health wellness home nursing x ray xray ultrasound""".split()
)
_SECOND = frozenset({"centre", "center", "home", "homes"})
_FIRST = frozenset(
    "scan scans diagnostic diagnostics imaging health medical dental eye heart cancer research xray ray trauma kidney nursing old".split()
)
"""`Vijaya Scan Centre`, `Lokmanya Nursing Home`: two words that together say which kind of place it is."""
_PAIR = re.compile(
    r"(?<![\w.])(\d{1,4})\s?[/]\s?(\d{1,4})(?:\s?/\s?\d+)*(?![\w])|(?<![\w.\-])(\d{1,4})-(\d{1,4})(?:-\d+)*(?![\w])"
)
_CHAIN = re.compile(r"\d+(?:\.\d+)?(?:\s*[x*]\s*\d+(?:\.\d+)?){4,}", re.IGNORECASE)
_ASIDE = re.compile(r"[\s.,'’_\-^]*")
_CLOSE = re.compile(r"[\s.'’_\-^]*")
REACH = 4
"""Words before `Hospital` that may be its name."""


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    text: str
    low: str
    verdict: Verdict


def unknown_words(text: str) -> bool:
    """Say whether the text holds a word of four letters or more that the vocabulary does not know."""
    return any(word not in tables.vocabulary() for word in _LETTERS_RUN.findall(fold(text)))


_LETTERS_RUN = re.compile(r"[^\W\d_]{4,}")


def suspicious(text: str, known: Known) -> bool:
    """Say whether a technical text looks as if it named a person, a day or a place."""
    return not text.isascii() or _tells(text) or known.names(text)


_TELLING = re.compile(
    r"\^|\b(?:dr|mr\.|mrs|smt|shri|kumari|w/o|s/o|d/o|c/o|hospital|clinic)\b", re.IGNORECASE
)


@lru_cache(maxsize=1 << 12)
def _tells(text: str) -> bool:
    return bool(_TELLING.search(text)) or any(date_spans(text)) or any(spans(text))


def clean_text(text: str, known: Known, *, prose: bool) -> str:
    """Return the words of `text` that may stay, where and as they stood; "" where none is left.

    Words of the vocabulary, short numbers with or without a unit and the usual tokens of sequences stay in both kinds.
    In prose (comments, histories: ST, LT, UT) a word that is also a name stays only where it is written like a word; a
    descriptor (SH, LO) is written in capitals and gives no such hint.
    """
    asked = (text, prose)
    found = known.memory.get(asked)
    if found is None:
        found = _cleaned(text, known, prose=prose)
        if len(known.memory) >= MEMORY:
            known.memory.clear()
        known.memory[asked] = found
    return found


MEMORY = 4096
ROUNDS = 8


def _cleaned(text: str, known: Known, *, prose: bool) -> str:
    now = typed(plain(text)) if not text.isascii() else typed(text)
    for _ in range(ROUNDS):
        before, now = now, _once(now, known, prose=prose)
        if now == before:
            break
    else:
        return ""
    return "" if known.names(now) else now


def _once(text: str, known: Known, *, prose: bool) -> str:
    gone = [*_found(text), *_own(text, known)]
    tokens = _tokens(text, tuple(sorted(gone)))
    keep = _resolved(text, tokens, known, prose=prose)
    return joined(
        text,
        [(token.start, token.end) for token in keep],
        [(token.start, token.end) for token in tokens],
        gone,
    )


@lru_cache(maxsize=1 << 12)
def _found(text: str) -> tuple[tuple[int, int], ...]:
    """Return the spans that tell who, when or where, whoever the person is."""
    days = tuple(date_spans(text))
    found = [*days, *((span.start, span.end) for span in spans(text, seen=days))]
    found += [match.span() for match in _PAIR.finditer(text) if _places(match)]
    found += [match.span() for match in _CHAIN.finditer(text)]
    return tuple(found)


def _places(match: re.Match[str]) -> bool:
    """Say whether two numbers with a stroke may be a day or a house: scores, pressures and ranges are not."""
    one, other = (int(part) for part in (match[1] or match[3], match[2] or match[4]))
    if match.group().count("/") + match.group().count("-") > 1:
        return True
    if match[3]:
        return one > 99 or other > 99
    score = one <= 10 and other <= 10 and not match.group().startswith("0")
    return not (score or other in {10, 15, 100} or (60 <= one <= 250 and 30 <= other <= 140))


def _own(text: str, known: Known) -> list[tuple[int, int]]:
    """Return where a known identifier of several words or signs stands, whatever is between its characters."""
    if not known.glued:
        return []
    places = [at for at, char in enumerate(text) if char.isalnum() or not char.isascii()]
    bare = "".join(text[at] for at in places).casefold()
    if len(bare) != len(places):
        return []
    found = []
    for whole in known.glued:
        at = bare.find(whole)
        while at >= 0:
            found.append((places[at], places[at + len(whole) - 1] + 1))
            at = bare.find(whole, at + 1)
    return found


@lru_cache(maxsize=1 << 12)
def _tokens(text: str, gone: tuple[tuple[int, int], ...]) -> tuple[_Token, ...]:
    found: list[_Token] = []
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        if any(start < last and first < end for first, last in gone):
            found.append(_Token(start, end, match.group(), "", Verdict.GOES))
        else:
            found.extend(_token(match.group(), start))
    return tuple(found)


def _token(text: str, start: int) -> list[_Token]:
    low = text.casefold()
    if "/" in text or "&" in text:
        verdict = Verdict.STAYS if low in _SLASHED else Verdict.INITIAL
        return [_Token(start, start + len(text), text, low, verdict)]
    verdict = judge(text)
    if verdict is not Verdict.SPLIT:
        return [_Token(start, start + len(text), text, low, verdict)]
    return _parts_of(text, start)


_PIECE = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+(?:\.\d+)?|[^\W\d_a-zA-Z]+|.")


def _parts_of(text: str, start: int) -> list[_Token]:
    """Take a glued word apart; its parts stay where all do, or where each that stays has a meaning of its own."""
    found = []
    for match in _PIECE.finditer(text):
        part = match.group()
        verdict = judge(part) if len(part) >= MIN_PART and part.isalpha() else Verdict.GOES
        verdict = verdict if verdict is Verdict.STAYS else Verdict.GOES
        found.append(_Token(start + match.start(), start + match.end(), part, part.casefold(), verdict))
    return found


def _resolved(text: str, tokens: tuple[_Token, ...], known: Known, *, prose: bool) -> list[_Token]:
    """Return the tokens that stay, now that the person and the neighbours are looked at."""
    stays = [_alone(token, known) for token in tokens]
    if all(stays) and all(
        token.verdict is Verdict.STAYS and token.low not in _HEADS and token.low not in _PLACES
        for token in tokens
    ):
        return list(tokens)
    named = [_names(token, stay) for token, stay in zip(tokens, stays, strict=True)]
    _titles(text, tokens, stays, named, prose=prose)
    _institutions(text, tokens, stays)
    for at, token in enumerate(tokens):
        if stays[at] and (token.verdict is Verdict.WEAK or token.verdict is Verdict.STRONG):
            stays[at] = _is_word(text, tokens, named, at, prose=prose)
            named[at] = not stays[at]
    for at, token in enumerate(tokens):
        if stays[at] and (token.verdict is Verdict.INITIAL or token.verdict is Verdict.NUMBER):
            stays[at] = not _belongs(text, tokens, named, stays, at)
    return [token for token, stay in zip(tokens, stays, strict=True) if stay]


def _alone(token: _Token, known: Known) -> bool:
    verdict = token.verdict
    if verdict is Verdict.GOES or token.low in known.words or token.low in known.wholes:
        return False
    return not ((verdict is Verdict.WEAK or verdict is Verdict.STRONG) and known.spelt(token.low))


def _names(token: _Token, stays: bool) -> bool:
    """Say whether a token that goes looks like part of a name."""
    return not stays and len(token.low) > 1 and not any(map(str.isdigit, token.low)) and "/" not in token.low


def _beside(text: str, one: _Token, other: _Token) -> bool:
    return bool(_CLOSE.fullmatch(text, one.end, other.start)) and other.start - one.end <= MIN_PART


def _titles(
    text: str, tokens: tuple[_Token, ...], stays: list[bool], named: list[bool], *, prose: bool
) -> None:
    """A title or a relation goes with the name that follows it; followed by a word of the field it is none (`w/o contrast`)."""
    for at, token in enumerate(tokens[:-1]):
        if token.low not in _HEADS:
            continue
        after = tokens[at + 1]
        if token.low in _TITLES or token.low in _RELATIONS:
            weak = after.verdict is Verdict.WEAK and (prose or not token.text.isupper())
            doubt = (weak or after.verdict is Verdict.STRONG) and (
                token.low in _TITLES or after.text[:1].isupper()
            )
            if _beside(text, token, after) and (named[at + 1] or doubt or not after.low):
                stays[at] = stays[at + 1] = False
                named[at + 1] = True
        elif after.verdict in {Verdict.WEAK, Verdict.STRONG} and after.text[:1].isupper():
            if token.low in _LEADS or after.text.istitle() or prose:
                stays[at + 1], named[at + 1] = False, True


def _institutions(text: str, tokens: tuple[_Token, ...], stays: list[bool]) -> None:
    """`Sunshine Heart Hospital` goes whole: what names a place before its kind, as long as it is written like a name."""
    for at, token in enumerate(tokens):
        second = token.low in _SECOND and at > 0 and tokens[at - 1].low in _FIRST
        if token.low not in _PLACES and not second:
            continue
        stays[at] = False
        for before in range(at - 1, max(at - 1 - REACH, -1), -1):
            one = tokens[before]
            written = one.text[:1].isupper() or not one.low.isascii()
            called = one.low in _PLACE_WORDS or one.verdict is Verdict.WEAK or one.verdict is Verdict.STRONG
            mine = not stays[before] or (written and called)
            if not mine or not _ASIDE.fullmatch(text, one.end, tokens[before + 1].start):
                break
            stays[before] = False


def _is_word(text: str, tokens: tuple[_Token, ...], named: list[bool], at: int, *, prose: bool) -> bool:
    """Say whether a word that is also a name is meant as a word."""
    token = tokens[at]
    if _EPONYM.match(text, token.end):
        return True
    before = at > 0 and named[at - 1] and _beside(text, tokens[at - 1], token)
    after = at + 1 < len(tokens) and named[at + 1] and _beside(text, token, tokens[at + 1])
    if before or after:
        return False
    if token.verdict is Verdict.WEAK:
        return not (prose and token.text.istitle() and _as_name(text, tokens, at))
    return prose and token.text.islower() and any(map(str.isupper, text))


def _as_name(text: str, tokens: tuple[_Token, ...], at: int) -> bool:
    """Say whether a word with a capital is written like a name: amid small letters, or before what a person does."""
    token, after = tokens[at], tokens[at + 1] if at + 1 < len(tokens) else None
    if after is not None and after.low in _ACTS:
        return True
    inside = (
        at > 0
        and _CLOSE.fullmatch(text, tokens[at - 1].end, token.start)
        and "." not in text[tokens[at - 1].end : token.start]
    )
    return (
        bool(inside)
        and tokens[at - 1].text.islower()
        and (after is None or after.text.islower() or not after.low.isalpha())
    )


_ACTS = frozenset(
    "has had have is was came comes complains complained said says told reports reported presented presents did does will says went wants".split()
)


def _belongs(text: str, tokens: tuple[_Token, ...], named: list[bool], stays: list[bool], at: int) -> bool:
    """Say whether a letter is an initial of a name beside it, or a number the house of a street beside it."""
    token = tokens[at]
    if (
        text[token.end : token.end + 1] == "-"
        and at + 1 < len(tokens)
        and stays[at + 1]
        and not named[at + 1]
    ):
        return False
    for other in (at - 1, at + 1):
        if not 0 <= other < len(tokens) or not named[other]:
            continue
        one, two = (tokens[other], token) if other < at else (token, tokens[other])
        if not _beside(text, one, two):
            continue
        if token.verdict is Verdict.INITIAL:
            glue = text[one.end : two.start].strip(" ")
            return token.low not in "lr" or bool(glue) or other > at
        unit = at + 1 < len(tokens) and stays[at + 1] and tokens[at + 1].low in _UNITS
        return not unit and len(token.low) < MIN_PART + 1 and "." not in token.low
    return False


_UNITS = frozenset(
    "mm cm ml cc hu kv kvp ma mas ms sec min hr hrs day days week weeks month months year years yr yrs t x mg gy cgy phase saal sal mahine din hafte baje".split()
)


def clean_cell(text: str, known: Known, *, role: str) -> str:
    """Return a table's cell as it may leave, by the role of its column; "" where nothing may.

    `number`: a measured number with or without a unit. `category` and `variable`: a short value of known words.
    `text`: free text. Every other role names, places or dates a person and gives "".
    """
    value = text.strip()
    if role == "number":
        return value if _CELL_NUMBER.fullmatch(value) and not known.exact(value.casefold()) else ""
    if role in {"category", "variable"}:
        return clean_text(value, known, prose=False)
    return clean_text(value, known, prose=True) if role == "text" else ""


_CELL_NUMBER = re.compile(r"[<>~]?=?\s?[+\-]?\d{1,5}(?:[.,]\d{1,6})?(?:\s?%|\s?[A-Za-zµ/]{1,8})?")
