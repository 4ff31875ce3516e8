"""Numbers, addresses and codes by which a person, a phone, a place or a computer is reached: a table of patterns.

In comes a text whose digits are 0-9 already; out come spans with their kind. Each row cites its source and shows what
it finds and what it must leave, and the tests read these examples. A check digit says what a number is; numbers of
eight digits and more go whatever they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stdnum import luhn, verhoeff
from stdnum.in_ import gstin

from midas.deid import tables

STATES = (
    "AN|AP|AR|AS|BR|CH|CG|DD|DL|DN|GA|GJ|HP|HR|JH|JK|KA|KL|LA|LD|MH|ML|MN|MP|MZ|NL|OD|OR|PB|PY|RJ|SK|TN|TS|TG|TR|UK|UA"
    "|UP|WB"
)
"""State codes of licences and number plates (Central Motor Vehicles Rules)."""
_B, _E = r"(?<![A-Za-z\d])", r"(?![A-Za-z\d])"
MANY = 8
"""Digits in a row, however they are set apart, that reach someone or tell a day."""


_HOUSE = (
    r"(?:h\.?\s?no|house\s?no|d\.?\s?no|door\s?no|flat\s?(?:no)?|plot\s?(?:no)?|survey\s?no|s\.?\s?no|qtr\s?(?:no)?"
    r"|quarter\s?no|shop\s?no|gala\s?no|p\.?\s?o\.?\s?box|room\s?no|bldg\s?(?:no)?)[\s.:#\-]*\d[\w/\-]*"
)
_PIN = r"(?<!\d)(?:pin\s?(?:code)?[\s.:\-]*)?[1-9]\d{2}\s?\d{3}(?!\d)"
_PLACED = (
    r"\b(?:road|rd|street|lane|gali|marg|salai|chowk|naka|corner|circle|square|nagar|colony|layout|enclave|vihar|puram"
    r"|peth|wadi?|bazaar|bazar|market|mandir|temple|masjid|church|school|college|station|stand|stop|cross|main|sector"
    r"|block|ward|society|apartments?|complex|tower|near|opp|opposite|behind|post|taluka?|tehsil|ta[hlq]|tq|dist(?:t|rict)?)\b"
)
"""What one word or more of an address is in India."""


COLOURS, BYTE = 3, 256
"""Numbers of a colour, and how many values each may have."""


def _always(_: str) -> bool:
    return True


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def aadhaar(text: str) -> bool:
    """Say whether 12 digits (UIDAI: Verhoeff, first digit 2-9) or 16 (virtual id) are right."""
    digits = _digits(text)
    return len(digits) in {12, 16} and digits[0] not in "01" and bool(verhoeff.is_valid(digits))


def _epic(text: str) -> bool:
    return bool(luhn.is_valid(_digits(text)))


def _gstin(text: str) -> bool:
    return bool(gstin.is_valid(text))


def _many(text: str) -> bool:
    """Say whether `MANY` digits stand in whole numbers side by side: `2.5,140,60` are measures, `98 23 04 15` a phone."""
    if _listed(text):
        return False
    digits = 0
    for group in re.split(r"[ ,/_\-]+", text):
        digits = 0 if group.count(".") == 1 and len(group) <= 7 else digits + sum(map(str.isdigit, group))
        if digits >= MANY:
            return True
    return False


_LIST = re.compile(r"(?:0|[1-9]\d{0,2})(?:,(?:0|[1-9]\d{0,2})(?:\.\d{1,2})?)+")


def _listed(text: str) -> bool:
    """Say whether numbers with commas are a colour (`255,128,128`) or a protocol's list (`301,5,120,60,30`).

    A telephone number or a day is not written with commas alone, without a leading zero, in groups of unlike length.
    """
    numbers = text.split(",")
    if not _LIST.fullmatch(text) or len(numbers) < COLOURS:
        return False
    if len(numbers) == COLOURS:
        return all(one.isdecimal() and int(one) < BYTE for one in numbers)
    return len({len(one.partition(".")[0]) for one in numbers}) > 1


_B_VALUES = re.compile(
    r"(?:[A-Z]{1,6}[-_])?(?:[A-Z]{1,4}\d{0,2}[-_/])*[BT][ERI]?\d{2,4}(?:[-_][A-Z]+)?", re.IGNORECASE
)


_SEQUENCE = re.compile(r"T[12]W?I?|[23]D|1024|1536|2048|3072|4096|8192", re.IGNORECASE)
"""Parts of `T1W/SE/1024`: weights, dimensions and matrices."""


def _coded(text: str) -> bool:
    """Say whether letters and digits are a number of someone: `Body_3_000_CE` and `DWI-b1000` are words with sizes."""
    if not re.search(r"\d{3}", text) or _B_VALUES.fullmatch(text):
        return False
    if all(
        _SEQUENCE.fullmatch(one) or one.lower() in tables.vocabulary() for one in re.split(r"[/\-_]", text)
    ):
        return False
    words = re.findall("[a-z]{2,}", text.lower())
    return (
        "/" in text
        or bool(re.search(r"\d{4}", text))
        or not all(word in tables.vocabulary() for word in words)
    )


_ONES = "one|two|three|four|five|six|seven|eight|nine"
_TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_TOLD = (
    rf"zero|nought|oh|{_ONES}|{_TEENS}|{_TENS}|double|triple"
    "|ek|do|teen|ch?aar|char|paanch|panch|chh?[ae]h?|saat|aath|nau|shunya"
)
"""Numbers as they are told one by one, in English and Hindi."""
_NINETY = rf"(?:ninety(?:[\s\-]*(?:{_ONES}))?|(?:(?:a|one)\s+)?hundred(?:\s+and)?(?:\s+(?:{_ONES}|{_TEENS}|twenty))?)"
TOLD, TOLD_IN_TENS = 6, 8
"""Digits told in words, one by one or by twos, that reach someone; sizes and levels are fewer."""


def _told(text: str) -> bool:
    """Say whether numbers in words are the digits of a telephone or of a number of a person."""
    digits, in_tens, times = 0, False, 1
    words = [word.casefold() for word in re.split(r"[\s,\-]+", text)]
    for before, word in zip(["", *words], words, strict=False):
        if word in {"double", "triple"}:
            times = 2 if word == "double" else 3
            continue
        two = re.fullmatch(f"{_TEENS}|{_TENS}", word) is not None
        follows = re.fullmatch(_TENS, before) is not None and re.fullmatch(_ONES, word) is not None
        digits += 0 if follows else 2 if two else times
        in_tens, times = in_tens or two, 1
    return digits >= (TOLD_IN_TENS if in_tens else TOLD)


@dataclass(frozen=True)
class Pattern:
    """One kind: where it is (a group named `gone`, if any, is the part that goes), its source, examples, its check."""

    kind: str
    expression: str
    source: str
    good: tuple[str, ...]
    evil: tuple[str, ...] = ()
    check: Callable[[str], bool] = _always
    flags: re.RegexFlag = re.IGNORECASE


_SURE_LABELS = (
    "uhid|u\\.h\\.i\\.d|mrn|mrd|m\\.r\\.d|hrn|crn|crno|ipd|opd|mobile|mob|phone|tel|contact|fax|ext|bed|room|ward|pin|pincode"
    "|aadhaa?r|adhaa?r|abha|passport|voter|policy|insurance|uidai|pan"
)
_LABELS = (
    _SURE_LABELS + "|mr|cr|ip|op|reg(?:istration|n|d)?|hosp(?:ital)?|patient|pt|case|file|bill|receipt"
    "|acc(?:ession)?|specimen"
    "|slide|block|biopsy|hpe|histo(?:path(?:ology)?)?|path|cyto|sample|token|visit|episode|adm(?:ission)?|claim|tpa|uid|vid|epic"
    "|dl|licen[cs]e|ration|emp(?:loyee)?|staff|ref(?:erence)?|lab|x-?ray|film|study|exam|order|requisition|ph|whatsapp|cell|zip"
    "|health|serial|s|sl|sr|a/c|account|roll|service|cghs|echs|esic?|ayushman|pmjay|nikshay|rch|mcts|h|d"
)
_VALUE = r"(?=[A-Z/\-]*\d)[A-Z]{0,6}(?:[\-/ ]?[A-Z]{0,4}\d[A-Z\d]*)(?:[\-/.]?[A-Z\d]+)*"
_LONGER = r"(?=(?:[A-Z/\- ]{0,6}\d){2})"

TABLE: tuple[Pattern, ...] = (
    Pattern(
        "e-mail", r"[^\s,;:<>()\[\]@]+\s?@\s?[^\s,;:<>()\[\]]+", "RFC 5322; UPI and ABHA addresses",
        ("asha.k@mail.example", "ravi @ ybl", "x@abdm"), ("at 5 mm",),
    ),
    Pattern(
        "e-mail", r"\b[\w.\-]+\s?[(\[]\s?at\s?[)\]]\s?[\w\-]+(?:\s?[(\[.]\s?(?:dot\s?[)\]])?\s?\w+)*", "RFC 5322, spelt out",
        ("asha (at) mail (dot) in",), ("at (5)",),
    ),
    Pattern(
        "url",
        r"(?:https?|ftp|dicom)://\S+|\bwww\.\S+|\b(?:[a-z\d\-]+\.)+"
        r"(?:com|in|org|net|info|edu|gov|health|hospital|care|example|test)\b(?:/\S*)?",
        "RFC 3986", ("https://x.y/z", "www.a.in", "clinic.co.in"), ("e.g. in", "axial.5"),
    ),
    Pattern(
        "network", r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])|\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}\b", "RFC 791, IEEE 802",
        ("10.0.0.12", "00:1B:44:11:3A:B7"), ("1.5.2",),
    ),
    Pattern("uid", r"(?<![\d.])[0-2](?:\.\d+){4,}(?![\d.])", "DICOM PS3.5 9", ("1.2.840.10008.1.2",), ("2.5",)),
    Pattern(
        "masked", r"(?:[x*•]{3,4}[\s\-]?){1,3}\d{2,4}" + _E, "UIDAI: masked Aadhaar",
        ("XXXX XXXX 1234", "****4512"), ("xxx",),
    ),
    Pattern(
        "aadhaar", _B + r"[2-9]\d{3}[ .\-]?\d{4}[ .\-]?\d{4}(?:[ .\-]?\d{4})?" + _E, "UIDAI: Verhoeff",
        ("2341 2341 2346",), ("2341 2341 2345",), aadhaar,
    ),
    Pattern(
        "abha", _B + r"\d{2}[ \-]\d{4}[ \-]\d{4}[ \-]\d{4}" + _E, "ABDM: 14 digits, no check digit", ("91-4823-7716-0391",),
    ),
    Pattern(
        "pan", _B + r"[A-Z]{3}[ABCFGHLJPTK][A-Z]\s?(?!0000)\d{4}\s?[A-Z]" + _E, "Income Tax Department",
        ("ABCPK1234L",), ("ABCPK0000L",),
    ),
    Pattern(
        "epic", _B + r"[A-Z]{3}[ /\-]?\d{7}" + _E, "Election Commission: Luhn", ("WKH1186253",), ("WKH1186254",), _epic,
    ),
    Pattern(
        "gstin", _B + r"\d{2}[A-Z]{5}\d{4}[A-Z][A-Z\d]Z[A-Z\d]" + _E, "GSTN: Luhn mod 36",
        ("27AAPFU0939F1ZV",), ("27AAPFU0939F1ZA",), _gstin,
    ),
    Pattern(
        "passport", _B + r"[A-PR-WY][ \-]?[1-9]\d\s?\d{4}[1-9]" + _E, "Passport Seva",
        ("K1234567", "M 12 34567"), ("T2 12",),
    ),
    Pattern(
        "licence", _B + rf"(?:{STATES})[ \-]?\d{{2}}[ \-/]?(?:19|20)\d{{2}}[ \-/]?\d{{7}}" + _E, "Sarathi",
        ("MH12 20110012345", "KA-0120150001234"),
    ),
    Pattern(
        "vehicle",
        _B + rf"(?:{STATES})[ \-]?\d{{1,2}}[ \-]?[A-Z]{{1,3}}[ \-]?\d{{4}}" + _E
        + "|" + _B + r"\d{2}[ \-]?BH[ \-]?\d{4}[ \-]?[A-HJ-NP-Z]{1,2}" + _E,
        "Vahan", ("MH 12 AB 1234", "22BH1234A"), ("CT 12 mm",), _always, re.NOFLAG,
    ),
    Pattern("ifsc", _B + r"[A-Z]{4}0(?=[A-Z\d]*\d)[A-Z\d]{6}" + _E, "RBI", ("SBIN0001234",), (), _always, re.NOFLAG),
    Pattern(
        "phone",
        r"(?<!\d)(?:(?:\+|00)?91[\s.\-]?|0)?[6-9]\d(?:[\s.\-]?\d){8}(?!\d)|\+\d{1,3}(?:[\s.\-]?\d){7,12}"
        r"|(?<!\d)\(?0\d{2,4}\)?[\s.\-]?\d{3,4}[\s.\-]?\d{3,4}(?!\d)",
        "DoT: National Numbering Plan",
        ("+91 98230 41577", "98230-41577", "(0712) 2234567", "020-2612 3456"), ("512 x 512",),
    ),
    Pattern(
        "long", r"(?<![A-Za-z\d])\d(?:[ .,/\-_]{0,3}\d){7,}", "45 CFR 164.514(b)(2)(i)",
        ("9 8 7 6 5 1 2 3", "20190614", "98,23,04,15,77", "982,304,157"),
        ("2.5 3.0", "420,2.5,140,60,0.1", "255,128,128", "301,5,120,60,30"), _many,
    ),
    Pattern(
        "long",
        r"(?<![\d.])\d{6,}(?!\d)|(?<![\d.,])([1-8]\d\d)[ \-](?!\1(?!\d))\d{3}(?!\d|[.,]\d)(?!\s?(?:mm|cm|hu|ms)\b)",
        "India Post: PIN codes; numbers of persons", ("442001", "442 001"), ("512 512", "12345", "200 350 mm"),
    ),
    Pattern(
        "label",
        rf"\b(?P<label>{_LABELS})(?P<gone>\s?\.?\s?(?:(?:card|code|id)\s?)?(?:(?:no|nos|num|number|id|#)\b[\s.:#=\-]*|[#]\s*"
        rf"|[:=]\s*{_LONGER}|(?<=[.])\s*{_LONGER}){_VALUE})",
        "numbers of hospitals by what stands before them",
        ("UHID: WH/12/345", "MRD No. 4512", "Lab id 77", "Bed no 4", "CR NO-88"), ("lab values", "case of 5 mm", "ref: 3D"),
    ),
    Pattern(
        "label", rf"\b(?P<label>{_SURE_LABELS})(?P<gone>(?:[\s.:#=\-]+|(?=\d)){_VALUE})",
        "numbers of hospitals by what stands before them", ("UHID 4512", "Room 12", "MRN4512"), ("room air", "Pinnacle3"),
    ),
    Pattern(
        "code",
        _B + r"(?=[A-Z\d/\-_]*[A-Z])(?=(?:[A-Z/\-_]*\d){4})[A-Z\d]{1,8}(?:[/\-_][A-Z\d]{1,10}){1,5}" + _E,
        "site patterns: letters and four digits or more, set apart by / - _", ("UH-2019-004512", "HP/2019/0873"),
        ("T1-2", "L4-L5", "SPIN-ECHO", "DWI-b1000", "100ML_AXIAL_350"), _coded, re.NOFLAG,
    ),
    Pattern(
        "age",
        r"\b(?:9\d|1[0-2]\d)[ \-]*(?:y|yr|yrs|year|years|yo|y/o)\b|\b0?(?:9\d|1[0-2]\d)y\b"
        r"|\bage[d]?[ :=\-]*(?:9\d|1[0-2]\d)\b"
        r"|(?<![\d.])(?:9\d|1[0-2]\d)\s?/\s?[mf]\b|(?:9\d|1[0-2]\d)\s?(?:साल|वर्ष|वर्षे|வயது|ವರ್ಷ)",
        "45 CFR 164.514(b)(2)(i)(C): ages of 90 and over", ("97 yrs", "aged 94", "095Y", "92/M"), ("45 yrs", "1.92 m"),
    ),
    Pattern(
        "told-age",
        rf"\b{_NINETY}[\s\-]*(?:y|yr|yrs|years?|yo|y/o|saal|varsh)\b|\bage[d]?[\s:=\-]*(?:of\s+)?{_NINETY}\b"
        r"|\b(?:nonagenarian|centenarian)s?\b|\bin\s+(?:his|her|their)\s+(?:(?:early|mid|late)[\s\-]+)?nineties\b",
        "45 CFR 164.514(b)(2)(i)(C): ages of 90 and over",
        ("ninety two years", "aged ninety-five", "one hundred and two year", "in her late nineties"),
        ("ninety degree", "eighty nine years", "two hundred"),
    ),
    Pattern(
        "told", rf"\b(?:{_TOLD})(?:[\s,\-]+(?:{_TOLD})){{3,}}\b", "45 CFR 164.514(b)(2)(i)",
        ("nine eight seven six five four", "double nine triple eight seven", "ninety eight twenty three zero four one five"),
        ("one two three four five", "twenty five thirty five forty"), _told,
    ),
    Pattern(
        "address", rf"\b{_HOUSE}",
        "addresses as India writes them", ("H.No. 16/397", "Flat 4B", "Plot No 12"), ("flat surface", "plot of"),
    ),
    Pattern(
        "address", rf"\b{_HOUSE}[^;\n|]{{1,90}}?{_PIN}",
        "addresses as India writes them: from the house to the PIN code, whatever the words between mean elsewhere",
        ("Plot No. 952 Mill Corner, Tah. & Dist. Dharwad, PIN 580001",), ("Plot No 952 of the survey", "flat 4B; 580001"),
    ),
    Pattern(
        "address",
        rf"(?<![\w.])\d{{1,4}}(?:\s?[/\-]\s?[a-z\d]{{1,4}})*(?:\s*,\s*|\s+)(?=[^;:\n|]{{0,80}}?{_PLACED})[^;:\n|]{{3,80}}?"
        rf"[\s,\-]{_PIN}",
        "addresses as India writes them: from the number of the house to the PIN code",
        ("952, Mill Corner, Dharwad - 580001", "14/2 Old Bus Stand Road Yavatmal 445001"),
        ("15 mm, smooth margin, 442001", "3 near the hilum"),
    ),
    Pattern(
        "address",
        rf"\b(?:at\s?(?:[/&]|and)?\s?post|vill(?:age)?\.?)\b[^;\n|]{{1,80}}?(?:{_PIN}|\bdist(?:t|rict)?\b[\s.:\-]*\w+)",
        "addresses as India writes them: a village by its post office and district",
        ("At Post Keshavnagar, Dist Wardha 442001", "Vill. Old Market, Dist. Wardha 442001"), ("at post 4 of 5",),
    ),
    Pattern(
        "address",
        r"\b\d{1,4}(?:st|nd|rd|th)\s(?:main|cross|floor|block|street|phase|lane|avenue|sector)\b"
        r"|\b(?:sector|phase|block|lane|gali|street|cross|main)\s?(?:no\.?)?[\s\-]?\d{1,3}[a-z]?"
        r"(?=[,\s]+(?:[A-Z][a-z]+)?\s?(?:nagar|colony|layout|road|street|marg|vihar|puram|enclave))",
        "addresses as India writes them", ("4th Cross", "2nd floor"), ("2nd molar",),
    ),
    Pattern(
        "address",
        r"\b(?:resident\s+of|residing\s+at|living\s+at|lives\s+at|staying\s+at)\s*[:\-]?\s*\d{1,4}(?:\s?[/\-]\s?[a-z\d]{1,4})*\b"
        r"(?:[,\s]+(?:sector|phase|block|ward|floor)[\s\-]*\d{1,3}\b)?"
        r"|\b\d{1,4}\s?/\s?[a-z][,\s]+(?:sector|phase|block|ward)[\s\-]*\d{1,3}\b|\br/o\s+\d{1,4}\s?/\s?[a-z]\b",
        "addresses as India writes them", ("resident of 108/D", "261/B Sector 14", "r/o 12/A"), ("r/o 3 mm stone",),
    ),
    Pattern(
        "quarter",
        r"(?:\b\d{1,4}(?:\s?[/\-]\s?[a-z\d]{1,4})?[,\s]+)?\b(?:civil|police)\s+lines\b"
        r"|\b(?:mill|market|bus\s?stand|station|temple|church|school|college|bank|court|post\s?office|bazaar)\s+(?:chowk|corner|naka)\b"
        r"|(?:\b\d{1,4}(?:\s?[/\-]\s?[a-z\d]{1,4})?[,\s]+)?\b(?:main|station|ring|cross|temple|church|mill|market|bypass|college|old|new)\s+(?:road|rd)\b",
        "addresses as India writes them", ("Civil Lines", "MG main road", "Mill Corner"), ("main duct", "mouth corner"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of a text that tells who or where, and the kind of what was found."""

    start: int
    end: int
    kind: str


_COMPILED = tuple((row, re.compile(row.expression, row.flags)) for row in TABLE)
_FEW = frozenset({"label", "address", "age", "masked"})
"""Kinds of which a text with fewer than four digits can hold one."""
_WORDED = frozenset({"told", "told-age"})
_FOUR = re.compile(r"\d(?:\D*\d){3}")
_WEB = re.compile(r"@|www|\bat\b|\.[a-z]|://", re.IGNORECASE)
_DIGIT = re.compile(r"[\d*•]")
_IN_WORDS = re.compile(
    r"ninet|hundred|enarian|\b(?:" + _TOLD + r")[\s,\-]+(?:" + _TOLD + r")[\s,\-]", re.IGNORECASE
)


def spans(text: str, *, seen: tuple[tuple[int, int], ...] = ()) -> Iterator[Span]:
    """Yield what the table finds in `text`; spans may overlap. `seen`: spans found before, no part of a longer number."""
    web, digit, four = _WEB.search(text), _DIGIT.search(text), _FOUR.search(text)
    found = list(seen)
    in_words = _IN_WORDS.search(text)
    for row, expression in _COMPILED:
        possible = (
            in_words
            if row.kind in _WORDED
            else _possible(row.kind, web=bool(web), digit=bool(digit), four=bool(four))
        )
        if not possible:
            continue
        for match in expression.finditer(_without(text, found) if row.kind == "long" else text):
            if row.check(match.group()):
                start, end = match.span("gone" if "gone" in expression.groupindex else 0)
                found.append((start, end))
                yield Span(start, end, row.kind)


def _possible(kind: str, *, web: bool, digit: bool, four: bool) -> bool:
    if kind in {"e-mail", "url"}:
        return web
    return kind == "quarter" or four or (digit and kind in _FEW)


def _without(text: str, found: list[tuple[int, int]]) -> str:
    for start, end in found:
        text = text[:start] + "|" * (end - start) + text[end:]
    return text
