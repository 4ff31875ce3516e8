"""What fits best of what is asked for (PS3.18 8.7), and multipart bodies."""

from __future__ import annotations

import pytest

from midas.formats.dicom.syntaxes import BIG_ENDIAN, EXPLICIT, IMPLICIT, JPEG_2000, JPEG_LS, OCTETS, RLE
from midas.kernel import BadInput
from midas.web.dicomweb import media
from midas.web.dicomweb.media import Chosen, asked, for_frames, for_object

JPEG = "1.2.840.10008.1.2.4.50"
DICOM = 'multipart/related; type="application/dicom"'


@pytest.mark.parametrize(
    ("accept", "stored", "expected"),
    [
        ("", EXPLICIT, Chosen(True, EXPLICIT)),
        ("*/*", JPEG_LS, Chosen(True, EXPLICIT)),
        (DICOM, JPEG, Chosen(True, JPEG)),
        (f"{DICOM}; transfer-syntax=*", JPEG_LS, Chosen(True, JPEG_LS)),
        (f"{DICOM}; transfer-syntax=*", IMPLICIT, Chosen(True, EXPLICIT)),
        (f"{DICOM}; transfer-syntax=*", BIG_ENDIAN, Chosen(True, EXPLICIT)),
        (f"{DICOM}; transfer-syntax={EXPLICIT}", JPEG, Chosen(True, EXPLICIT)),
        (f"{DICOM}; transfer-syntax={JPEG}", EXPLICIT, None),
        (f"{DICOM}; transfer-syntax={IMPLICIT}", IMPLICIT, None),
        (f"application/dicom; transfer-syntax={RLE}", EXPLICIT, Chosen(False, RLE)),
        (f"{DICOM}; transfer-syntax={JPEG_LS}; q=0.5, {DICOM}; transfer-syntax={RLE}", JPEG_LS, Chosen(True, RLE)),
        (f"{DICOM}; transfer-syntax={JPEG_2000}, {DICOM}; transfer-syntax={JPEG_LS}", JPEG_LS, Chosen(True, JPEG_LS)),
        ("application/dicom;q=0", EXPLICIT, None),
        ("text/html", EXPLICIT, None),
        ('multipart/related; type="image/jpeg"', EXPLICIT, None),
        ("text/html, */*;q=0.1", EXPLICIT, Chosen(True, EXPLICIT)),
    ],
)  # fmt: skip
def test_objects(accept: str, stored: str, expected: Chosen | None) -> None:
    assert for_object(asked(accept), stored=stored, alone=True, can=True) == expected


def test_a_single_part_is_for_one_object() -> None:
    assert for_object(asked("application/dicom"), stored=EXPLICIT, alone=False, can=True) is None


OCTET_PARTS = f'multipart/related; type="{OCTETS}"'


@pytest.mark.parametrize(
    ("accept", "stored", "expected"),
    [
        ("*/*", IMPLICIT, Chosen(True, EXPLICIT, OCTETS)),
        ("*/*", JPEG_LS, Chosen(True, EXPLICIT, OCTETS)),
        ('multipart/related; type="*/*"', JPEG, Chosen(True, JPEG, "image/jpeg")),
        (f"{OCTET_PARTS}; transfer-syntax=*", JPEG_LS, Chosen(True, JPEG_LS, OCTETS)),
        (OCTET_PARTS, JPEG_LS, Chosen(True, EXPLICIT, OCTETS)),
        ('multipart/related; type="image/jls"', JPEG_LS, Chosen(True, JPEG_LS, "image/jls")),
        ('multipart/related; type="image/jls"', EXPLICIT, Chosen(True, JPEG_LS, "image/jls")),
        ("image/jpeg", JPEG, Chosen(False, JPEG, "image/jpeg")),
        ("image/jpeg", EXPLICIT, None),
        ("image/*", EXPLICIT, None),
        (f"{OCTET_PARTS}, image/jls", JPEG_LS, Chosen(False, JPEG_LS, "image/jls")),
    ],
)  # fmt: skip
def test_frames(accept: str, stored: str, expected: Chosen | None) -> None:
    assert for_frames(asked(accept), stored=stored, alone=True, can=True) == expected


def test_the_query_stands_over_the_header() -> None:
    assert asked("text/html", "application/dicom")[0].type == "application/dicom"


@pytest.mark.parametrize("text", ["*/*;q=2", "*/*;q=x", "*/*;q=-1"])
def test_a_quality_that_is_none(text: str) -> None:
    with pytest.raises(BadInput):
        asked(text)


def test_commas_and_semicolons_within_quotation_marks() -> None:
    assert media.parameters('multipart/related; type="a;b,c"; boundary="x y"') == (
        "multipart/related", {"type": "a;b,c", "boundary": "x y"},
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", " ", ";", ";;"])
def test_a_content_type_that_says_nothing_is_none(text: str) -> None:
    assert media.parameters(text)[0] == ""
