"""Near-duplicates: the search against comparing all with all, and copies of real pictures spoilt in every way."""

import io
from itertools import combinations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from midas.quality import lookup
from midas.quality.duplicates import WINDOWS, Pair, alike, hashes, pairs
from midas.quality.lookup import FURTHEST, LAYOUT, NEARBY, TURNS, Lookup, Plain, distance, turned, upright

NAMES = (
    "astronaut", "camera", "chelsea", "coffee", "coins", "grass", "gravel", "brick", "hubble_deep_field", "moon",
    "immunohistochemistry", "retina", "rocket", "page", "cell",
)  # fmt: skip
PICTURES = {name: getattr(data, name)() for name in NAMES}


def turn(picture: np.ndarray, way: int) -> np.ndarray:
    transposed, across, down = TURNS[way]
    picture = picture.swapaxes(0, 1) if transposed else picture
    picture = picture[:, ::-1] if across else picture
    return np.ascontiguousarray(picture[::-1] if down else picture)


def crop(picture: np.ndarray, trims: tuple[float, float, float, float]) -> np.ndarray:
    high, wide = picture.shape[:2]
    top, bottom, left, right = trims
    return picture[
        round(high * top) : high - round(high * bottom), round(wide * left) : wide - round(wide * right)
    ]


def saved(picture: np.ndarray, quality: int) -> np.ndarray:
    held = io.BytesIO()
    Image.fromarray(picture).save(held, "JPEG", quality=quality)
    return np.asarray(Image.open(io.BytesIO(held.getvalue())))


COPIES = {
    "compressed": lambda picture: saved(picture, 40),
    "small": lambda picture: cv2.resize(picture, None, fx=0.45, fy=0.45, interpolation=cv2.INTER_AREA),
    "brighter": lambda picture: np.clip(picture * 1.15 + 5, 0, 255).astype(np.uint8),
    "duller": lambda picture: (picture * 0.7 + 25).astype(np.uint8),
    "blurred": lambda picture: cv2.GaussianBlur(picture, (0, 0), 1.5),
    "grey": lambda picture: cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture,
}


def test_a_turned_picture_has_the_turned_hash() -> None:
    for name in ("astronaut", "chelsea", "retina"):
        one = hashes(PICTURES[name])[:1]
        for way in range(len(TURNS)):
            assert hashes(turn(PICTURES[name], way))[0] == turned(one, way)[0], (name, way)
    assert len({upright(hashes(turn(PICTURES["coffee"], way))[:1])[0] for way in range(8)}) == 1


def test_a_hash_holds_the_signs_of_the_cosine_transform() -> None:
    """Against OpenCV's transform of the same 256 x 256 pixels."""
    for name in ("camera", "brick", "moon"):
        base = cv2.resize(PICTURES[name], (256, 256), interpolation=cv2.INTER_AREA).astype(np.float64)
        wanted = cv2.dct(base)
        held = int(hashes(PICTURES[name])[0])
        sizes = np.abs([wanted[one] for one in LAYOUT])
        for bit, one in enumerate(LAYOUT):
            if sizes[bit] > 1e-3 * sizes.max():
                assert (held >> bit & 1) == (wanted[one] > 0), (name, one)


def spoilt(number: int, seed: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Random hashes, and copies with up to `most` other bits, each turned in any way."""
    random = np.random.default_rng(seed)
    first = random.integers(1, 1 << 63, number, dtype=np.uint64)
    second = first.copy()
    for at in range(number):
        for bit in random.choice(63, random.integers(0, most + 1), replace=False):
            second[at] ^= np.uint64(1) << np.uint64(bit)
        second[at] = turned(second[at : at + 1], int(random.integers(8)))[0]
    return first, second


@pytest.mark.parametrize("within", range(FURTHEST + 1))
def test_the_search_finds_all_that_comparing_all_with_all_finds(within: int) -> None:
    held, asked = spoilt(800, within, 11)
    apart = np.stack([distance(asked, np.full_like(asked, one)) for one in held], axis=1)
    query, found, bits = Lookup(held).near(asked, within)
    assert np.array_equal(np.argwhere(apart <= within), np.stack([query, found], axis=1))
    assert np.array_equal(apart[query, found], bits)


@settings(max_examples=15)
@given(st.integers(1, (1 << 63) - 1), st.sets(st.integers(0, 62), max_size=FURTHEST), st.integers(0, 7))
def test_no_hash_within_reach_is_missed(one: int, bits: set[int], way: int) -> None:
    """Symmetric hashes included: their bands have several ways to be smallest."""
    for start in (one, 0b111, (1 << 63) - 1):
        held = np.array([start], np.uint64)
        other = turned(held ^ np.uint64(sum(1 << bit for bit in bits)), way)
        assert Lookup(held).near(other, len(bits))[1].tolist() == [0]


def test_few_hashes_are_compared_with_all_and_give_the_same() -> None:
    held, asked = spoilt(120, 3, 9)
    for within in (0, 5, 8):
        for one, other in zip(Plain(held).near(asked, within), Lookup(held).near(asked, within), strict=True):
            assert np.array_equal(one, other)


@pytest.mark.parametrize("within", range(NEARBY + 1))
def test_rows_of_hashes_are_searched_at_once_as_one_by_one(within: int) -> None:
    """Every window against every picture, symmetric hashes and windows without content included."""
    held, asked = spoilt(400, within, 7)
    held[:3] = 0b111, (1 << 63) - 1, 1
    rows = np.stack([asked, turned(held, 3) ^ np.uint64(0b1001), np.zeros_like(asked), asked[::-1]], axis=1)
    rows[:2, 0] = turned(held[:2], 6)
    some = np.flatnonzero(np.arange(len(rows)) % 5)
    wanted = set()
    for column in range(rows.shape[1]):
        here = some[rows[some, column] != 0]
        query, found, bits = Lookup(held).near(rows[here, column], within)
        wanted |= set(zip(here[query].tolist(), found.tolist(), bits.tolist(), strict=True))
    for index in (Lookup(held), Plain(held)):
        got = set()
        for query, found, bits in index.near_any(rows, some, within):
            got |= set(zip(query.tolist(), found.tolist(), bits.tolist(), strict=True))
        assert got == wanted


def test_the_search_refuses_what_it_cannot_promise() -> None:
    with pytest.raises(ValueError, match="distances"):
        list(Lookup(np.array([1], np.uint64)).near_any(np.ones((1, 2), np.uint64), np.arange(1), NEARBY + 1))
    with pytest.raises(ValueError, match="distances"):
        Lookup(np.array([1], np.uint64)).near(np.array([1], np.uint64), FURTHEST + 1)
    assert pairs(np.zeros((0, len(WINDOWS)), np.uint64)) == ()


def test_crowded_buckets_are_searched_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    held, asked = spoilt(300, 5, 4)
    whole = Lookup(held).near(asked, 4)
    monkeypatch.setattr(lookup, "CANDIDATES", 7)
    monkeypatch.setattr(lookup, "AT_ONCE", 64)
    for one, other in zip(whole, Lookup(held).near(asked, 4), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("copy", COPIES)
def test_copies_are_found_whichever_way_round(copy: str) -> None:
    marks = [hashes(picture) for picture in PICTURES.values()]
    copies = [turn(COPIES[copy](picture), at % 8) for at, picture in enumerate(PICTURES.values())]
    found = pairs(np.stack(marks + [hashes(one) for one in copies]))
    wanted = {(at, at + len(marks)) for at in range(len(marks))}
    right = {(one.first, one.second) for one in found if not one.cropped}
    assert right <= wanted
    assert len(right) >= len(wanted) - 1
    for at, second in sorted(right)[:4]:
        assert alike(list(PICTURES.values())[at], copies[second - len(marks)]).same


def test_cropped_copies_are_found_and_nothing_else() -> None:
    """Crops of up to a tenth on each side, turned, compressed: most are found, and every candidate but these is refused."""
    random = np.random.default_rng(4)
    sources, copies = list(PICTURES.values()), []
    for picture in sources * 4:
        part = crop(picture, tuple(random.uniform(0, 0.1, 4)))
        copies.append(turn(saved(part, 60), int(random.integers(8))))
    found = pairs(np.stack([hashes(one) for one in [*sources, *copies]]))
    shown = [*sources, *copies]

    def owner(at: int) -> int:
        return at % len(sources)

    right = {
        one.second for one in found if one.first < len(sources) and owner(one.first) == owner(one.second)
    }
    assert len(right) >= 0.8 * len(copies)
    wrong = [one for one in found if owner(one.first) != owner(one.second)]
    assert len(wrong) <= 3
    assert not any(alike(shown[one.first], shown[one.second]).same for one in wrong)


def test_the_second_look_knows_copies_from_other_pictures() -> None:
    random = np.random.default_rng(9)
    for picture in PICTURES.values():
        part = crop(picture, tuple(random.uniform(0, 0.12, 4)))
        worn = np.clip(saved(part, 60) * random.uniform(0.85, 1.1) + random.normal(0, 4, part.shape), 0, 255)
        seen = alike(picture, turn(worn.astype(np.uint8), int(random.integers(8))))
        assert seen.same
        assert 0.5 < seen.part <= 1
    assert not any(alike(one, other).same for one, other in combinations(PICTURES.values(), 2))


def test_the_second_look_tells_pictures_of_one_kind_apart() -> None:
    """Other fields of the same eye under the same frame, and other cells of one slide."""
    fundus, cells = data.retina(), data.immunohistochemistry()
    frame = np.zeros(fundus.shape[:2], np.uint8)
    cv2.circle(frame, (705, 705), 690, 1, -1)
    other = np.roll(turn(fundus, 1), 300, axis=0) * frame[..., None]
    assert not alike(fundus * frame[..., None], other).same
    assert not alike(cells[:256, :256], cells[256:, 256:]).same


def test_identical_copies_form_a_star_and_empty_pictures_none() -> None:
    mark = hashes(PICTURES["astronaut"])
    mirror = hashes(PICTURES["astronaut"][:, ::-1])
    empty = hashes(np.full((300, 300), 128, np.uint8))
    assert not empty.any()
    found = pairs(np.stack([empty, mark, mirror, mark, empty]), cropped=None)
    assert found == (Pair(1, 2, 0, False), Pair(1, 3, 0, False))
