"""India by state as squares of one size: no boundary is drawn, so none can be drawn wrongly, and small states are seen.

In come numbers by state; out come tiles for a picture. Names and codes are those of ISO 3166-2:IN; see
`docs/design/020-public-tables.md` for why there is no outline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SIDE, GAP = 56, 4
STEPS = 5
"""Depths of colour; the deepest is for the largest number."""

PLACES: Mapping[str, tuple[str, str, int, int]] = {
    "Ladakh": ("LA", "लद्दाख", 3, 0), "Jammu and Kashmir": ("JK", "जम्मू और कश्मीर", 2, 0),
    "Himachal Pradesh": ("HP", "हिमाचल प्रदेश", 3, 1), "Punjab": ("PB", "पंजाब", 2, 1), "Chandigarh": ("CH", "चंडीगढ़", 2, 2),
    "Haryana": ("HR", "हरियाणा", 3, 2), "Uttarakhand": ("UK", "उत्तराखंड", 4, 2), "Rajasthan": ("RJ", "राजस्थान", 2, 3),
    "Delhi": ("DL", "दिल्ली", 3, 3), "Uttar Pradesh": ("UP", "उत्तर प्रदेश", 4, 3), "Bihar": ("BR", "बिहार", 5, 3),
    "Sikkim": ("SK", "सिक्किम", 6, 2), "Arunachal Pradesh": ("AR", "अरुणाचल प्रदेश", 8, 2), "Assam": ("AS", "असम", 7, 3),
    "Nagaland": ("NL", "नागालैंड", 8, 3), "Gujarat": ("GJ", "गुजरात", 1, 4), "Madhya Pradesh": ("MP", "मध्य प्रदेश", 3, 4),
    "Chhattisgarh": ("CG", "छत्तीसगढ़", 4, 4), "Jharkhand": ("JH", "झारखंड", 5, 4), "West Bengal": ("WB", "पश्चिम बंगाल", 6, 4),
    "Meghalaya": ("ML", "मेघालय", 7, 4), "Manipur": ("MN", "मणिपुर", 8, 4),
    "Dadra and Nagar Haveli and Daman and Diu": ("DH", "दादरा और नगर हवेली तथा दमन और दीव", 1, 5),
    "Maharashtra": ("MH", "महाराष्ट्र", 2, 5), "Telangana": ("TS", "तेलंगाना", 3, 5), "Odisha": ("OD", "ओडिशा", 5, 5),
    "Tripura": ("TR", "त्रिपुरा", 7, 5), "Mizoram": ("MZ", "मिज़ोरम", 8, 5), "Goa": ("GA", "गोवा", 2, 6),
    "Karnataka": ("KA", "कर्नाटक", 3, 6), "Andhra Pradesh": ("AP", "आंध्र प्रदेश", 4, 6),
    "Kerala": ("KL", "केरल", 2, 7), "Tamil Nadu": ("TN", "तमिलनाडु", 3, 7), "Puducherry": ("PY", "पुदुच्चेरी", 4, 7),
    "Lakshadweep": ("LD", "लक्षद्वीप", 1, 8), "Andaman and Nicobar Islands": ("AN", "अंडमान और निकोबार द्वीपसमूह", 7, 8),
}  # fmt: skip
"""English name → code, Hindi name, column and row: 28 states and 8 union territories, about where they lie."""


@dataclass(frozen=True, slots=True)
class Tile:
    """`depth` is 0 where nothing is told."""

    code: str
    name: str
    value: int
    depth: int
    x: int
    y: int


def name_of(state: str, language: str) -> str:
    return PLACES[state][1] if language == "hi" and state in PLACES else state


def tiles(numbers: Mapping[str, int], language: str = "en") -> list[Tile]:
    """Place every state and union territory; depths are fifths of the largest number."""
    most = max((numbers.get(state, 0) for state in PLACES), default=0)
    return [
        Tile(
            code, name_of(state, language), value := numbers.get(state, 0),
            -(-value * STEPS // most) if value else 0, (column - 1) * (SIDE + GAP), row * (SIDE + GAP),
        )
        for state, (code, _, column, row) in PLACES.items()
    ]  # fmt: skip


WIDTH, HEIGHT = 8 * (SIDE + GAP) - GAP, 9 * (SIDE + GAP) - GAP
