"""Which part of a dataset each person is in: pure, keyed, stable when the dataset grows.

In come persons (pseudonyms, with those who must not be parted from them) and shares; out comes a part for each. A group is
never in two parts, and never moves because others come or go. The hidden part is drawn first and without any label.
"""

from __future__ import annotations

import hmac
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from midas.kernel import Conflict

HIDDEN = "test"
"""The part that is drawn before any label is looked at; a protocol without a part of this name has no hidden one."""

_CANDIDATES, _PLACED = 128, 256_000
"""Keys tried when a dataset is split for the first time, and groups placed in all these tries: a second's work. The more
groups there are, the nearer any key comes to the shares."""


@dataclass(frozen=True, slots=True)
class Person:
    """One person before the first split. `blind` is the stratum by what is known without a label, `stratum` by all."""

    group: str
    blind: str = ""
    stratum: str = ""


@dataclass(frozen=True, slots=True)
class Keys:
    """The secret of a dataset's split. `rest` places whoever is not hidden; without it `first` places everyone."""

    first: bytes
    rest: bytes = b""


def groups(
    links: Sequence[tuple[str, Iterable[str]]],
    *,
    pairs: Iterable[tuple[str, str]] = (),
    sites: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Map each pseudonym to what names its group; `links` stand in order of registration.

    `pairs` have nearly the same pictures, `sites` (where it is given, the earliest site first) says whose whole site stays
    together. The first one registered names the group, so that a later pseudonym joins the part its person is already in; of
    sites that are tied, the earlier one names it.
    """
    held = {name: f"site:{site}" for name, site in (sites or {}).items() if site}
    rank = {name: number for number, name in enumerate(dict.fromkeys(held.values()))}
    rank |= {pseudonym: len(rank) + number for number, (pseudonym, _) in enumerate(links)}
    parent = {name: name for name in rank}

    def top(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    def join(one: str, other: str) -> None:
        if one in rank and other in rank:
            first, second = sorted((top(one), top(other)), key=rank.__getitem__)
            parent[second] = first

    for pseudonym, others in links:
        for other in others:
            join(pseudonym, other)
    for one, other in pairs:
        join(one, other)
    for pseudonym, site in held.items():
        join(pseudonym, site)
    return {pseudonym: top(pseudonym) for pseudonym, _ in links}


def place(groups: Iterable[str], *, keys: Keys, parts: Mapping[str, float]) -> dict[str, str]:
    """Place groups: whether one is hidden by the first key, then by the second where among the others it is."""
    if not keys.rest:
        return _places(groups, keys.first, parts)
    first = _places(groups, keys.first, _halves(parts))
    rest = _places((one for one, part in first.items() if part != HIDDEN), keys.rest, _others(parts))
    return first | rest


def crossing(
    stood: Mapping[str, Iterable[str]], *, tied: Mapping[str, str], now: Mapping[str, str]
) -> frozenset[str]:
    """Return whom ties carry over the border of the hidden part: tied to somebody, and once on its other side than now.

    `stood` are the parts that each was in, in any version, `now` each one's part; `tied` the group by links and pairs alone.
    """
    sizes = Counter(tied.values())
    return frozenset(
        name
        for name, parts in stood.items()
        if sizes[tied[name]] > 1 and any((part == HIDDEN) != (now[name] == HIDDEN) for part in parts)
    )


def choose_keys(persons: Sequence[Person], *, seed: bytes, parts: Mapping[str, float]) -> Keys:
    """Choose the keys of a dataset's first split: of many, those whose parts come nearest to the shares.

    The hidden part follows from the groups, the seed and the blind strata alone: no label moves anyone in or out of it.
    Raise `Conflict` where no key leaves every part with a group: an empty part is an error.
    """
    others = _others(parts)
    if 0 < parts.get(HIDDEN, 0) < 1 and len(others) > 0:
        least = {HIDDEN: 1, "": len(others)}
        first = _best([(one.group, one.blind) for one in persons], seed, b"hidden", _halves(parts), least)
        half = _places((one.group for one in persons), first, _halves(parts))
        told = [(one.group, one.stratum) for one in persons if half[one.group] != HIDDEN]
        return Keys(first, _best(told, seed, b"rest", others, dict.fromkeys(others, 1)))
    wanted = {part: 1 for part, share in parts.items() if share > 0}
    return Keys(_best([(one.group, one.stratum) for one in persons], seed, b"all", parts, wanted))


def _halves(parts: Mapping[str, float]) -> dict[str, float]:
    return {HIDDEN: parts.get(HIDDEN, 0.0), "": 1 - parts.get(HIDDEN, 0.0)}


def _others(parts: Mapping[str, float]) -> dict[str, float]:
    """Return the shares of the parts that are not hidden, among themselves."""
    kept = {part: share for part, share in parts.items() if part != HIDDEN and share > 0}
    whole = sum(kept.values())
    return {part: share / whole for part, share in kept.items()}


def _places(groups: Iterable[str], key: bytes, parts: Mapping[str, float]) -> dict[str, str]:
    """Map each group to the part in which its HMAC-SHA-256, as a fraction of 1, falls among the shares."""
    names = [part for part, share in parts.items() if share > 0]
    borders = list(accumulate(parts[part] for part in names[:-1]))

    def fraction(group: str) -> float:
        return int.from_bytes(hmac.digest(key, group.encode(), "sha256")[:8], "big") / 2**64

    return {group: names[bisect_right(borders, fraction(group))] for group in groups}


def _best(
    persons: Sequence[tuple[str, str]],
    seed: bytes,
    what: bytes,
    parts: Mapping[str, float],
    least: Mapping[str, int],
) -> bytes:
    """Return the candidate that comes nearest to the shares and leaves each part at least so many groups."""
    sizes: dict[str, Counter[str]] = {}
    for group, stratum in persons:
        sizes.setdefault(group, Counter())[stratum] += 1
    strata = Counter(stratum for _, stratum in persons)
    best: tuple[float, bytes] | None = None
    for number in range(min(_CANDIDATES, 1 + _PLACED // max(1, len(sizes)))):
        key = hmac.digest(seed, b"midas-split/2 " + what + number.to_bytes(4, "big"), "sha256")
        placed = _places(sizes, key, parts)
        full = Counter(placed.values())
        if any(full[part] < count for part, count in least.items()):
            continue
        counts: Counter[tuple[str, str]] = Counter()
        for group, held in sizes.items():
            for stratum, size in held.items():
                counts[stratum, placed[group]] += size
        off = _off(counts, strata, parts)
        if best is None or off < best[0]:
            best = (off, key)
    if best is None:
        raise Conflict(
            f"{len(sizes)} groups of persons cannot fill the parts that the protocol asks for.",
            advice="Wait for more persons (or sites, where these stay together), or ask for fewer parts in the protocol.",
        )
    return best[1]


def _off(counts: Counter[tuple[str, str]], strata: Counter[str], parts: Mapping[str, float]) -> float:
    """Say how far the parts are from their shares, all together first and then in each stratum."""
    total = sum(strata.values())
    whole = sum(
        abs(sum(counts[stratum, part] for stratum in strata) - share * total) for part, share in parts.items()
    )
    each = sum(
        abs(counts[stratum, part] - share * size)
        for stratum, size in strata.items()
        for part, share in parts.items()
    )
    return whole * 2 + each
