"""Searches (QIDO-RS, PS3.18 §10.6): the query's names and values become a `Query`, its answers one JSON array."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from pydicom.datadict import dictionary_VR, tag_for_keyword

from midas.catalogue.lens.indexing import ROOT, text_of
from midas.catalogue.lens.matching import BY_COMMA, Json, Match, checked
from midas.catalogue.lens.rows import ANSWERED
from midas.catalogue.lens.searching import Query, search
from midas.kernel import BadInput
from midas.web.dicomweb.messages import Answer, Asked, as_json

MOST = 10_000
"""Answers of one request; for more there is `offset`."""
MORE = "299 midas: There are additional results that can be requested"
"""Table 10.6.3-2 of PS3.18, with the service's name."""
ABOVE = {
    "studies": ("studies",),
    "series": ("series", "studies"),
    "instances": ("instances", "series", "studies"),
}
OTHERS = frozenset({"accept", "charset", "emptyvaluematching", "multiplevaluematching"})
Path = tuple[str, ...]


def search_studies(asked: Asked) -> Answer:
    return _search(asked, "studies")


def search_series(asked: Asked) -> Answer:
    return _search(asked, "series")


def search_instances(asked: Asked) -> Answer:
    return _search(asked, "instances")


def _search(asked: Asked, level: str) -> Answer:
    kind = as_json(asked)
    limit, offset, fuzzy = MOST, 0, False
    given: dict[str, list[str]] = {}
    fields: list[str] = []
    for name, value in asked.parameters:
        match name:
            case "limit":
                limit = min(_whole(value), MOST)
            case "offset":
                offset = _whole(value)
            case "fuzzymatching":
                fuzzy = _yes(value)
            case "includefield":
                fields += [one.strip() for one in value.split(",") if one.strip()]
            case _ if name not in OTHERS:
                given.setdefault(name, []).append(value)
    included = _included(fields)
    matches = tuple(_match(name, values, fuzzy) for name, values in given.items())
    query = Query(
        scope_id=asked.place.scope_id, level=level, matches=matches,
        study=asked.args.get("study", ""), series=asked.args.get("series", ""), limit=limit, offset=offset,
        more=included is None or bool(included),
    )  # fmt: skip
    found, is_more = search(query)
    if not found:
        return Answer(204)
    kept = included if query.more else None
    texts = (one if isinstance(one, str) else _text(one, kept, _always(level)) for one in found)
    body = f"[{','.join(texts)}]".replace(ROOT, asked.root).encode()
    return Answer(200, body, kind, {"warning": MORE} if is_more else {})


@lru_cache(maxsize=3)
def _always(level: str) -> frozenset[str]:
    """Return the attributes of this level and of those above it that every answer has."""
    return frozenset[str]().union(*(ANSWERED[one] for one in ABOVE[level]))


def _whole(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) < 10):
        raise BadInput("`limit` and `offset` are whole numbers.", advice="Such as limit=25&offset=50.")
    return int(value)


def _yes(value: str) -> bool:
    if value not in {"true", "false"}:
        raise BadInput("`fuzzymatching` is true or false.", advice="Leave it out for false.")
    return value == "true"


@lru_cache(maxsize=4096)
def attribute(name: str) -> tuple[Path, str]:
    """Return the tags and the VR of `{keyword or eight hexadecimal digits}[.…]`; `BadInput` for an unknown attribute."""
    path: list[str] = []
    vr = "SQ"
    for step in name.split("."):
        tag = tag_for_keyword(step)
        try:
            number = int(step, 16) if tag is None and len(step) == 8 else tag
            if number is None or vr != "SQ":
                raise KeyError(step)
            vr = dictionary_VR(number)
        except (KeyError, ValueError):
            raise BadInput(
                "The search names an attribute that DICOM does not know.",
                advice="Use a keyword of PS3.6, such as PatientID, or eight hexadecimal digits.",
            ) from None
        path.append(f"{number:08X}")
    return tuple(path), vr.split(" or ")[0]


def _match(name: str, given: Iterable[str], fuzzy: bool) -> Match:
    path, vr = attribute(name)
    values: list[str] = []
    for value in given:
        parts = value.replace(",", "\\") if vr in BY_COMMA else value
        values += [one.strip() for one in parts.split("\\")]
    if vr == "SQ":
        raise BadInput("A sequence is searched by what is in it.", advice="Such as Sequence.CodeValue=….")
    return checked(Match(path, vr, tuple(values), fuzzy=fuzzy and vr == "PN"))


def _included(fields: Iterable[str]) -> frozenset[Path] | None:
    """Return the attributes that are wanted besides; `None`: all that there are."""
    wanted = set()
    for one in fields:
        if one == "all":
            return None
        wanted.add(attribute(one)[0])
    return frozenset(wanted)


def _text(found: Json, included: frozenset[Path] | None, always: frozenset[str]) -> str:
    """Write an answer, attributes in the order of their tags, with what every answer has and what was asked for."""
    if included is not None:
        kept = {tag: one for tag, one in found.items() if tag in always}
        for path in included:
            _take(found, path, kept)
        found = kept
    return text_of(dict(sorted(found.items()))).decode()


def _take(found: Mapping[str, Json], path: Path, kept: Json) -> None:
    """Copy one attribute into `kept`; of a sequence only what the path names in its items."""
    held = found.get(path[0])
    if held is None:
        return
    if len(path) == 1:
        kept[path[0]] = held
        return
    items = held.get("Value", ())
    before = kept.get(path[0], {}).get("Value") or [{} for _ in items]
    for item, taken in zip(items, before, strict=True):
        _take(item, path[1:], taken)
    kept[path[0]] = {"vr": "SQ", "Value": before} if before else {"vr": "SQ"}
