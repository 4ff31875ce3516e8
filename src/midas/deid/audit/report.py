"""The audit's result for a person: a table for the terminal and one printable page. All values shown are synthetic.

In comes a `Score`, out come text and HTML that loads nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from pydicom.datadict import keyword_for_tag

from midas.deid.audit.answers import ACTIONS
from midas.deid.audit.score import Score, Share, Verdict

MEANING = {
    "tag_retained": "attribute still there",
    "text_notnull": "value not empty",
    "text_retained": "useful words kept",
    "text_removed": "identifier gone",
    "date_shifted": "day moved, one shift a person",
    "uid_changed": "UID replaced",
    "pixels_hidden": "burned-in line unreadable",
    "pixels_retained": "other pixels as they were",
    "uid_consistent": "UID as the map says",
    "patid_consistent": "Patient ID as the map says",
}
FIGURES = (
    ("All required actions", "all"),
    ("… on released files", "on_released"),
    ("Privacy (removals)", "privacy"),
    ("Utility (retentions)", "utility"),
    ("HIPAA", "hipaa"),
    ("DICOM", "dicom"),
    ("TCIA", "tcia"),
    ("Burned-in lines hidden", "lines_hidden"),
    ("… on released files", "lines_hidden_on_released"),
    ("Clean pictures untouched", "clean_untouched"),
    ("Technical marks left", "harmless_kept"),
    ("Held for a person", "held"),
)
SHOWN = 60
"""Failing kinds on the page; the machine-readable score has all."""


def text(score: Score) -> str:
    """Return the figures as lines for a terminal, each with its 95 % interval."""
    figures = score.figures()
    lines = [f"{label:<28}{_line(figures[key])}" for label, key in FIGURES]
    lines.append(
        f"{'Found by byte search':<28}"
        + ", ".join(f"{number} {what}" for what, number in figures["leaks"].items())
    )
    lines.append(f"{'Persons with several shifts':<28}{figures['people_with_wrong_shifts']}")
    return "\n".join(lines)


def _line(share: dict[str, Any]) -> str:
    return f"{share['percent']:7.2f} %   [{share['low']:.2f}, {share['high']:.2f}]   {share['right']:,} of {share['of']:,}"


def failing(verdicts: Iterable[Verdict]) -> list[tuple[str, str, str, int]]:
    """Return what failed on released files: (action, attribute, where it was planted, how often), most first."""
    counts = Counter(
        (
            v.check.action,
            keyword_for_tag(v.check.tag) or f"({v.check.tag >> 16:04X},{v.check.tag & 0xFFFF:04X})",
            v.check.area.split()[0],
        )
        for v in verdicts
        if not v.right and v.released
    )
    return [(*key, number) for key, number in counts.most_common()]


def page(score: Score, *, title: str, notes: Sequence[str] = ()) -> bytes:
    """Return the printable page: figures, actions, what failed, what leaked."""
    figures = score.figures()
    actions = [
        (
            a,
            MEANING[a],
            *_cells(score.share(actions=[a])),
            f"{score.share(actions=[a], released=True).percent:.2f}",
        )
        for a in ACTIONS
    ]
    areas = sorted({v.check.area.split()[0] for v in score.verdicts})
    body = [
        f"<header><h1>{escape(title)}</h1>",
        *(f"<p>{escape(note)}</p>" for note in notes),
        f"<p>Seed {score.answers.seed}. All persons, texts and numbers were made up for this test.</p></header>",
        "<section class=cards>",
        *(
            _card(label, figures[key])
            for label, key in FIGURES
            if key in {"all", "on_released", "lines_hidden", "held"}
        ),
        f"<div><b>{sum(figures['leaks'].values())}</b><span>strings found by byte search</span></div></section>",
        _table(
            "Figures",
            ("what", "%", "95 % interval", "right", "of"),
            [(label, *_cells(_share(figures[key]))) for label, key in FIGURES],
        ),
        _table(
            "By action (MIDI-B)",
            ("action", "right when", "%", "95 % interval", "right", "of", "released %"),
            actions,
        ),
        _table(
            "By where it was planted",
            ("place", "%", "95 % interval", "right", "of"),
            [(area, *_cells(score.share(area=area))) for area in areas],
        ),
        _table(
            "What failed on released files",
            ("action", "attribute", "place", "times"),
            failing(score.verdicts)[:SHOWN],
        ),
        _table(
            "What was found in the bytes",
            ("what", "kind", "planted in", "times"),
            [
                (*key, n)
                for key, n in Counter((leak.what, leak.kind, leak.spot) for leak in score.leaks).most_common(
                    SHOWN
                )
            ],
        ),
        _FOOTER,
    ]
    return _PAGE.replace("{{title}}", escape(title)).replace("{{body}}", "".join(body)).encode()


def _share(figure: dict[str, Any]) -> Share:
    return Share(figure["right"], figure["of"])


def _cells(share: Share) -> tuple[str, ...]:
    low, high = share.interval
    return f"{share.percent:.2f}", f"{low:.2f}–{high:.2f}", f"{share.right:,}", f"{share.of:,}"


def _card(label: str, figure: dict[str, Any]) -> str:
    interval = f"{figure['low']:.2f}–{figure['high']:.2f}"
    return f"<div><b>{figure['percent']:.2f} %</b><span>{escape(label)}<br>{interval}</span></div>"


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return f"<h2>{escape(title)}</h2><p>nothing</p>"
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(one))}</td>" for one in row) + "</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


_FOOTER = """<footer>Score as in MIDI-B (arXiv 2507.23608): all required actions weigh the same; a file that was not given
back has fulfilled every removal and no retention. Intervals: Wilson, 95 %.</footer>"""
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{{title}}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root{--ink:#1c2430;--soft:#5b6675;--line:#dfe4ea;--paper:#fff;--wash:#f5f7f9;--accent:#0b6e6e}
@media (prefers-color-scheme:dark){:root{--ink:#e8ecf1;--soft:#9aa6b4;
 --line:#2c3542;--paper:#12171e;--wash:#1a212b;--accent:#5cc4be}}
body{margin:0 auto;max-width:62rem;padding:2.5rem 1.5rem;
 font:15px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.9rem;margin:0 0 .25rem;letter-spacing:-.02em}h2{font-size:1.1rem;margin:2.2rem 0 .6rem}
header p{margin:.1rem 0;color:var(--soft);overflow-wrap:anywhere}td{font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:1rem;margin:1.6rem 0}
.cards div{background:var(--wash);border-left:3px solid var(--accent);padding:.9rem 1.1rem;border-radius:.3rem}
.cards b{display:block;font-size:1.7rem;line-height:1.2}.cards span{color:var(--soft)}
table{border-collapse:collapse;width:100%;font-size:.88rem}th{text-align:left;color:var(--soft);font-weight:600}
th,td{padding:.32rem .6rem .32rem 0;border-bottom:1px solid var(--line)}
footer{margin-top:2.5rem;color:var(--soft);font-size:.85rem}
@media print{body{max-width:none;padding:0;font-size:11px}thead{display:table-header-group}tr{break-inside:avoid}}
</style></head><body>{{body}}</body></html>
"""
