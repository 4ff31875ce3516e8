"""What must be true at the end, each looked at from outside: in the spoke's and hub's files and in the release.

In come the demo's place and the truth; out come checks with ✓ or ✗ and a few words. A check never raises for a bad
result: what goes wrong in it makes it ✗.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midas.grading.rubric import rubric_named
from midas.kernel import MidasError
from midas.testing.demo.commands import midas
from midas.testing.demo.place import Place
from midas.testing.demo.search import search
from midas.testing.hospital import Truth


@dataclass(frozen=True)
class Check:
    title: str
    ok: bool
    detail: str = ""


@dataclass(frozen=True)
class State:
    """One item as the spoke's database has it, without what is encrypted."""

    sha256: str
    kind: str
    state: str
    reason: str
    findings: tuple[str, ...]


def states(home: Path) -> tuple[State, ...]:
    """Return every item of a spoke, read straight from its database file."""
    with closing(sqlite3.connect(f"file:{home / 'spoke.sqlite3'}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT sha256, kind, state, reason, findings FROM intake_item").fetchall()
    return tuple(
        State(sha256, kind, state, reason, tuple(one["rule"] for one in json.loads(findings or "[]")))
        for sha256, kind, state, reason, findings in rows
    )


def digests_by_number(home: Path) -> dict[int, str]:
    """Return the SHA-256 of each item that is a file, by the number that the commands know it by."""
    with closing(sqlite3.connect(f"file:{home / 'spoke.sqlite3'}?mode=ro", uri=True)) as database:
        return dict(database.execute("SELECT id, sha256 FROM intake_item WHERE sha256 <> ''"))


def tally_of(items: tuple[State, ...]) -> dict[str, int]:
    count = Counter(item.state for item in items)
    return {"in": len(items), **{state: count[state] for state in ("waiting", "held", "refused", "sent")}}


def looked_at(title: str, look: Callable[[], tuple[bool, str]]) -> Check:
    """Run one look; any failure of the look itself is a ✗ with its words."""
    try:
        ok, detail = look()
    except (MidasError, OSError, ValueError, LookupError, sqlite3.Error) as error:
        return Check(title, ok=False, detail=f"{type(error).__name__}: {error}"[:400])
    return Check(title, ok, detail)


def of_spoke(place: Place, truth: Truth) -> Iterator[Check]:
    """The tally, and each single file and row against what was planted to happen to it."""
    items = states(place.spoke(truth.spoke))
    tally = tally_of(items)
    parts = " + ".join(f"{tally[state]} {state}" for state in ("sent", "held", "refused", "waiting"))
    whole = tally["in"] == tally["sent"] + tally["held"] + tally["refused"] + tally["waiting"]
    yield Check("everything in = sent + held + refused + waiting", whole, f"{tally['in']} = {parts}")
    yield Check("nothing is left waiting", tally["waiting"] == 0, f"{tally['waiting']} waiting")
    expected = truth.tally()
    same = {name: tally[name] for name in expected} == expected
    yield Check("as many as were planted to pass, be held, be refused", same, f"planted: {expected}")
    wrong = list(differences(items, truth))
    yield Check("each file ended where it had to, for the right reason", not wrong, "; ".join(wrong[:6]))


def differences(items: tuple[State, ...], truth: Truth) -> Iterator[str]:
    """Yield a line for each file (by its bytes) and each group of rows that ended otherwise than planted."""
    found = {item.sha256: item for item in items if item.sha256 and item.kind != "row"}
    for expected in truth.expected:
        if not expected.sha256:
            continue
        item = found.get(expected.sha256)
        if item is None:
            if "unsafe-path" not in expected.reasons:
                yield f"{expected.path}: not received"
        elif item.state != expected.state or (expected.reasons and item.reason not in expected.reasons):
            wanted = "/".join((expected.state, *expected.reasons))
            yield f"{expected.path}: {item.state} {item.reason}, not {wanted}"
    rows = Counter(item.state for item in items if item.kind == "row")
    planted = Counter(one.state for one in truth.expected if "#" in one.path)
    if rows != planted:
        yield f"table rows: {dict(rows)}, not {dict(planted)}"


def of_hub(place: Place, planted: tuple[str, ...]) -> Check:
    def look() -> tuple[bool, str]:
        leaks = list(search(place.hub, planted=planted))
        files = sum(path.is_file() for path in place.hub.rglob("*"))
        if leaks:
            shown = "; ".join(f"{leak.what!r} in {leak.place}" for leak in leaks[:5])
            return False, f"{len(leaks)} found: {shown}"
        return True, f"{len(planted)} strings, in every spelling, over {files} files of the hub"

    return looked_at("no planted identifier anywhere at the hub", look)


def of_release(place: Place, truth: Truth) -> Iterator[Check]:
    folder = place.release(truth.dataset)
    yield looked_at("the release verifies offline", lambda: _verified(folder, expect=0))
    yield looked_at("one changed byte is called wrong", lambda: _one_byte(folder))
    yield looked_at(
        "the score of its de-identification stands in it, above the floor", lambda: _measured(folder)
    )
    yield looked_at("Croissant validates (mlcroissant) and loads records", lambda: croissant(folder))
    yield looked_at("the SDK opens it: tables, image, label", lambda: _opened(folder, truth))


def of_rise(place: Place) -> Iterator[Check]:
    """Look at the grades before and after the advice was followed, and at the one that is sealed."""
    told, bands = place.kept("rise.json"), [one.id for one in rubric_named().bands]  # best first
    first, second, grade = told["first"], told["second"], told["verified"]["grade"]
    line = f"CQI {first['cqi']:.2f} ({first['band']}) → {second['cqi']:.2f} ({second['band']})"
    yield Check(
        "it rose a band by the tool's own advice, by computed facts alone",
        bands.index(second["band"]) < bands.index(first["band"])
        and (first["computed"], second["computed"]) == (first["cqi"], second["cqi"]),
        line,
    )
    yield Check(
        "the sealed grade is that grade, says it is a draft, and marks the stand-in document",
        told["verified"]["ok"]
        and (grade["cqi"], grade["status"], grade["demonstration evidence"])
        == (second["cqi"], "draft for expert validation", True),
        f"{grade['status']}; demonstration evidence; {grade['access']}",
    )


def _verified(folder: Path, *, expect: int) -> tuple[bool, str]:
    code, said = midas("release", "verify", str(folder), "--json", allow=(0, 1, 7), quiet=True)
    return code == expect, _summary(said)


def _summary(said: str) -> str:
    answer: dict[str, Any] = json.loads(said)
    return f"{answer['right']} right, {answer['withdrawn']} withdrawn, {answer['wrong']} wrong; key {answer['key'][:16]}…"


def _measured(folder: Path) -> tuple[bool, str]:
    """Read the score where a stranger would: in the release's own protocol, reports and datasheet."""
    from midas.protocol import load
    from midas.protocol.floor import lacking
    from midas.release.floor import audit_of

    loaded = load(folder / "protocol.yaml")
    floor = loaded.protocol.deid.audit
    audits = [audit_of(one) for one in json.loads((folder / "deid" / "report.json").read_bytes())["batches"]]
    if floor is None or not audits:
        return False, "no floor, or no report"
    lacks = [lack for one in audits for lack in lacking(one, floor, protocol_sha256=loaded.sha256)]
    shares = [
        f"{one.all.right / one.all.of:.2%} of {one.all.of} actions" for one in audits if one and one.all.of
    ]
    told = "Measured with identifiers planted" in (folder / "DATASHEET.md").read_text("utf-8")
    return told and not lacks, "; ".join(lacks or [f"{', '.join(shares)}; the floor is {floor.floor:.0%}"])


def _one_byte(folder: Path) -> tuple[bool, str]:
    """Change one byte in the middle of an image, look, and put it back."""
    victim = min((folder / "data").rglob("*.dcm"))
    data = victim.read_bytes()
    middle = len(data) // 2
    mode = victim.stat().st_mode
    victim.chmod(0o644)
    try:
        victim.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
        code, _said = midas("release", "verify", str(folder), "--json", allow=(0, 1, 7), quiet=True)
    finally:
        victim.write_bytes(data)
        victim.chmod(mode)
    return code != 0, f"exit code {code}"


def croissant(folder: Path) -> tuple[bool, str]:
    """Validate croissant.json and load a record of each record set."""
    import logging

    import mlcroissant

    logging.getLogger("absl").setLevel(logging.ERROR)
    dataset = mlcroissant.Dataset(jsonld=folder / "croissant.json")
    issues = dataset.metadata.ctx.issues
    if issues.errors:
        return False, "; ".join(sorted(issues.errors))[:300]
    loaded = 0
    for records in dataset.metadata.record_sets:
        loaded += next(iter(dataset.records(records.id)), None) is not None
    sets = len(dataset.metadata.record_sets)
    return loaded > 0, f"{sets} record sets, {loaded} with records, {len(issues.warnings)} warnings"


def _opened(folder: Path, truth: Truth) -> tuple[bool, str]:
    from midas import sdk

    release = sdk.open(str(folder))
    subjects = release.table("subjects").height
    image = next(iter(release.images()))
    labels = release.table("labels").height
    shape = "×".join(map(str, image.array.shape))
    right = subjects == truth.subjects and image.array.size > 0 and labels > 0
    return right, f"{subjects} subjects, {labels} labels, first image {shape} of {image.subject}"
