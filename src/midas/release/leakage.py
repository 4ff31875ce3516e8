"""What would lead from one part of a dataset into another: pure.

In come the parts and what ties persons together; out comes a report that names each tie across parts by pseudonyms. A tie
within one part is harmless. The report stands in the release.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from midas.release.splits import HIDDEN

SCHEMA = "midas-release-leakage/1"


class Across(NamedTuple):
    """Two persons that a tie holds together and whose parts differ; of one person in two parts, twice the same."""

    one: str
    other: str
    parts: tuple[str, str]


@dataclass(frozen=True)
class Ties:
    """What ties persons together. `same_*` are (digest, person): whoever has a digest in common is tied.

    `pairs` have nearly the same pictures, mirrored and cropped ones too; `sites` maps a person to a hospital.
    """

    links: Iterable[tuple[str, str]] = ()
    pairs: Iterable[tuple[str, str]] = ()
    same_file: Iterable[tuple[str, str]] = ()
    same_source: Iterable[tuple[str, str]] = ()
    same_pixels: Iterable[tuple[str, str]] = ()
    sites: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Leakage:
    """`ties` counts what was looked at, `across` what leads from one part into another, both by kind.

    `sites` are those in several parts, `moved` who stood in another part when they were last in a version: (person, from,
    to); `crossed` who ever stood on the other side of the hidden part.
    """

    ties: Mapping[str, int]
    across: Mapping[str, tuple[Across, ...]]
    unplaced: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    by_site: bool = False
    moved: tuple[tuple[str, str, str], ...] = ()
    crossed: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        by_site = self.by_site and self.sites
        return not (any(self.across.values()) or self.unplaced or by_site or self.crossed)

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """How many ties of each kind were looked at, and how many of them lead across parts."""
        return {kind: (self.ties[kind], len(self.across[kind])) for kind in KINDS}

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA, "clean": self.clean, "by_site": self.by_site,
            "kinds": [
                {
                    "kind": kind, "says": SAYS[kind], "ties": self.ties[kind], "across_parts": len(self.across[kind]),
                    "pairs": [{"subjects": [one.one, one.other], "parts": list(one.parts)} for one in self.across[kind]],
                }
                for kind in KINDS
            ],
            "without_part": list(self.unplaced), "sites_in_several_parts": list(self.sites),
            "moved": [{"subject": name, "from": old, "to": new} for name, old, new in self.moved],
        }  # fmt: skip


SAYS: Mapping[str, str] = {
    "person": "one person in two parts",
    "link": "persons that a hospital declared to be the same",
    "near-duplicate": "persons with nearly the same picture or scan, also mirrored or cropped",
    "file": "persons with the same file, byte for byte",
    "source": "persons whose files were made from the same source file",
    "pixels": "persons with a picture of the same pixels",
}
KINDS = tuple(SAYS)


def leakage(
    placed: Iterable[tuple[str, str]],
    ties: Ties,
    *,
    everyone: Iterable[str] = (),
    by_site: bool = False,
    before: Mapping[str, Sequence[str]] | None = None,
) -> Leakage:
    """Report what leads from one part into another.

    `placed` are (person, part), as the release's table of splits says it; `everyone` who has files in the release,
    `before` the parts that each stood in in other versions, the last one last. With `by_site` a hospital in two parts is a
    leak; else it is only told.
    """
    parts: dict[str, str] = {}
    twice = []
    for name, part in placed:
        if parts.setdefault(name, part) != part:
            twice.append(Across(name, name, (parts[name], part)))
    # whoever is not in the release would come between those who are: each is compared with the first one alone
    alike = {
        kind: in_common(one for one in held if one[1] in parts)
        for kind, held in (
            ("file", ties.same_file),
            ("source", ties.same_source),
            ("pixels", ties.same_pixels),
        )
    }
    found = {"link": ties.links, "near-duplicate": ties.pairs, **alike}
    looked, across = Counter({"person": len(parts)}), {"person": tuple(sorted(twice))}
    for kind, pairs in found.items():
        wanted = {(min(pair), max(pair)) for pair in pairs if pair[0] in parts and pair[1] in parts}
        looked[kind] = len(wanted)
        across[kind] = tuple(
            Across(one, other, (parts[one], parts[other]))
            for one, other in sorted(wanted)
            if parts[one] != parts[other]
        )
    known = [(name, part, before[name]) for name, part in sorted(parts.items()) if before and name in before]
    return Leakage(
        ties=looked, across=across, unplaced=tuple(sorted(set(everyone) - parts.keys())), by_site=by_site,
        sites=tuple(_in_several(ties.sites, parts)),
        moved=tuple((name, old[-1], part) for name, part, old in known if old[-1] != part),
        crossed=tuple(name for name, part, old in known if any((one == HIDDEN) != (part == HIDDEN) for one in old)),
    )  # fmt: skip


def in_common(held: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield pairs of persons that hold the same digest: each with the first, so that the work grows with the rows."""
    first: dict[str, str] = {}
    for digest, name in held:
        if (other := first.setdefault(digest, name)) != name:
            yield other, name


def _in_several(sites: Mapping[str, str], parts: Mapping[str, str]) -> list[str]:
    seen: dict[str, set[str]] = {}
    for name, part in parts.items():
        if site := sites.get(name):
            seen.setdefault(site, set()).add(part)
    return sorted(site for site, held in seen.items() if len(held) > 1)
