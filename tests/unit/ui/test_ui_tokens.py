"""The colours as the style sheet has them: every pair that text uses reaches WCAG 2.2 AA (4.5 to 1)."""

import re
from pathlib import Path

import pytest

from midas import ui

STATIC = Path(ui.__file__).parent / "static" / "ui"
TEXT = [
    ("ink", "ground"), ("ink", "surface"), ("ink", "sunken"), ("ink-soft", "ground"), ("ink-soft", "surface"),
    ("ink-soft", "sunken"), ("ink-faint", "ground"), ("ink-faint", "surface"), ("ink-faint", "sunken"), ("brand", "ground"),
    ("brand", "surface"), ("brand", "brand-soft"), ("brand-deep", "brand-soft"), ("on-brand", "brand"),
    ("on-brand", "brand-deep"), ("accent", "ground"), ("accent", "accent-soft"), ("good", "good-soft"),
    ("warn", "warn-soft"),
    ("bad", "bad-soft"), ("bad", "surface"), ("ink", "brand-soft"), ("ink", "warn-soft"), ("ink", "bad-soft"),
    ("ink", "good-soft"), ("ink-soft", "warn-soft"), ("ink-soft", "bad-soft"), ("ink-soft", "good-soft"),
]  # fmt: skip
SHAPES = [
    ("line-strong", "surface"),
    ("line-strong", "ground"),
    *((f"tone-{n}", "surface") for n in range(1, 7)),
]


def themes() -> dict[str, dict[str, str]]:
    css = (STATIC / "tokens.css").read_text("utf-8")
    light = re.search(r":root \{(.*?)\n\}", css, re.DOTALL).group(1)
    auto = re.search(r':root:not\(\[data-theme="light"\]\) \{(.*?)\n\}', css, re.DOTALL).group(1)
    dark = re.search(r':root\[data-theme="dark"\] \{(.*?)\n\}', css, re.DOTALL).group(1)
    blocks = {"light": light, "dark": dark, "auto": auto}
    return {
        name: dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", block)) for name, block in blocks.items()
    }


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT)
def test_text_reaches_four_and_a_half_to_one(name: str, text: str, ground: str) -> None:
    theme = themes()[name]
    assert contrast(theme[text], theme[ground]) >= 4.5


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_shapes_and_borders_of_controls_reach_three_to_one(name: str, shape: str, ground: str) -> None:
    theme = themes()[name]
    assert contrast(theme[shape], theme[ground]) >= 3


def test_the_automatic_dark_theme_is_the_chosen_one() -> None:
    found = themes()
    assert found["auto"] == found["dark"]


def test_style_sheets_load_nothing_from_elsewhere() -> None:
    for sheet in STATIC.glob("*.css"):
        assert "http" not in sheet.read_text("utf-8")
        assert "@import" not in sheet.read_text("utf-8")
