"""Printed sheets: PDF of A4 pages from headings, paragraphs, tables and marks. The same content gives the same bytes.

Set in Noto Sans Devanagari, which has Latin letters too and is shaped by HarfBuzz, so that Hindi reads as it is written.
A letter that neither it nor the PDF's own Symbol font has is printed as a box, never left out. Nothing here knows a model.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from midas.kernel import Unavailable

FONTS = Path(__file__).parent / "static" / "vendor" / "fonts"
FACES = {"Sheet": "noto-sans-devanagari-400.ttf", "SheetBold": "noto-sans-devanagari-700.ttf"}
INK, SOFT, LINE, GROUND, BRAND, GOOD, BAD, WARN = (
    HexColor(one)
    for one in ("#1b1e2b", "#474c5e", "#c9c3b4", "#f3f0e8", "#2f3f8f", "#1c6647", "#a12c2c", "#855000")
)
MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN
SYMBOL = frozenset("αβγδεκλμπρσχΔΣ≤≥≠≈±→←∞√∑−")
"""Letters that the Symbol font of every PDF reader has."""
BOX = "\N{REPLACEMENT CHARACTER}"


@cache
def _has() -> frozenset[int]:
    """Register the fonts; return what the regular one has letters for."""
    for name, file in FACES.items():
        if not (FONTS / file).is_file():
            raise Unavailable(
                "The fonts for printing are not here.", advice="Run python tools/build_assets.py."
            )
        pdfmetrics.registerFont(TTFont(name, str(FONTS / file), shapable=True))
    pdfmetrics.registerFontFamily(
        "Sheet", normal="Sheet", bold="SheetBold", italic="Sheet", boldItalic="SheetBold"
    )
    return frozenset(pdfmetrics.getFont("Sheet").face.charToGlyph)


@cache
def _style(
    size: float, *, bold: bool = False, soft: bool = False, after: float = 0, indent: float = 0
) -> ParagraphStyle:
    _has()
    return ParagraphStyle(
        f"s{size}{bold}{soft}{after}{indent}", fontName="SheetBold" if bold else "Sheet", fontSize=size, leading=size * 1.45,
        textColor=SOFT if soft else INK, spaceAfter=after, leftIndent=indent, shaping=1, splitLongWords=1,
    )  # fmt: skip


def plain(text: str) -> str:
    """Return a text as it can be set: mark-up escaped, letters of other fonts set in those or shown as a box."""
    has, out = _has(), []
    for letter in text:
        if letter in SYMBOL and ord(letter) not in has:
            out.append(f'<font face="Symbol">{letter}</font>')
        elif ord(letter) in has or letter.isspace():
            out.append(escape(letter))
        else:
            out.append(BOX if ord(BOX) in has else "?")
    return "".join(out)


def text(
    words: str, *, size: float = 9, bold: bool = False, soft: bool = False, after: float = 2
) -> Flowable:
    """Return a paragraph of plain words."""
    return Paragraph(plain(words), _style(size, bold=bold, soft=soft, after=after))


def heading(words: str, *, size: float = 12.5, below: float = 35) -> list[Flowable]:
    """Return a heading that begins a new page where less than `below` mm of this one are left."""
    return [CondPageBreak(below * mm), Spacer(1, 4 * mm), text(words, size=size, bold=True, after=3)]


def figures(told: Sequence[tuple[str, str, str]]) -> Flowable:
    """Return figures side by side: what it is, the figure, what it means."""
    cells = [
        [
            text(name, size=8, soft=True, after=1),
            text(figure, size=20, bold=True, after=1),
            text(means, size=9, after=0),
        ]
        for name, figure, means in told
    ]
    made = Table([cells], colWidths=[WIDTH / len(cells)] * len(cells), hAlign="LEFT")
    made.setStyle(TableStyle([("BOX", (0, 0), (-1, -1), 0.6, LINE), ("INNERGRID", (0, 0), (-1, -1), 0.6, LINE),
                              ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 8)]))  # fmt: skip
    return made


def gap(points: float = 6) -> Flowable:
    return Spacer(1, points)


class Mark(Flowable):  # type: ignore[misc]  # ReportLab tells no types
    """A small drawn sign that differs by its shape: `full` disc, `sheet` of paper, `dashed` square, `cross`."""

    def __init__(self, sort: str, size: float = 8) -> None:
        super().__init__()
        self.sort, self.width, self.height = sort, size, size

    def draw(self) -> None:
        pen, size = self.canv, self.width
        ink = {"full": GOOD, "sheet": BRAND, "cross": BAD}.get(self.sort, SOFT)
        pen.setStrokeColor(ink)
        pen.setFillColor(ink)
        pen.setLineWidth(1)
        if self.sort == "full":
            pen.circle(size / 2, size / 2, size / 2.4, stroke=0, fill=1)
        elif self.sort == "sheet":
            pen.rect(1, 0.5, size - 2, size - 1, fill=0)
            for height in (0.35, 0.55, 0.75):
                pen.line(2.5, size * height, size - 2.5, size * height)
        elif self.sort == "cross":
            pen.line(1, 1, size - 1, size - 1)
            pen.line(1, size - 1, size - 1, 1)
        else:
            pen.setDash(1.2, 1.2)
            pen.rect(0.7, 0.7, size - 1.4, size - 1.4, fill=0)


class Steps(Flowable):  # type: ignore[misc]  # ReportLab tells no types
    """A level as filled boxes out of a number of them."""

    def __init__(self, level: int, of: int = 4, size: float = 7) -> None:
        super().__init__()
        self.level, self.of, self.size = level, of, size
        self.width, self.height = of * (size + 2), size

    def draw(self) -> None:
        self.canv.setStrokeColor(BRAND)
        self.canv.setFillColor(BRAND)
        for one in range(self.of):
            self.canv.rect(one * (self.size + 2), 0, self.size, self.size, fill=int(one < self.level))


def table(rows: Sequence[Sequence[Any]], *, widths: Sequence[float], head: bool = True) -> Flowable:
    """Return a table; a cell is words or something drawn, `widths` are shares of the page's width."""
    cells = [
        [
            text(cell, bold=head and not number, size=8.5, after=0) if isinstance(cell, str) else cell
            for cell in row
        ]
        for number, row in enumerate(rows)
    ]
    whole = sum(widths)
    made = Table(
        cells, colWidths=[WIDTH * one / whole for one in widths], repeatRows=int(head), hAlign="LEFT"
    )
    made.setStyle(TableStyle([
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), 4), ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 3), ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        *([("BACKGROUND", (0, 0), (-1, 0), GROUND)] if head else []),
    ]))  # fmt: skip
    return made


def notice(words: str, *, bad: bool = False) -> Flowable:
    """Return words in a frame: what whoever reads the sheet has to know first."""
    made = Table([[text(words, bold=True, after=0)]], colWidths=[WIDTH], hAlign="LEFT")
    ink = BAD if bad else WARN
    made.setStyle(TableStyle([("BOX", (0, 0), (-1, -1), 0.8, ink), ("LINEBEFORE", (0, 0), (0, -1), 3, ink),
                              ("LEFTPADDING", (0, 0), (-1, -1), 8)]))  # fmt: skip
    return KeepTogether([made, Spacer(1, 6)])


@dataclass(frozen=True)
class Around:
    """What stands on every page. `page` says in the reader's words which page of how many it is."""

    title: str
    foot: str
    language: str
    page: Callable[[int, int], str]


def pdf(content: Sequence[Flowable], *, around: Around) -> bytes:
    """Return the sheets as PDF: without any time, so that the same content gives the same bytes and the same digest."""
    out = io.BytesIO()
    made = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=MARGIN - 6, rightMargin=MARGIN - 6, topMargin=20 * mm, bottomMargin=20 * mm,
        title=around.title, author="MIDAS", lang=around.language, invariant=1,
    )  # fmt: skip
    made.build(list(content), canvasmaker=_numbering(around))
    return out.getvalue()


def _numbering(around: Around) -> type[Canvas]:
    class Numbering(Canvas):  # type: ignore[misc]  # ReportLab tells no types
        """Keeps its pages until their number is known."""

        def __init__(self, *words: Any, **more: Any) -> None:
            super().__init__(*words, **more)
            self._kept: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 (its name at ReportLab)
            self._kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, kept in enumerate(self._kept, start=1):
                self.__dict__.update(kept)
                _line(self, around.title, A4[1] - 12 * mm)
                _line(self, f"{around.foot} · {around.page(number, len(self._kept))}", 10 * mm)
                Canvas.showPage(self)
            Canvas.save(self)

    return Numbering


def _line(canvas: Canvas, words: str, height: float) -> None:
    line = Paragraph(plain(words), _style(7.5, soft=True))
    _, tall = line.wrap(WIDTH, 20 * mm)
    line.drawOn(canvas, MARGIN, height - tall / 2)
