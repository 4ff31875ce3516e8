"""Which part of a dataset each person is in: pure, keyed, stable when the dataset grows.

In come persons (pseudonyms, with those found to be the same person) and shares; out comes a part for each. A person is
never in two parts, and never moves because others come or go.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from midas.kernel import Conflict

_CANDIDATES = 128
"""Keys tried when a dataset is split for the first time: enough that the best is near the shares, a second's work for a
few thousand persons."""

_MANY = 20_000
"""With more persons than this every key comes near the shares, so the first one that leaves no part empty is taken."""


def groups(links: Sequence[tuple[str, Iterable[str]]]) -> dict[str, str]:
    """Map each pseudonym to the first registered one of the same person; `links` stand in order of registration.

    The first one names the group, so that a later pseudonym joins the part its person is already in.
    """
    rank = {pseudonym: number for number, (pseudonym, _) in enumerate(links)}
    parent = {pseudonym: pseudonym for pseudonym in rank}

    def top(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for pseudonym, others in links:
        for other in others:
            if other in rank:
                first, second = sorted((top(pseudonym), top(other)), key=rank.__getitem__)
                parent[second] = first
    return {pseudonym: top(pseudonym) for pseudonym in rank}


def part_of(group: str, *, key: bytes, parts: Mapping[str, float]) -> str:
    """Place one person: HMAC-SHA-256 of the group as a fraction of 1, cut at the running sum of the shares."""
    fraction = int.from_bytes(hmac.digest(key, group.encode(), "sha256")[:8], "big") / 2**64
    reached = 0.0
    for part, share in parts.items():
        reached += share
        if fraction < reached:
            return part
    return [part for part, share in parts.items() if share > 0][-1]


def choose_key(persons: Mapping[str, str], *, seed: bytes, parts: Mapping[str, float]) -> bytes:
    """Choose the key for a dataset's first split: of many, the one whose parts come nearest to the shares.

    `persons` maps each group to its stratum. Raise `Conflict` where no key leaves every part with a person: an empty
    part is an error, and there are too few persons.
    """
    strata = Counter(persons.values())
    best: tuple[float, bytes] | None = None
    for number in range(_CANDIDATES):
        key = hmac.digest(seed, b"midas-split/1" + number.to_bytes(4, "big"), "sha256")
        placed = {group: part_of(group, key=key, parts=parts) for group in persons}
        if {part for part, share in parts.items() if share > 0} - set(placed.values()):
            continue
        off = _off(Counter((persons[group], part) for group, part in placed.items()), strata, parts)
        if best is None or off < best[0]:
            best = (off, key)
        if len(persons) > _MANY:
            break
    if best is None:
        raise Conflict(
            f"{len(persons)} persons cannot fill the {len(parts)} parts that the protocol asks for.",
            advice="Wait for more persons, or ask for fewer parts in the protocol.",
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
