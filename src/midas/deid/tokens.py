"""One word or number of a text: whether it is of the field, a name, or doubtful.

In comes a token with its neighbours, out comes a verdict that knows nothing of the person: `Verdict.STAYS`, `WEAK` and
`STRONG` (words that are names too), `INITIAL`, `NUMBER` (stays unless it belongs to a place), `COUNT` (a long number,
which stays where a word says what it measures), or `GOES`. A word that no table knows goes.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from functools import lru_cache

from midas.deid import tables
from midas.deid.names import pieces
from midas.deid.scripts import indic


class Verdict(Enum):
    """What a token is without its neighbours."""

    STAYS = "stays"
    WEAK = "weak"
    STRONG = "strong"
    INITIAL = "initial"
    NUMBER = "number"
    COUNT = "count"
    SPLIT = "split"
    GOES = "goes"


MAX_DIGITS = 3
MATRICES = frozenset("1024 1536 2048 3072 4096 8192".split())
"""Rows and columns of pictures; no year of anybody's life."""
_COUNT = re.compile(r"\d{4,5}(?:\.\d)?|\d{1,3}\.\d{4,6}")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_SIZE = re.compile(r"\d{1,4}(?:\.\d{1,3})?(?:[x*]\d{1,4}(?:\.\d{1,3})?){1,3}(?:mm|cm)?(?:[23])?")
_UNITS = (
    "mm|mm2|mm3|cm|cms|cm2|cm3|m|ml|cc|l|g|gm|gms|kg|mg|mcg|ug|hu|kv|kvp|kev|ma|mas|ms|msec|s|sec|secs|min|mins|hr|hrs|d|day|days"
    "|w|wk|wks|week|weeks|mth|mths|month|months|y|yr|yrs|year|years|t|tesla|hz|khz|mhz|gy|cgy|mgy|ci|mci|mbq|iu|u|ppm|deg|bpm|mmhg"
    "|dl|x|fr|g|ch|um|nm|ml|mpr|th|st|nd|rd|dpi|fps|ph|phase|phases|slices|views|vol|vols|dir|directions|pts"
)
_UNIT = re.compile(rf"(\d{{1,4}}(?:[.,]\d{{1,3}})?)(?:{_UNITS})")
_PARAMETER = re.compile(
    r"(?:tr|te|ti|b|fov|fa|sl|thk|etl|nex|nsa|kv|kvp|ma|mas|ww|wl|td|res|f|tra|bw|q|dw)(\d{1,4})(?:[a-z]{1,2})?"
)
_SHORT = re.compile(r"(?=.*[a-z])(?:[a-z]{0,3}\d{1,3}(?:[.,]\d{1,2})?[a-z]{0,3})")
_VERSION = re.compile(r"v\d{1,2}(?:\.\d{1,3}){1,3}[a-z]?")
_GROUPS = re.compile(r"[a-z]+|\d+(?:\.\d+)?")
_YEAR = re.compile(r"(?:19|20)\d\d")
LONGEST = 64


@lru_cache(maxsize=1 << 15)
def judge(token: str) -> Verdict:
    """Return what a token is; its case tells glued words (`HeadNeck`) apart."""
    low = token.casefold()
    if len(token) > LONGEST:
        return Verdict.GOES
    if low.isalpha() or not low.isascii():
        return _word(token, low)
    if _NUMBER.fullmatch(low):
        whole, _, fraction = low.replace(",", ".").partition(".")
        if low in MATRICES or (len(whole) <= MAX_DIGITS and len(fraction) <= MAX_DIGITS):
            return Verdict.NUMBER
        return Verdict.COUNT if _COUNT.fullmatch(low) else Verdict.GOES
    return Verdict.STAYS if _mixed(low) else _split(token)


def _word(token: str, low: str) -> Verdict:
    if len(low) == 1:
        return Verdict.INITIAL if low.isascii() else Verdict.GOES
    doubt = tables.doubtful().get(low)
    if doubt:
        return Verdict.WEAK if doubt == "weak" else Verdict.STRONG
    if low in tables.vocabulary():
        return Verdict.STAYS
    if not low.isascii():
        return _foreign(low)
    return Verdict.STAYS if tables.composed(low) else _split(token)


def _foreign(low: str) -> Verdict:
    """Words of Indian scripts from their own list; accented Latin as without accents; any other script goes."""
    if indic(low):
        return Verdict.STAYS if unicodedata.normalize("NFC", low) in tables.indic_words() else Verdict.GOES
    bare = "".join(char for char in unicodedata.normalize("NFD", low) if not unicodedata.combining(char))
    if low in {"µm", "μm", "µl", "μl", "µg", "μg", "β", "α", "γ"}:
        return Verdict.STAYS
    return Verdict.STAYS if bare.isascii() and bare in tables.vocabulary() else Verdict.GOES


def _split(token: str) -> Verdict:
    return Verdict.SPLIT if len(pieces(token)) > 1 and not token.isdigit() else Verdict.GOES


def _mixed(low: str) -> bool:
    """Letters and digits: sizes, units, parameters, and words of the field with a short number (`T2`, `ep2d`, `b1000`)."""
    if _YEAR.search(low):
        return bool(re.fullmatch(r"(?:b|tr|ti|fov|te)(?:19|20)\d\d", low))
    if (
        low in tables.vocabulary()
        or low in tables.marks("model")
        or _UNIT.fullmatch(low)
        or _PARAMETER.fullmatch(low)
    ):
        return True
    if _SIZE.fullmatch(low) or _VERSION.fullmatch(low) or _SHORT.fullmatch(low):
        return True
    groups = _GROUPS.findall(low)
    if "".join(groups) != low:
        return False
    letters = [group for group in groups if group.isalpha()]
    digits = [group for group in groups if not group.isalpha()]
    if any(len(group.partition(".")[0]) > MAX_DIGITS for group in digits) or sum(map(len, digits)) > 6:
        return False
    known = [group for group in letters if len(group) == 1 or _of_field(group)]
    return len(known) == len(letters) and len(groups) <= 8


def _of_field(word: str) -> bool:
    return word in tables.vocabulary() and word not in tables.doubtful()
