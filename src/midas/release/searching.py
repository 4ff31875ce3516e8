"""Finding datasets by words and facets. In come a query and choices; out come entries and how many each choice would give.

Search and facets know a dataset's protocol and its public tables, never a row of a person. What they know is kept in
`CatalogueEntry`, brought up to date when a protocol or a release came, and remembered by the process until then.
"""

from __future__ import annotations

import bisect
import difflib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, F, Max, OuterRef, Subquery
from django.db.models.functions import Coalesce

from midas.catalogue.models import Dataset, ProtocolVersion
from midas.catalogue.protocols import protocol_of
from midas.protocol.model import Protocol
from midas.release.counting import TARGET
from midas.release.disclosure import NOT_SAID
from midas.release.models import CatalogueEntry, Figures
from midas.release.publication import NOTHING

FACETS = ("disease", "site", "modality", "device", "state", "age", "sex", "grade", "access", "license")
"""`grade` has values once releases are graded; a facet without values is not shown."""
TOLD = ("site", "modality", "device", "state", "age", "sex")
"""The facets whose values come from public tables."""
LIKE = 0.75
"""How alike a known word must be to stand for a word that nobody wrote (difflib's ratio)."""
LONGEST_QUERY = 100

Choices = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Entry:
    """One dataset as the catalogue knows it; `told` are its public figures."""

    pk: int
    slug: str
    protocol: int
    title: Mapping[str, str]
    summary: Mapping[str, str]
    facets: Mapping[str, frozenset[str]]
    words: str
    told: Mapping[str, Any]
    version: str


@dataclass(frozen=True)
class Found:
    """What fits, and for each facet how many datasets each of its values would give with the other facets as chosen."""

    entries: tuple[Entry, ...]
    facets: Mapping[str, Mapping[str, int]]
    query: str
    instead: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """Everything the process remembers, and which state of the table that was."""

    state: tuple[int, ...]
    entries: tuple[Entry, ...]

    @cached_property
    def vocabulary(self) -> list[str]:
        return sorted({word for entry in self.entries for word in entry.words.split()})


_known: dict[str, Known] = {}


def split(text: str) -> list[str]:
    """Split into folded words; marks stay with their letters, so that Devanagari words stay whole."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(one if unicodedata.category(one)[0] in "LNM" else " " for one in folded).split()


def find(query: str = "", chosen: Choices | None = None) -> Found:
    """Return the datasets in which each word of the query begins a word, and which have a chosen value of each facet.

    A word that nothing begins with stands for those that are spelt like it.
    """
    known = entries()
    wanted = {name: set(values) for name, values in (chosen or {}).items() if values}
    words = split(query[:LONGEST_QUERY])
    instead: list[str] = []
    matched = known.entries
    if words:
        asked = [_alternatives(word, known.vocabulary) for word in words]
        instead = [one for word, alike in zip(words, asked, strict=True) if alike != [word] for one in alike]
        keys = _matches(asked)
        matched = tuple(entry for entry in matched if entry.pk in keys)
    facets = {name: _counts(name, matched, wanted) for name in FACETS}
    fitting = [entry for entry in matched if _fits(entry, wanted)]
    fitting.sort(
        key=lambda entry: not all(any(part.startswith(word) for part in _titles(entry)) for word in words)
    )
    return Found(tuple(fitting), facets, query, tuple(instead))


def _titles(entry: Entry) -> list[str]:
    return [part for title in entry.title.values() for part in split(title)]


def _fits(entry: Entry, chosen: Mapping[str, set[str]], *, but: str = "") -> bool:
    return all(name == but or values & entry.facets.get(name, frozenset()) for name, values in chosen.items())


def _counts(name: str, matched: Sequence[Entry], chosen: Mapping[str, set[str]]) -> dict[str, int]:
    """Count what each value of a facet would give; a chosen value stays, even where it gives nothing."""
    found: Counter[str] = Counter(dict.fromkeys(chosen.get(name, ()), 0))
    for entry in matched:
        if _fits(entry, chosen, but=name):
            found.update(entry.facets.get(name, ()))
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _alternatives(word: str, vocabulary: list[str]) -> list[str]:
    at = bisect.bisect_left(vocabulary, word)
    if (at < len(vocabulary) and vocabulary[at].startswith(word)) or len(word) < 4:
        return [word]
    return difflib.get_close_matches(word, vocabulary, n=3, cutoff=LIKE) or [word]


def _matches(asked: list[list[str]]) -> set[int]:
    """Ask the database's own full-text search; words hold letters, marks and digits only."""
    if connection.vendor == "postgresql":
        text = " & ".join("(" + " | ".join(f"'{word}':*" for word in alike) + ")" for alike in asked)
        sql = "SELECT rowid FROM release_words WHERE words @@ %s::tsquery"
    else:
        text = " AND ".join("(" + " OR ".join(f'"{word}"*' for word in alike) + ")" for alike in asked)
        sql = "SELECT rowid FROM release_words WHERE words MATCH %s"
    with connection.cursor() as cursor:
        cursor.execute(sql, [text])
        return {row[0] for row in cursor.fetchall()}


# -- what is known ---------------------------------------------------------------------------------------------


def entries() -> Known:
    """Return what is known of all datasets, by name: what the process remembers, unless something came since."""
    state, name = _state(), str(connection.settings_dict["NAME"])
    if (known := _known.get(name)) is None or known.state != state:
        bring_up_to_date()
        known = _known[name] = Known(state, tuple(_all()))
    return known


def _state() -> tuple[int, ...]:
    """Return what changes whenever a protocol or figures come; numbers and newest keys, so that it costs nothing."""
    counts: list[int] = []
    for model in (ProtocolVersion, Figures):
        found = model.objects.aggregate(number=Count("pk"), last=Max("pk"))
        counts += (found["number"], found["last"] or 0)
    return tuple(counts)


def forget() -> None:
    """Drop what the process remembers: where rows were changed by hand."""
    _known.clear()


def _all() -> Iterator[Entry]:
    rows = CatalogueEntry.objects.select_related("figures__release").annotate(slug=F("dataset__slug"))
    for row in rows.order_by("slug"):
        facets = {name: frozenset(values) for name, values in row.facets.items()}
        figures = row.figures
        yield Entry(
            row.pk, row.slug, row.protocol_id, row.title, row.summary, facets, row.words,
            figures.told if figures else NOTHING, figures.release.version if figures else "",
        )  # fmt: skip


def bring_up_to_date() -> int:
    """Write anew the entries whose dataset has a newer protocol or release; return how many."""
    protocol = (
        ProtocolVersion.objects.filter(dataset=OuterRef("pk")).order_by("-added_at", "-pk").values("pk")[:1]
    )
    figures = Figures.objects.filter(release__dataset=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    right = CatalogueEntry.objects.annotate(of=Coalesce("figures_id", 0)).filter(
        dataset=OuterRef("pk"), protocol=OuterRef("protocol"), of=OuterRef("figures")
    )
    stale = (
        Dataset.objects.annotate(protocol=Subquery(protocol), figures=Coalesce(Subquery(figures), 0))
        .exclude(protocol=None)
        .filter(~Exists(right))
    )
    number = 0
    for dataset in stale:
        _write(dataset, dataset.protocol, dataset.figures or None)
        number += 1
    return number


@transaction.atomic
def _write(dataset: Dataset, protocol_pk: int, figures_pk: int | None) -> None:
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    version = ProtocolVersion.objects.get(pk=protocol_pk)
    figures = Figures.objects.filter(pk=figures_pk or 0).select_related("release").first()
    protocol, told = protocol_of(version), figures.told if figures else NOTHING
    words = " ".join(dict.fromkeys(split(" ".join(_texts(dataset, protocol, told)))))
    with connection.cursor() as cursor:
        for old in CatalogueEntry.objects.filter(dataset=dataset):
            cursor.execute("DELETE FROM release_words WHERE rowid = %s", [old.pk])
            old.delete()
        row = CatalogueEntry.objects.create(
            dataset=dataset, protocol=version, figures=figures, title=dict(protocol.title), words=words,
            summary=dict(protocol.summary), facets=_facets(protocol, told),
        )  # fmt: skip
        if connection.vendor == "postgresql":
            cursor.execute(
                "INSERT INTO release_words VALUES (%s, array_to_tsvector(%s))", [row.pk, words.split()]
            )
        else:
            cursor.execute("INSERT INTO release_words (rowid, words) VALUES (%s, %s)", [row.pk, words])


def cells(told: Mapping[str, Any], dimension: str) -> dict[str, int]:
    """Return the told categories of a dimension, without those that stand for nobody in particular."""
    found = told["tables"].get(dimension, {}).get("cells", {})
    return {name: number for name, number in found.items() if number and name != NOT_SAID}


def _facets(protocol: Protocol, told: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return values by facet; what a small dataset does not tell of sites and modalities, its protocol plans."""
    planned = {
        "site": [site.code.meaning for site in protocol.lesions.sites],
        "modality": sorted({name for item in protocol.items for name in item.modalities}),
    }
    return {
        "disease": [code.meaning for code in protocol.disease],
        **{name: list(cells(told, name)) or planned.get(name, []) for name in TOLD},
        "access": [protocol.access.level],
        "license": [protocol.access.license],
    }


def _texts(dataset: Dataset, protocol: Protocol, told: Mapping[str, Any]) -> Iterator[str]:
    yield from (dataset.slug, *protocol.title.values(), *protocol.summary.values(), protocol.access.license)
    for code in protocol.disease:
        yield from (code.scheme, code.value, code.value.replace(".", ""), code.meaning)
    for site in protocol.lesions.sites:
        yield from (site.value, site.code.value, site.code.meaning, *site.aliases)
    for item in protocol.items:
        yield from (item.id, item.kind, *item.modalities, *item.title.values())
    for target in protocol.targets:
        yield from (target.id, *target.title.values(), *target.values)
    for place in (protocol.hub, *protocol.spokes):
        yield from (place.id, place.name, place.city, place.state)
    for dimension in ("device", "state", *(name for name in told["tables"] if name.startswith(TARGET))):
        yield from cells(told, dimension)
