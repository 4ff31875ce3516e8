"""Colour profiles: numbers of colours stay to the byte, and no word hides among them."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import ImageCms
from tests.deid_bench import USUAL, ct, profile

from midas.deid.colours import ENTRY, HEAD, bare_profile
from midas.formats.photos import srgb

NAME = b"Zubeida Qureshi 9876512345"


def built(tags: dict[bytes, bytes], *, space: bytes = b"RGB ", **head: bytes) -> bytes:
    """Return a profile of these tags, with `at_N` put into its header from byte N on."""
    start = HEAD + 4 + ENTRY * len(tags)
    table, body = b"", b""
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    top = bytearray(srgb()[:HEAD])
    top[0:4], top[16:20] = struct.pack(">I", start + len(body)), space
    for place, value in head.items():
        at = int(place.removeprefix("at_"))
        top[at : at + len(value)] = value
    return bytes(top) + struct.pack(">I", len(tags)) + table + body


def sensible() -> dict[bytes, bytes]:
    raw = srgb()
    count = struct.unpack(">I", raw[HEAD : HEAD + 4])[0]
    entries = [
        struct.unpack(">4sII", raw[at : at + ENTRY])
        for at in range(HEAD + 4, HEAD + 4 + ENTRY * count, ENTRY)
    ]
    return {name: raw[start : start + size] for name, start, size in entries}


def lut(kind: bytes, cells: bytes) -> bytes:
    """Return a table of three channels (10.10, 10.11): identity curves and `cells` between them."""
    head = kind + bytes(4) + bytes((3, 3, 9, 0)) + struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    return head + bytes(range(256)) * 3 + cells + bytes(range(256)) * 3


def smooth(wide: str = "u1") -> bytes:
    steps = np.linspace(0, 255 if wide == "u1" else 65535, 9)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    return grid.astype(wide).tobytes()


EVIL = {
    "a matrix column": {b"rXYZ": b"XYZ " + bytes(4) + b"Zubeida Qure"},
    "a white point too long": {b"wtpt": b"XYZ " + bytes(4) + bytes(12) + NAME + bytes(2)},
    "a curve": {b"rTRC": b"curv" + bytes(4) + struct.pack(">I", 13) + NAME},
    "behind a curve": {b"rTRC": b"curv" + bytes(4) + struct.pack(">IH", 1, 563) + NAME},
    "a function": {b"gTRC": b"para" + bytes(4) + struct.pack(">HH", 3, 0) + b"Zubeida Qureshi 9876"},
    "an adaptation": {b"chad": b"sf32" + bytes(4) + NAME + bytes(10)},
    "a colour tag of text": {b"bTRC": b"text" + bytes(4) + NAME},
    "code points": {b"cicp": b"cicp" + bytes(4) + b"Zube"},
    "a table of bytes": {b"A2B0": lut(b"mft1", smooth() + NAME)},
    "a table of words": {b"A2B0": lut(b"mft2", smooth(">u2") + NAME.decode().encode("utf-16-be"))},
    "the other order": {b"A2B0": lut(b"mft2", smooth(">u2") + NAME.decode().encode("utf-16-le"))},
}


def _hidden(data: bytes) -> bool:
    low = data.lower().replace(b"\0", b"")
    return any(word in low for word in (b"zube", b"qure", b"98765"))


@pytest.mark.parametrize("where", EVIL)
def test_words_in_the_place_of_colours_bring_srgb_in(where):
    evil = built({**sensible(), **EVIL[where]})
    assert _hidden(evil)
    out = bare_profile(evil)
    assert not _hidden(out)
    assert out == bare_profile(srgb())
    assert ImageCms.ImageCmsProfile(io.BytesIO(out)).profile.red_primary is not None


@pytest.mark.parametrize("where", ["a curve", "a table of bytes"])
def test_no_profile_stands_for_one_that_is_not_of_rgb(where):
    assert bare_profile(built({**sensible(), **EVIL[where]}, space=b"GRAY")) == b""


@pytest.mark.parametrize("place", [4, 44, 48, 56, 64, 80, 84, 100])
def test_no_word_stays_in_the_header(place):
    evil = built(sensible(), **{f"at_{place}": b"Zubeida "[: 3 if place in {44, 64} else 4]})
    assert not _hidden(bare_profile(evil))
    assert b"Zub" not in bare_profile(evil)


@pytest.mark.parametrize("name", [b"meas", b"view", b"chrm", b"lumi", b"dmnd", b"vued", b"ZUBE"])
def test_tags_without_colours_are_blanked_and_the_rest_stays(name):
    kind = b"XYZ " if name == b"lumi" else name
    evil = built({**sensible(), name: kind + bytes(4) + NAME})
    out = bare_profile(evil)
    assert len(out) == len(evil)
    assert not _hidden(out)
    assert sensible()[b"rXYZ"] in out


@pytest.mark.parametrize("cells", [smooth(), smooth(">u2"), bytes(range(256)) * 9])
def test_tables_of_colours_stay_to_the_byte(cells):
    table = lut(b"mft2", cells)
    good = built({**sensible(), b"A2B0": table})
    assert table in bare_profile(good)
    assert bare_profile(bare_profile(good)) == bare_profile(good)


def test_a_profile_in_an_object_is_cleaned_with_it(bench):
    item = ct()
    item.ICCProfile = built({**sensible(), **EVIL["a table of bytes"]})
    outcome, out = bench.clean(item, profile=profile(*USUAL))
    assert outcome.state == "cleaned", outcome.detail
    assert out.ICCProfile.rstrip(b"\0") == bare_profile(srgb()).rstrip(b"\0")


def test_the_persons_own_name_is_found_however_it_stands(bench):
    item = ct()
    item.ICCProfile = built({**sensible(), b"A2B0": lut(b"mft1", smooth() + b"xqdeshmukhqx")})
    outcome, out = bench.clean(item, profile=profile(*USUAL))
    assert outcome.state == "cleaned", outcome.detail
    assert b"deshmukh" not in out.ICCProfile
