"""The report of a batch or study: what was done, under which rules, and what the verifier found. For programs and people.

In come outcomes, or the sum of them; out come JSON or one self-contained printable HTML page. Outputs are named by their
pseudonymous path; no value of any attribute, and no name or path of the hospital, is ever shown.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from midas.deid import tables
from midas.deid.model import ENGINE, Outcome, Profile, RuleRow
from midas.deid.report_page import PAGE, WORDS
from midas.kernel import canonical
from midas.wire.v1 import AuditScore

MEANING = {
    "X": "removed", "Z": "emptied", "D": "replaced by a dummy", "U": "UID mapped by key", "C": "cleaned or shifted",
    "K": "kept by an option",
}  # fmt: skip

NUMBERS = ("files", "cleaned", "size", "masked")
COUNTS = ("held", "actions", "kinds", "profiles")
PAIRS = ("rules", "regions", "findings")


@dataclass
class Tally:
    """The sum over many outcomes; it grows with the number of rules, not of files."""

    files: int = 0
    cleaned: int = 0
    size: int = 0
    masked: int = 0
    held: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    rules: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    regions: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: Counter[tuple[str, str]] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    profiles: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Tally:
        made = cls()
        for outcome in outcomes:
            made.add(outcome)
        return made

    def add(self, outcome: Outcome, *, further: bool = False) -> None:
        """Count one outcome in. `further`: another output of the file that the last one came from."""
        self.files += not further
        self.profiles[f"{outcome.profile}#{outcome.digest}"] += bool(outcome.profile)
        if outcome.state == "held":
            self.held[outcome.reason] += 1
            return
        self.cleaned += not further
        self.size += outcome.size
        self.masked += outcome.masked
        self.kinds[outcome.uids.sop_class] += 1
        self.actions.update(outcome.actions)
        for row in outcome.rules:
            self.rules[row.tag, row.name, row.action, row.cites] += row.count
        self.regions.update((region.rule, region.evidence) for region in outcome.regions)
        self.findings.update((one.rule, one.severity.value) for one in outcome.findings)

    def merge(self, other: Tally) -> None:
        """Count another sum in."""
        self.files, self.cleaned = self.files + other.files, self.cleaned + other.cleaned
        self.size, self.masked = self.size + other.size, self.masked + other.masked
        for name in (*COUNTS, *PAIRS):
            getattr(self, name).update(getattr(other, name))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-like data; `from_dict` reads it back."""
        flat = {name: getattr(self, name) for name in (*NUMBERS, *COUNTS)}
        paired = {name: [[*key, n] for key, n in getattr(self, name).items()] for name in PAIRS}
        return {**flat, **paired}

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> Tally:
        made: dict[str, Any] = {name: int(given[name]) for name in NUMBERS}
        made |= {name: Counter(given[name]) for name in COUNTS}
        made |= {name: Counter({tuple(row[:-1]): row[-1] for row in given[name]}) for name in PAIRS}
        return cls(**made)

    def told(self) -> dict[str, Any]:
        """Return what the machine's report says."""
        return {
            "schema": "midas-deid-report/1",
            "engine": ENGINE,
            "standard": f"DICOM PS3.15 {tables.edition()}, Basic Application Level Confidentiality Profile",
            "profiles": sorted(name for name, count in self.profiles.items() if count),
            "files": self.files,
            "cleaned": self.cleaned,
            "held": dict(sorted(self.held.items())),
            "bytes": self.size,
            "actions": dict(sorted(self.actions.items())),
            "rules": [RuleRow(*key, count).__dict__ for key, count in sorted(self.rules.items())],
            "regions": [
                {"rule": rule, "evidence": evidence, "count": count}
                for (rule, evidence), count in sorted(self.regions.items())
            ],
            "masked_pixels": self.masked,
            "findings": [
                {"rule": rule, "severity": severity, "count": count}
                for (rule, severity), count in sorted(self.findings.items())
            ],
            "sop_classes": dict(sorted(self.kinds.items())),
        }


class Studies:
    """Sums by study, kept on disk while a batch runs, so that memory does not grow with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700)

    def add(self, study: str, tally: Mapping[str, Any]) -> None:
        """Count a part of a study in; files that belong to none (held ones) stand in the batch's report alone."""
        if study:
            with (self._folder / study).open("ab") as stream:
                stream.write(json.dumps(tally).encode() + b"\n")

    def write(self, out: Path, profile: Profile) -> None:
        """Write one page for each study under its new UID, in a folder of mode 0700; pages of earlier runs go."""
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(mode=0o700)
        for path in sorted(self._folder.iterdir()):
            tally = Tally()
            for line in path.read_bytes().splitlines():
                tally.merge(Tally.from_dict(json.loads(line)))
            page = out / f"{path.name}.html"
            page.touch(mode=0o600)
            page.write_bytes(report_html_of(tally, profile))


def report_json(outcomes: Iterable[Outcome], *, audit: AuditScore | None = None) -> bytes:
    """Return the report of these outcomes as canonical JSON, with one entry for each output, and the site's audit."""
    given = tuple(outcomes)
    files = [
        {
            "output": o.output, "state": o.state, "reason": o.reason, "sha256": o.sha256, "size": o.size,
            "actions": o.actions, "findings": [finding.to_dict() for finding in o.findings],
            "regions": len(o.regions), "masked": o.masked,
        }
        for o in given
    ]  # fmt: skip
    outputs = sorted(files, key=lambda f: (str(f["output"]), str(f["sha256"])))
    measured = {"audit": audit.model_dump(mode="json", by_alias=True)} if audit else {}
    return canonical({**Tally.of(given).told(), "outputs": outputs, **measured})


def report_json_of(tally: Tally, profile: Profile) -> bytes:
    """Return the report of a whole batch as canonical JSON; its outputs stand in `file-map.csv`, not here."""
    return canonical({**tally.told(), "profile": _asked(profile)})


def _asked(profile: Profile) -> dict[str, Any]:
    return {
        "name": profile.name, "digest": profile.digest, "options": sorted(profile.options),
        "exceptions": [one.model_dump(mode="json") for one in profile.exceptions],
        "thresholds": dict(profile.thresholds.__dict__), "face_keep": sorted(profile.face_keep),
    }  # fmt: skip


def report_html(outcomes: Iterable[Outcome], *, language: str = "en") -> bytes:
    """Return the report of these outcomes as one page that prints well and loads nothing."""
    given = sorted(outcomes, key=lambda one: one.output)
    words = _words(language)
    outputs = _section(
        words["by_output"],
        (words["output"], words["verifier"], words["size"], "SHA-256"),
        [_line(o) for o in given],
    )
    return _page(Tally.of(given), None, language, outputs)


def report_html_of(tally: Tally, profile: Profile, *, language: str = "en") -> bytes:
    """Return the report of a whole batch as one page that prints well and loads nothing."""
    return _page(tally, profile, language, "")


def _words(language: str) -> dict[str, str]:
    return {**WORDS["en"], **WORDS.get(language, {})}


def _page(tally: Tally, profile: Profile | None, language: str, outputs: str) -> bytes:
    words, told = _words(language), tally.told()
    cards = [
        (words["files"], tally.files), (words["cleaned"], tally.cleaned), (words["held"], sum(tally.held.values())),
        (words["regions"], sum(tally.regions.values())),
    ]  # fmt: skip
    body = [
        f"<header><h1>{escape(words['title'])}</h1><p>{escape(told['standard'])} · {escape(ENGINE)}</p>",
        "".join(f"<p class=mono>{escape(one)}</p>" for one in told["profiles"]),
        "</header><section class=cards>",
        "".join(f"<div><b>{number:,}</b><span>{escape(label)}</span></div>" for label, number in cards),
        "</section>",
        _profile(profile, words) if profile else "",
        _held(tally, words, language),
        _section(
            words["what"], (words["action"], words["meaning"], words["elements"]),
            [(action, words.get(f"act_{action}", MEANING.get(action, "")), n) for action, n in told["actions"].items()],
        ),
        _section(
            words["pixels"], (words["rule"], words["evidence"], words["regions"]),
            [(one["rule"], one["evidence"], one["count"]) for one in told["regions"]],
        ),
        _section(
            words["findings"], (words["rule"], words["severity"], words["number"]),
            [(one["rule"], one["severity"], one["count"]) for one in told["findings"]],
        ),
        _section(
            words["by_attribute"], (words["tag"], words["attribute"], words["action"], words["clause"], words["elements"]),
            [tuple(row[k] for k in ("tag", "name", "action", "cites", "count")) for row in told["rules"]],
        ),
        outputs,
        f"<footer>{escape(words['footer'])}</footer>",
    ]  # fmt: skip
    page = PAGE.replace("{{language}}", language if language in WORDS else "en").replace(
        "{{title}}", words["title"]
    )
    return page.replace("{{body}}", "".join(body)).encode()


def _held(tally: Tally, words: dict[str, str], language: str) -> str:
    rows = []
    for reason, count in tally.held.most_common():
        why = tables.why_held(reason)
        title, advice = (why.title_hi, why.advice_hi) if language == "hi" else (why.title, why.advice)
        rows.append((reason, title, advice, count))
    return _section(
        words["why_held"], (words["reason"], words["meaning"], words["advice"], words["files"]), rows
    )


def _profile(profile: Profile, words: dict[str, str]) -> str:
    rows: list[tuple[Any, ...]] = [(words["option"], option, "") for option in sorted(profile.options)]
    rows += [(words["exception"], f"{one.keyword}: {one.action}", one.reason) for one in profile.exceptions]
    rows += [(words["threshold"], name, str(value)) for name, value in profile.thresholds.__dict__.items()]
    rows += [(words["face_keep"], part, "") for part in sorted(profile.face_keep)]
    return _section(f"{words['profile']}: {profile.name}", ("", "", ""), rows)


def _line(outcome: Outcome) -> tuple[Any, ...]:
    verdict = "passed" if outcome.state == "cleaned" else f"held: {outcome.reason}"
    return outcome.output, verdict, outcome.size or "", outcome.sha256[:16]


def _section(title: str, heads: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    lines = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows)
    if not lines:
        return ""
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
    return f"<section><h2>{escape(title)}</h2>{table}</section>"


def _cell(value: Any) -> str:
    return f"<td class=n>{value:,}</td>" if isinstance(value, int) else f"<td>{escape(str(value))}</td>"
