"""The de-identification report of a release: its submissions' reports side by side, less whoever is not in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from midas.catalogue.models import Submission
from midas.kernel import Conflict, canonical
from midas.release.page import page
from midas.store import Blobs

_PSEUDONYM = re.compile(r"P-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}")
_ROWS_SHOWN = 200
"""Rows of one list that the page for people shows; the JSON has all."""


def batch_of(submission: Submission, store: Blobs) -> dict[str, Any]:
    """Return one submission's report with its origin; `Conflict` where the submission came without one."""
    parts = {part["path"]: part["sha256"] for part in submission.header.get("parts", ())}
    if "report.json" not in parts:
        raise Conflict(
            f"The submission {submission.root[:12]}… has no de-identification report.",
            advice="Leave it out of the draft, or have the spoke send it again.",
        )
    report = json.loads(b"".join(store.read(parts["report.json"])))
    return {"spoke": submission.spoke, "submission": submission.root, "report": report}


def only(value: Any, kept: set[str]) -> Any:
    """Return the value without entries that name a subject outside `kept`."""
    if isinstance(value, Mapping):
        return {key: only(one, kept) for key, one in value.items() if not _strange(key, kept)}
    if isinstance(value, list | tuple):
        return [only(one, kept) for one in value if not _names_strangers(one, kept)]
    return value


def _strange(text: Any, kept: set[str]) -> bool:
    return isinstance(text, str) and any(found not in kept for found in _PSEUDONYM.findall(text))


def _names_strangers(value: Any, kept: set[str]) -> bool:
    if isinstance(value, Mapping):
        return any(_strange(one, kept) for one in value.values())
    return _strange(value, kept)


def encode(batches: Iterable[Mapping[str, Any]], *, kept: set[str]) -> bytes:
    """Return `deid/report.json` as canonical JSON."""
    ordered = sorted((only(batch, kept) for batch in batches), key=lambda batch: str(batch["submission"]))
    return canonical({"schema": "midas-release-deid/1", "batches": ordered}) + b"\n"


def decode(data: bytes) -> tuple[Mapping[str, Any], ...]:
    return tuple(json.loads(data)["batches"])


def as_page(report: bytes, *, title: str) -> str:
    """Return `deid/report.html`: the same for people, on one printable page."""
    body = [
        (
            "<p>What was done to the data before it left each hospital. Each section is one sending. "
            "<code>report.json</code>, beside this file, holds every row.</p>"
        )
    ]
    for number, batch in enumerate(decode(report), start=1):
        body.append(f"<h2>{number}. {escape(str(batch['spoke']))}</h2>")
        body.append(f"<p class='faint'>submission <code>{escape(str(batch['submission']))[:16]}…</code></p>")
        body.append(_shown(batch["report"]))
    return page(title=f"De-identification report: {title}", body="\n".join(body))


def _shown(value: Any, *, depth: int = 3) -> str:
    """Write JSON as headings and tables."""
    if not isinstance(value, Mapping):
        return f"<p>{_cell(value)}</p>" if not isinstance(value, list) else _rows(value)
    plain = {key: one for key, one in value.items() if not isinstance(one, Mapping | list)}
    parts = []
    if plain:
        cells = "".join(f"<tr><th>{_words(key)}</th><td>{_cell(one)}</td></tr>" for key, one in plain.items())
        parts.append(f"<table class='pairs'>{cells}</table>")
    for key, one in value.items():
        if key not in plain and one:
            parts.append(f"<h{depth}>{_words(key)}</h{depth}>{_shown(one, depth=min(depth + 1, 5))}")
    return "".join(parts)


def _rows(rows: list[Any]) -> str:
    if not all(isinstance(row, Mapping) for row in rows):
        return "<p>" + ", ".join(_cell(row) for row in rows[:_ROWS_SHOWN]) + "</p>"
    headings = sorted(
        {key for row in rows for key in row},
        key=lambda key: list(rows[0]).index(key) if key in rows[0] else 99,
    )
    head = "".join(f"<th>{_words(heading)}</th>" for heading in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(row.get(heading))}</td>" for heading in headings) + "</tr>"
        for row in rows[:_ROWS_SHOWN]
    )
    more = f"<p class='faint'>and {len(rows) - _ROWS_SHOWN:,} more</p>" if len(rows) > _ROWS_SHOWN else ""
    return f"<table><tr>{head}</tr>{body}</table>{more}"


def _words(key: str) -> str:
    return escape(str(key).replace("_", " "))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping | list):
        return escape(json.dumps(value, ensure_ascii=False, sort_keys=True))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else escape(str(value))
