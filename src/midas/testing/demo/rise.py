"""Step 11 of the demo: a dataset is graded, follows the tool's own advice, and is graded again, a band higher.

    a   the centre assesses the next version as it stands; the nodal centre grades it and sends it back
    b   what the advice names and a program can know is done: readings, protocol, draft, gates
    c   the centre assesses it anew; the nodal centre approves
    d   the release is cut under the matrix, with its grade sealed in it

Every rise rests on computed facts. The one document is a stand-in and is marked so, in the sealed grade as well; it earns
no point. Commands run in one process of their own: `python -m midas.testing.demo.rise FOLDER HUB`.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import polars as pl
from rich.markup import escape
from rich.table import Table
from typer.testing import CliRunner

from midas.cli import app
from midas.kernel import BrokenPromise, MidasError
from midas.protocol import load_named
from midas.sdk.client import Client
from midas.testing.demo.commands import console
from midas.testing.demo.place import Place

DATASET, VERSION = "oral-cancer", "1.1.0"
NAME = f"{DATASET}@{VERSION}"
READERS = ("reader-one", "reader-two")
PEOPLE = {
    "nodal": "nodal",
    "reader-one": "annotator",
    "reader-two": "annotator",
    "senior-reader": "adjudicator",
}
WORKSHEET = "DEMONSTRATION EVIDENCE. It stands in for the PRS Lite worksheet of a data steward: sensitivity routine.\n"
OPG = "    modalities: [PX, DX]\n    level: visit\n"
CORRECTIONS = (
    ("version: 1.0.0", "version: 1.1.0"),
    (
        "disease:\n",
        "contact: Data desk of the Centre for Dental Education and Research (demonstration)\ndisease:\n",
    ),
    ("max: 4, code: {scheme: LN", 'max: 4, unit: "{score}", code: {scheme: LN'),
    ("max: 10, code: {scheme: LN", 'max: 10, unit: "{score}", code: {scheme: LN'),
    (OPG, f"{OPG}    acquisition:\n      - {{keyword: KVP, min: 50, max: 100, unit: kV, cites: protocol}}\n"),
    ("  level: controlled\n", "  level: restricted\n"),
    ("split:\n  parts:", "upkeep: {every_months: 6, answer_days: 14}\nsplit:\n  parts:"),
)
"""What the advice asks of the protocol: a unit for each variable, how each image is taken, whom to write to, how often it
comes out and how soon questions are answered; and the access class that the matrix allows. De-identification stays as it
was, so the hospital's audit stands."""
DONE = {
    "annotation.": "two readers and a senior reader read the lesions",
    "documentation.": "protocol 1.1.0 says how each image is taken and in which unit each variable is",
    "standards.validators": "midas release check runs the validators",
    "readiness.leaks": "midas release check looks for leaks",
    "curation.cycle": "protocol 1.1.0 says how often a release comes",
}
"""What of the advice is followed here, by the kinds of facts that it waits for."""


def tell(place: Place, hub: str) -> dict[str, Any]:
    """Run the step; return what `rise.json` keeps."""
    home = ("--home", str(place.hub))
    passwords = {
        name: say("hub", "user", "add", name, "--role", role, *home)["password"]
        for name, role in PEOPLE.items()
    }
    first = _first_round(place, home)  # a
    _advice(first)
    keys = {
        name: say("hub", "user", "token", name, *home)["token"]
        for name in ("curator", *READERS, "senior-reader")
    }
    _read(place, hub, keys)  # b
    _protocol(place, home)
    notes = "Lesions read by two readers each; variables with their units; how each image is taken."
    say("release", "draft", DATASET, VERSION, "--notes", notes, *home)
    say("release", "check", NAME, *home, allow=(0, 1))
    say("grade", "assess", NAME, "--by", "curator", "--submit", *home)  # c
    second = say(
        "grade", "validate", NAME, "--by", "nodal", "--okay", "--approve",
        "The advice that a program can follow was followed; the worksheet is a demonstration.", *home,
    )  # fmt: skip
    console.print(_line(second))
    card = say("release", "cut", NAME, *home)  # d
    folder = place.root / "releases" / f"{DATASET}-{VERSION}"
    say("release", "export", NAME, str(folder), "--link", *home)
    verified = say("release", "verify", str(folder))
    rounds = say("grade", "history", DATASET, *home)
    return {
        "first": first, "second": second, "release": card, "verified": verified, "rounds": rounds, "passwords": passwords
    }  # fmt: skip


def say(*words: str, allow: tuple[int, ...] = (0,)) -> Any:
    """Run one command in this process and return what it answered; `BrokenPromise` for an exit code out of `allow`."""
    console.print(f"  [dim]$ midas {escape(' '.join(f'{w!r}' if ' ' in w else w for w in words))}[/dim]")
    with contextlib.redirect_stderr(io.StringIO()):
        done = CliRunner().invoke(app, [*words, "--json"])
    if isinstance(done.exception, MidasError):
        raise done.exception
    if done.exit_code not in allow:
        raise BrokenPromise(
            f"`midas {' '.join(words[:3])} …` ended with {done.exit_code}. {done.output[-2000:]}"
        )
    return json.loads(done.stdout)


def _first_round(place: Place, home: tuple[str, ...]) -> dict[str, Any]:
    worksheet = place.root / "DEMONSTRATION-prs-lite-worksheet.txt"
    worksheet.write_text(WORKSHEET, "utf-8")
    say("grade", "assess", NAME, "--by", "curator", *home)
    say("grade", "state", NAME, "privacy.sensitivity", str(worksheet), "--value", "routine", "--demonstration", "--by",
        "curator", *home)  # fmt: skip
    say("grade", "assess", NAME, "--by", "curator", "--submit", *home)
    told: dict[str, Any] = say(
        "grade",
        "validate",
        NAME,
        "--by",
        "nodal",
        "--okay",
        "--send-back",
        "Follow the advice, then submit again.",
        *home,
    )
    return told


def _advice(told: dict[str, Any]) -> None:
    """Show what would raise the grade, as the tool ranks it, and what of it is done here."""
    console.print(_line(told))
    table = Table(title="What would raise this", title_justify="left", header_style="bold")
    for heading in ("domain", "level", "what it waits for", "here"):
        table.add_column(heading, overflow="fold")
    for one in told["advice"]:
        kinds = [lack["kind"] for lack in one["lacks"]]
        here = {words for start, words in DONE.items() for kind in kinds if kind.startswith(start)}
        waits = "; ".join(dict.fromkeys(lack["says"] for lack in one["lacks"]))
        table.add_row(
            f"{one['domain']} {one['name']}", f"{one['from']} → {one['to']}", waits,
            "; ".join(sorted(here)) or "[dim]needs people, papers or more hospitals[/]",
        )  # fmt: skip
    console.print(table)


def _line(told: dict[str, Any]) -> str:
    mark = " · demonstration evidence" if told["demonstration evidence"] else ""
    return (
        f"  {told['form'].title()} form: CQI [bold]{told['cqi']:.2f}[/] ({told['band']}), {told['computed']:.2f} of it "
        f"computed · {told['access'] or 'not releasable'} · {told['grade is']}{mark}"
    )


def _read(place: Place, hub: str, keys: dict[str, str]) -> None:
    """Set the task of the protocol and have it read: the readers differ on one lesion, and the senior reader settles it."""
    labels = pl.read_parquet(place.release(DATASET) / "labels.parquet").filter(
        pl.col("target") == "clinical-impression"
    )
    known = dict(zip(labels["subject"].to_list(), labels["value"].to_list(), strict=True))
    sent = {"annotation": "impressions", "readers": READERS, "adjudicators": ["senior-reader"]}
    headers = {"Authorization": f"Bearer {keys['curator']}", "Idempotency-Key": str(uuid4())}
    made = httpx.post(f"{hub}/api/v1/datasets/{DATASET}/tasks", json=sent, headers=headers, timeout=60)
    made.raise_for_status()
    task, values = made.json()["task"], made.json()["values"]
    apart = 0
    for name in READERS:
        with Client(hub, keys[name]) as reader:
            for number, item in enumerate(reader.task_items(task)):
                value = known[item.subject]
                if name == READERS[1] and number == 0:
                    value = next(one for one in values if one != value)
                reader.read(task, item.item, value, submit=True)
    with Client(hub, keys["senior-reader"]) as senior:
        for item in list(senior.task_items(task)):
            senior.settle(task, item.item, value=known[item.subject], why="Seen again on all photographs.")
            apart += 1
    console.print(f"  {len(known)} lesions read twice, blinded; {apart} settled by the senior reader")


def _protocol(place: Place, home: tuple[str, ...]) -> None:
    source = load_named(DATASET).source
    for before, after in CORRECTIONS:
        if source.count(before) < 1:
            raise BrokenPromise(f"The protocol has no '{before}' to correct.")
        source = source.replace(before, after, 1)
    path = place.root / f"{DATASET}-{VERSION}.yaml"
    path.write_text(source, "utf-8")
    say("hub", "protocol", "add", str(path), *home)


def main() -> int:
    place, hub = Place(Path(sys.argv[1])), sys.argv[2]
    try:
        place.keep("rise.json", tell(place, hub))
    except MidasError as error:
        console.print(f"[bold red]{type(error).__name__}[/] {escape(error.message)} {escape(error.advice)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
