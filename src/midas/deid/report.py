"""The report of a batch: what was done, under which rules, and what the verifier found. For programs and for people.

In come outcomes, out come JSON or one self-contained printable HTML page. Outputs are named by their pseudonymous path;
no value of any attribute is ever shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from html import escape
from typing import Any

from midas.deid import tables
from midas.deid.model import ENGINE, Outcome, RuleRow
from midas.kernel import canonical

MEANING = {
    "X": "removed", "Z": "emptied", "D": "replaced by a dummy", "U": "UID mapped by key", "C": "cleaned or shifted",
    "K": "kept by an option",
}  # fmt: skip


def _totals(outcomes: tuple[Outcome, ...]) -> dict[str, Any]:
    actions: Counter[str] = Counter()
    rules: Counter[tuple[str, str, str, str]] = Counter()
    for outcome in outcomes:
        actions.update(outcome.actions)
        for row in outcome.rules:
            rules[row.tag, row.name, row.action, row.cites] += row.count
    held = Counter(outcome.reason for outcome in outcomes if outcome.state == "held")
    return {
        "schema": "midas-deid-report/1",
        "engine": ENGINE,
        "standard": f"DICOM PS3.15 {tables.edition()}, Basic Application Level Confidentiality Profile",
        "profiles": sorted({f"{o.profile}#{o.digest}" for o in outcomes}),
        "files": len(outcomes),
        "cleaned": sum(outcome.state == "cleaned" for outcome in outcomes),
        "held": dict(sorted(held.items())),
        "actions": dict(sorted(actions.items())),
        "rules": [RuleRow(*key, count).__dict__ for key, count in sorted(rules.items())],
    }


def report_json(outcomes: Iterable[Outcome]) -> bytes:
    """Return the batch report as canonical JSON."""
    given = tuple(outcomes)
    files = [
        {
            "output": o.output, "state": o.state, "reason": o.reason, "sha256": o.sha256, "size": o.size,
            "actions": o.actions, "findings": [finding.to_dict() for finding in o.findings],
        }
        for o in given
    ]  # fmt: skip
    return canonical(
        {**_totals(given), "outputs": sorted(files, key=lambda f: (str(f["output"]), str(f["sha256"])))}
    )


def report_html(outcomes: Iterable[Outcome]) -> bytes:
    """Return the batch report as one HTML page that prints well and loads nothing."""
    given = tuple(outcomes)
    totals = _totals(given)
    cards = [
        ("files", totals["files"]),
        ("cleaned and verified", totals["cleaned"]),
        ("held for a person", sum(totals["held"].values())),
    ]
    body = [
        "<header><h1>De-identification report</h1>",
        f"<p>{escape(totals['standard'])} · {escape(ENGINE)}</p>",
        "".join(f"<p class=mono>{escape(profile)}</p>" for profile in totals["profiles"]),
        "</header><section class=cards>",
        "".join(f"<div><b>{number:,}</b><span>{escape(label)}</span></div>" for label, number in cards),
        "</section>",
        _section(
            "What was done", ("action", "meaning", "elements"),
            [(action, MEANING.get(action, ""), number) for action, number in totals["actions"].items()],
        ),
        _section("Held, and why", ("reason", "files"), list(totals["held"].items())) if totals["held"] else "",
        _section(
            "By attribute", ("tag", "attribute", "action", "clause", "elements"),
            [tuple(row[k] for k in ("tag", "name", "action", "cites", "count")) for row in totals["rules"]],
        ),
        _section(
            "By output", ("output", "verifier", "size", "SHA-256"),
            [_line(o) for o in sorted(given, key=lambda o: o.output)],
        ),
        "<footer>No value of any attribute is shown here. Held files were not written.</footer>",
    ]  # fmt: skip
    return _PAGE.replace("{{body}}", "".join(body)).encode()


def _line(outcome: Outcome) -> tuple[Any, ...]:
    verdict = "passed" if outcome.state == "cleaned" else f"held: {outcome.reason}"
    return outcome.output, verdict, outcome.size or "", outcome.sha256[:16]


def _section(title: str, heads: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    lines = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
    return f"<section><h2>{escape(title)}</h2>{table}</section>"


def _cell(value: Any) -> str:
    return f"<td class=n>{value:,}</td>" if isinstance(value, int) else f"<td>{escape(str(value))}</td>"


_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>De-identification report</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root{--ink:#1c2430;--soft:#5b6675;--line:#dfe4ea;
 --paper:#fff;--wash:#f5f7f9;--accent:#0b6e6e}
@media (prefers-color-scheme:dark){:root{--ink:#e8ecf1;--soft:#9aa6b4;--line:#2c3542;
 --paper:#12171e;--wash:#1a212b;--accent:#5cc4be}}
body{margin:0 auto;max-width:62rem;padding:2.5rem 1.5rem;
 font:15px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.9rem;margin:0 0 .25rem;letter-spacing:-.02em}h2{font-size:1.1rem;margin:2.2rem 0 .6rem}
header p{margin:.1rem 0;color:var(--soft)}
.mono,td{font-variant-numeric:tabular-nums}
.mono{font:12px ui-monospace,monospace;overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:1rem;margin:1.6rem 0}
.cards div{background:var(--wash);border-left:3px solid var(--accent);padding:.9rem 1.1rem;border-radius:.3rem}

.cards b{display:block;font-size:1.7rem;line-height:1.2}.cards span{color:var(--soft)}
table{border-collapse:collapse;width:100%;font-size:.88rem}th{text-align:left;color:var(--soft);font-weight:600}
th,td{padding:.32rem .6rem .32rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
td.n{text-align:right}
footer{margin-top:2.5rem;color:var(--soft);font-size:.85rem}
@media print{body{max-width:none;padding:0;font-size:11px}thead{display:table-header-group}tr{break-inside:avoid}}
</style></head><body>{{body}}</body></html>
"""
