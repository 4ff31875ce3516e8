"""MIDAS and every peer that installs, on one corpus with planted identifiers: what each gets right, leaks, and how fast.

    python benchmarks/deid.py [--files 200] [--seed N] [--only midas,dentdeid] [--keep FOLDER]

The seed is new in every run and printed, so that a run can be repeated. The corpus: public images found in installed
packages, and made ones of the kinds that these lack; persons, texts and numbers are synthetic. Tools run one at a time.
Also written into FOLDER: the key, each tool's score as JSON, and an HTML page for MIDAS.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.peers import samples, stand
from benchmarks.peers.oracle import perfect

from midas.deid.audit import Answers, Score, plant, read_map, score, write_answers
from midas.deid.audit.outputs import maps_of
from midas.deid.audit.report import page
from midas.deid.tables import edition

HEADS = (
    "tool",
    "out",
    "MIDI-B",
    "released",
    "privacy",
    "utility",
    "hipaa",
    "dicom",
    "tcia",
    "leaks",
    "dates",
    "uids",
    "paths",
    "lines %",
    "clean %",
    "harmless %",
    "held %",
    "files/s",
    "MB/s",
)
"""MIDI-B: of all required actions; released: on files that came back; lines: burned-in lines hidden (over all files);
clean: pictures without text that came out untouched; harmless: technical marks left; leaks: strings found by byte search."""


def main() -> None:
    """Plant, let every tool run, score, print."""
    asked = _arguments()
    work = Path(asked.keep or tempfile.mkdtemp(prefix="bench-deid-"))
    work.mkdir(parents=True, exist_ok=True)
    answers = planted(asked, work)
    size = sum(p.stat().st_size for p in (work / "in").rglob("*") if p.is_file()) / 1e6
    strings = len({(s.file, s.value) for s in answers.secrets})
    say(
        f"{len(answers.files)} files, {size:.0f} MB, {len(answers.checks):,} required actions, {strings:,} planted strings, "
        f"{sum(line.secret for line in answers.lines)} burned-in lines; PS3.15 {edition()}; seed {asked.seed}"
    )
    say(
        f"{' · '.join(f'{number} {kind}' for kind, number in Counter(f.kind for f in answers.files).most_common())}\n"
    )
    say(row(HEADS))
    only = set(asked.only.split(",")) if asked.only else None
    if not only or "midas" in only:
        for jobs in (1, 2):
            told(midas(work, jobs), answers, work, size, scored=jobs == 1)
    for tool in stand.tools():
        if not only or tool["name"] in only:
            told(stand.run(tool, work / "in", work), answers, work, size)
    if not only or "self-test" in only:
        own_test(answers, work, size)
    if not asked.keep:
        shutil.rmtree(work)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--only", default="", help="midas, self-test, or names of peers, with commas")
    parser.add_argument("--keep", default="", help="a folder to work in, which then stays")
    return parser.parse_args()


def planted(asked: argparse.Namespace, work: Path) -> Answers:
    """Plant the corpus from the samples of this machine."""
    found, missing = samples.samples()
    if missing:
        say(f"not on this machine, hence skipped: {', '.join(missing)}")
    answers = plant(found, out=work / "in", seed=asked.seed, number=asked.files, textless=samples.textless)
    write_answers(answers, work / "answers.jsonl")
    return answers


def midas(work: Path, jobs: int) -> stand.Turn:
    """Let `midas deid run` do the corpus, as a user would."""
    out, report, key = work / f"midas-{jobs}", work / f"midas-{jobs}-report", work / "key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(48))
    command = [
        Path(sys.executable).parent / "midas",
        "deid",
        "run",
        work / "in",
        out,
        "--profile",
        "research",
        "--secret-file",
        key,
        "--jobs",
        str(jobs),
        "--report",
        report,
        "--json",
    ]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    name = "MIDAS" if jobs == 1 else f"MIDAS, {jobs} processes"
    if not (report / "uid-map.csv").exists():
        return stand.Turn(name, "", out, why=(done.stderr.strip().splitlines() or ["no report"])[-1][:90])
    return stand.Turn(name, "", out, time.perf_counter() - start)


def told(turn: stand.Turn, answers: Answers, work: Path, size: float, *, scored: bool = True) -> None:
    """Score one turn and print its line; a turn that failed says why."""
    if turn.why:
        say(f"{turn.name:<20} did not run: {turn.why}")
        return
    speed = (
        (f"{len(answers.files) / turn.seconds:.1f}", f"{size / turn.seconds:.1f}")
        if turn.seconds
        else ("", "")
    )
    if not scored:
        say(row((turn.name, *[""] * (len(HEADS) - 3), *speed)))
        return
    report = work / f"{turn.clean.name}-report"
    uids, patients = (
        (read_map(report / "uid-map.csv"), read_map(report / "patient-map.csv"))
        if turn.name == "MIDAS"
        else maps_of(turn.pairs)
    )
    result = score(answers, turn.clean, uids, patients, pairs=None if turn.name == "MIDAS" else turn.pairs)
    (work / f"{turn.name}.json").write_text(json.dumps(result.figures(), indent=1))
    if turn.name == "MIDAS":
        (work / "MIDAS.html").write_bytes(page(result, title="MIDAS on the benchmark's corpus"))
    say(row((f"{turn.name} {turn.version}".strip(), *cells(result), *speed)))


def cells(result: Score) -> tuple[str, ...]:
    """Return the figures of one tool between its name and its speed."""
    f = result.figures()
    percents = [
        f"{f[k]['percent']:.2f}"
        for k in ("all", "on_released", "privacy", "utility", "hipaa", "dicom", "tcia")
    ]
    leaks = [str(f["leaks"][k]) for k in ("identifier", "date", "uid", "path")]
    pictures = [
        f"{f[k]['percent']:.1f}" for k in ("lines_hidden", "clean_untouched", "harmless_kept", "held")
    ]
    return (str(f["released"]), *percents, *leaks, *pictures)


def own_test(answers: Answers, work: Path, size: float) -> None:
    """Show that the scorer can fail and can be satisfied: an unchanged copy, and outputs made from the key."""
    copy = stand.Turn(
        "unchanged copy", "", work / "in", pairs={p: p for p in (work / "in").rglob("*") if p.is_file()}
    )
    told(copy, answers, work, size)
    oracle = work / "oracle"
    told(stand.Turn("made from the key", "", oracle, pairs=perfect(answers, oracle)), answers, work, size)


def row(values: tuple[str, ...]) -> str:
    return f"{values[0]:<24}" + "".join(f"{value:>10}" for value in values[1:])


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
