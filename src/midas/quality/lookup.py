"""Finds all hashes within a stated Hamming distance of others, whichever way round the pictures lie, without comparing all.

In come arrays of 63-bit hashes; out come the pairs, every one of them: the search is exact. It is multi-index hashing
(Norouzi, Punjani and Fleet, CVPR 2012): a hash is cut into three bands of 21 bits; of two hashes that differ in at most d
bits, one band differs in few (pigeonhole), and those few are tried. The eight ways in which a picture can be turned and
mirrored change a hash by known rules that keep each bit in its band, so that one look into a band finds all eight.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]
Number = TypeVar("Number", np.uint64, np.int32)
BANDS, WIDTH = 3, 21
FURTHEST = 8
"""Largest distance searched: two changed bits in each band."""
NEARBY = 5
"""Largest distance searched for many at once: one changed bit in each band."""
AT_ONCE = 1 << 18
"""Queries looked up in one step."""
CANDIDATES = 1 << 22
"""Candidates compared in one step: bounds memory where many pictures are alike."""
TURNS = tuple((transposed, across, down) for transposed in (0, 1) for across in (0, 1) for down in (0, 1))
"""The eight ways: rows become columns, then columns in reverse order, then rows in reverse order."""


class Coefficient(NamedTuple):
    """One frequency of the cosine transform: half-waves down the rows and across the columns."""

    down: int
    across: int


def _layout() -> tuple[Coefficient, ...]:
    """Return which coefficient each of the 63 bits is of: low and high frequencies dealt out evenly to the bands.

    In each band a coefficient and its mirror image in the diagonal stand side by side; those on the diagonal come last.
    """
    both = sorted(((u, v) for u in range(8) for v in range(u + 1, 8)), key=lambda one: (sum(one), one))
    sides: list[list[Coefficient]] = [[], [], []]
    for number, (u, v) in enumerate(both):
        sides[number % BANDS] += [Coefficient(u, v), Coefficient(v, u)]
    diagonal = iter(Coefficient(u, u) for u in range(1, 8))
    for side in sides:
        side += [next(diagonal) for _ in range(WIDTH - len(side))]
    return tuple(one for side in sides for one in side)


LAYOUT = _layout()


def _bits(chosen: list[bool]) -> np.uint64:
    return np.uint64(sum(1 << at for at, one in enumerate(chosen) if one))


FIRST = _bits([one.down < one.across for one in LAYOUT])
SECOND = _bits([one.down > one.across for one in LAYOUT])
DIAGONAL = _bits([one.down == one.across for one in LAYOUT])
ACROSS = _bits([one.across % 2 == 1 for one in LAYOUT])
"""Coefficients that change their sign when columns are reversed."""
DOWN = _bits([one.down % 2 == 1 for one in LAYOUT])
ONE = np.uint64(1)


def turned(hashes: Hashes, turn: int) -> Hashes:
    """Return the hashes of the same pictures turned in one of the eight ways (an index into `TURNS`)."""
    transposed, across, down = TURNS[turn]
    if transposed:
        hashes = (hashes & FIRST) << ONE | (hashes & SECOND) >> ONE | hashes & DIAGONAL
    if across:
        hashes = hashes ^ ACROSS
    return hashes ^ DOWN if down else hashes


def distance(first: Hashes, second: Hashes) -> NDArray[np.uint8]:
    """Return in how many bits two hashes differ, taking the best of the eight ways."""
    ways = [np.bitwise_count(turned(first, turn) ^ second) for turn in range(len(TURNS))]
    return np.asarray(np.minimum.reduce(ways))


def upright(hashes: Hashes) -> Hashes:
    """Return one hash that stands for all eight ways: the smallest."""
    return np.asarray(np.minimum.reduce([turned(hashes, turn) for turn in range(len(TURNS))]))


def _key(hashes: Hashes, band: int) -> NDArray[np.uint32]:
    return ((hashes >> np.uint64(WIDTH * band)) & np.uint64((1 << WIDTH) - 1)).astype(np.uint32)


@cache
def _smallest(band: int) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Return for each value of a band the smallest that it can be turned into, and a way that does so."""
    values = np.arange(1 << WIDTH, dtype=np.uint64) << np.uint64(WIDTH * band)
    best, way = _key(values, band), np.zeros(1 << WIDTH, np.uint8)
    for turn in range(1, len(TURNS)):
        other = _key(turned(values, turn), band)
        way[other < best] = turn
        np.minimum(best, other, out=best)
    return best, way


class _Band(NamedTuple):
    """The index of one band: entries in the order of their smallest key, and where each key begins."""

    starts: NDArray[np.int64]
    hashes: Hashes
    owners: NDArray[np.int32]


def _indexed(hashes: Hashes, band: int, radius: int = 0) -> _Band:
    """Enter each hash in every way that makes its key smallest: mostly one, several where the key is symmetric.

    With a radius, enter it likewise under each key that differs from its own in at most so many bits.
    """
    keys, held, owners = [], [], []
    for pattern in _patterns(radius):
        change = np.uint64(int(pattern) << WIDTH * band)
        smallest = _smallest(band)[0][_key(hashes ^ change, band)]
        for turn in range(len(TURNS)):
            at = np.flatnonzero(_key(turned(hashes ^ change, turn), band) == smallest).astype(np.int32)
            keys.append(smallest[at])
            held.append(turned(hashes[at], turn))
            owners.append(at)
    joined = np.concatenate(keys)
    keys.clear()
    order = np.argsort(joined, kind="stable")
    starts = np.zeros((1 << WIDTH) + 1, np.int64)
    np.cumsum(np.bincount(joined, minlength=1 << WIDTH), out=starts[1:])
    return _Band(starts, _ordered(held, order), _ordered(owners, order))


def _ordered(parts: list[NDArray[Number]], order: Indices) -> NDArray[Number]:
    """Join parts and put them into an order; the parts are let go, since a million hashes have many entries."""
    joined = np.concatenate(parts)
    parts.clear()
    return np.asarray(joined[order])


def _radius(within: int, band: int) -> int:
    """Return in how many bits this band may differ, so that no pair is missed that differs in all but this in more."""
    return (within + 1 + BANDS - 1 - band) // BANDS - 1


def _patterns(radius: int) -> Iterator[np.uint32]:
    """Yield every change of at most `radius` bits of a band; none for -1."""
    for size in range(radius + 1):
        for bits in combinations(range(WIDTH), size):
            yield np.uint32(sum(1 << bit for bit in bits))


class Plain:
    """As `Lookup`, by comparing all: quicker than making an index where there are few hashes."""

    def __init__(self, hashes: Hashes) -> None:
        self.hashes = hashes

    def near(self, queries: Hashes, within: int) -> tuple[Indices, Indices, NDArray[np.uint8]]:
        """Return all pairs at most `within` bits apart: index of the query, of the hash found, and their distance."""
        apart = distance(queries[:, None], self.hashes[None, :])
        asked, held = np.nonzero(apart <= within)
        return asked, held, apart[asked, held]

    def near_any(
        self, rows: Hashes, asked: Indices, within: int
    ) -> Iterator[tuple[Indices, Indices, NDArray[np.uint8]]]:
        """As that of `Lookup`."""
        for queries, some in _columns(rows, asked):
            at, held, apart = self.near(queries, within)
            yield some[at], held, apart


class Lookup:
    """An index of hashes that answers which of them lie within a distance of others."""

    def __init__(self, hashes: Hashes) -> None:
        self.hashes = hashes
        self._bands = [_indexed(hashes, band) for band in range(BANDS)]

    def near(self, queries: Hashes, within: int) -> tuple[Indices, Indices, NDArray[np.uint8]]:
        """Return all pairs at most `within` bits apart: index of the query, of the hash found, and their distance.

        Each pair comes once. `ValueError` beyond `FURTHEST`.
        """
        if not 0 <= within <= FURTHEST:
            raise ValueError(f"distances from 0 to {FURTHEST} can be searched")
        found = [
            hit
            for start in range(0, len(queries), AT_ONCE)
            for band in range(BANDS)
            for hit in self._in_band(queries[start : start + AT_ONCE], start, band, within)
        ]
        if not found:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8)
        pairs = np.unique(np.concatenate(found), axis=0)
        asked, held = pairs[:, 0], pairs[:, 1]
        return asked, held, distance(queries[asked], self.hashes[held])

    def near_any(
        self, rows: Hashes, asked: Indices, within: int
    ) -> Iterator[tuple[Indices, Indices, NDArray[np.uint8]]]:
        """Yield all pairs at most `within` bits apart where each query is a row of several hashes, of which any may be near.

        Out come the query, of those `asked` (rows), the hash found, and their distance; 0 in a row is no hash. A pair may
        come more than once. The hashes are entered under every key within reach, for one band after the other, so that
        each query is one look at a row of neighbours. `ValueError` beyond `NEARBY`.
        """
        if not 0 <= within <= NEARBY:
            raise ValueError(f"distances from 0 to {NEARBY} can be searched")
        for band in range(BANDS):
            if (radius := _radius(within, band)) < 0:
                continue
            index = _indexed(self.hashes, band, radius)
            for queries, some in _columns(rows, asked):
                for at, held in _among(index, queries, band, within):
                    yield some[at], held, distance(queries[at], self.hashes[held])

    def _in_band(self, queries: Hashes, start: int, band: int, within: int) -> Iterator[NDArray[np.int64]]:
        index = self._bands[band]
        smallest, way = _smallest(band)
        ways = np.stack([turned(queries, turn) for turn in range(len(TURNS))])
        keys, every = _key(queries, band), np.arange(len(queries))
        for pattern in _patterns(_radius(within, band)):
            tried = keys ^ pattern
            key = smallest[tried]
            first = index.starts[key]
            counts = index.starts[key + 1] - first
            sought = ways[way[tried], every]
            for row, stop in _steps(counts):
                asked, entry = _matches(
                    sought[row:stop], first[row:stop], counts[row:stop], index.hashes, within
                )
                if len(asked):
                    yield np.stack([asked + row + start, index.owners[entry]], axis=1)


def _columns(rows: Hashes, asked: Indices) -> Iterator[tuple[Hashes, Indices]]:
    """Yield the hashes of each column that are there, and whose they are."""
    for column in range(rows.shape[1]):
        queries = rows[asked, column]
        some = np.flatnonzero(queries)
        yield queries[some], asked[some]


def _among(index: _Band, queries: Hashes, band: int, within: int) -> Iterator[tuple[Indices, Indices]]:
    """Look queries up in an index that holds every key within reach, in the order of their keys."""
    smallest, way = _smallest(band)
    keys = _key(queries, band)
    order = np.argsort(smallest[keys])
    for start in range(0, len(order), AT_ONCE):
        rows = order[start : start + AT_ONCE]
        sought = _each_turned(queries[rows], way[keys[rows]])
        first = index.starts[smallest[keys[rows]]]
        counts = index.starts[smallest[keys[rows]] + 1] - first
        for row, stop in _steps(counts):
            asked, entry = _matches(sought[row:stop], first[row:stop], counts[row:stop], index.hashes, within)
            if len(asked):
                yield rows[asked + row], index.owners[entry].astype(np.int64)


def _each_turned(hashes: Hashes, ways: NDArray[np.uint8]) -> Hashes:
    """Return each hash turned in its own way."""
    found = hashes.copy()
    for turn in range(1, len(TURNS)):
        at = np.flatnonzero(ways == turn)
        found[at] = turned(hashes[at], turn)
    return found


def _steps(counts: Indices) -> Iterator[tuple[int, int]]:
    """Cut rows with so many candidates each into steps of about `CANDIDATES`."""
    ends = np.cumsum(counts)
    row = 0
    while row < len(counts):
        before = int(ends[row - 1]) if row else 0
        stop = max(row + 1, int(np.searchsorted(ends, before + CANDIDATES, side="right")))
        yield row, stop
        row = stop


def _matches(
    sought: Hashes, first: Indices, counts: Indices, held: Hashes, within: int
) -> tuple[Indices, Indices]:
    """Compare each hash sought with `counts` entries of `held` from `first` on; return rows and entries that are near."""
    ends = np.cumsum(counts)
    entry = np.repeat(first - ends + counts, counts)
    entry += np.arange(len(entry))
    apart = np.bitwise_count(np.repeat(sought, counts) ^ held[entry])
    near = np.flatnonzero(apart <= within)
    return np.searchsorted(ends, near, side="right"), entry[near]
