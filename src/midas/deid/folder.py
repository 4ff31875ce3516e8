"""A folder in, a clean folder out: what is proven clean lands under neutral names, what is not stays out with its reason.

In come a folder (or archive), a profile and a secret; out come files under OUT, and in the report folder, which only its
owner can open, lists that lead back (`held.csv`, `uid-map.csv`, `patient-map.csv`, `file-map.csv`) and reports that do not
(`report.json`, `report.html`). Everything in = cleaned + held. A run that was stopped goes on where it stopped.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from midas.deid.batch import (
    Chunk,
    Subject,
    Workplace,
    chunked,
    clean_chunk,
    job_for,
    sealed_cards,
    subjects_of,
    surveyed,
    workplace,
)
from midas.deid.heads import Entry, Faces, Item, look_for_faces
from midas.deid.journal import Journal, Line, Lists, private
from midas.deid.model import ENGINE, Outcome, Profile
from midas.deid.planning import Planned, plan_all, plan_line
from midas.deid.report import Studies, Tally, report_html_of, report_json_of
from midas.deid.secret import Secret
from midas.deid.survey import Crowd, read_header
from midas.formats import Kind, Trouble, walk
from midas.kernel import BadInput, NoProgress, NotFound, Progress, Runner, whole_file

TRIED_AGAIN = frozenset({"not-processed", "not-understood"})
"""Reasons that say more of the machine than of the file: such files are done anew at every run."""


@dataclass(frozen=True)
class Summary:
    """How a folder came out; no identified value. `kept`: files that an earlier, equal run had cleaned already."""

    found: int
    cleaned: int
    held: int
    kept: int
    persons: int
    reasons: dict[str, int]
    masked: int
    profile: str
    digest: str
    engine: str
    out: Path
    report: Path


@dataclass(frozen=True)
class Done:
    """What a worker gives back of a chunk: outcomes without their rules, the sum of these by study, and UIDs, sealed."""

    outcomes: tuple[Outcome, ...]
    tallies: dict[str, dict[str, object]]
    told: bytes = field(repr=False)


def work(chunk: Chunk) -> Done:
    """Clean a chunk and add up what was done, so that little travels between processes."""
    outcomes, told = clean_chunk(chunk)
    by_study: defaultdict[str, Tally] = defaultdict(Tally)
    for one in outcomes:
        by_study[one.uids.study].add(one)
    slim = tuple(replace(one, rules=(), facts={}, actions={}) for one in outcomes)
    return Done(slim, {study: tally.to_dict() for study, tally in by_study.items()}, told)


def check_places(source: Path, out: Path, report: Path) -> None:
    """Refuse folders that lie in one another, so that nothing identified can come to lie beside what is clean."""
    if not source.exists():
        raise NotFound("The folder to de-identify is not there.", advice="Check the path of IN.")
    came, gone, told = source.resolve(), out.resolve(), report.resolve()
    for inner, outer, words in (
        (gone, came, "OUT lies inside IN"), (came, gone, "IN lies inside OUT"),
        (told, gone, "The report folder lies inside OUT"), (told, came, "The report folder lies inside IN"),
    ):  # fmt: skip
        if inner == outer or inner.is_relative_to(outer):
            raise BadInput(
                f"{words}.",
                advice="Choose three folders beside one another: identified, clean, and for the key's owner.",
            )
    if out.exists() and not out.is_dir():
        raise BadInput("OUT is no folder.", advice="Give a folder that is empty or not there yet.")


def folder(
    source: Path, out: Path, *, profile: Profile, secret: Secret, report: Path, runner: Runner,
    progress: Progress | None = None,
) -> Summary:  # fmt: skip
    """De-identify everything below `source` into `out`. Raises nothing for bad data; the source is not changed."""
    watch = progress or NoProgress()
    # 1. Places, and what an earlier run left
    check_places(source, out, report)
    private(report)
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as open_until_done:
        place = open_until_done.enter_context(workplace(secret, within=report))
        staging = _staging(out)
        open_until_done.callback(shutil.rmtree, staging, ignore_errors=True)
        # 2. What is there, 3. whose it is, 4. where faces are
        items, held = _found(source, place.folder / "unpacked", staging, watch)
        entries, crowd = surveyed(items, place=place, runner=runner, progress=watch)
        faces = look_for_faces(entries, folder=place.folder, profile=profile, runner=runner, progress=watch)
        # 5. Clean, 6. put in place, 7. tell
        flow = _Flow(place, profile, source, out, report)
        open_until_done.callback(flow.close)
        flow.hold(held)
        flow.clean(entries, crowd, faces, runner=runner, progress=watch)
        return flow.told(subjects_of(crowd, secret), report)


def _staging(out: Path) -> Path:
    for left in out.glob(".midas-deid-*"):
        shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=".midas-deid-", dir=out))


def _found(
    source: Path, scratch: Path, staging: Path, progress: Progress
) -> tuple[list[Item], list[tuple[str, str, str]]]:
    """Walk the source: DICOM files, and (name, reason, detail) of everything else."""
    items: list[Item] = []
    held: list[tuple[str, str, str]] = []
    for one in progress.track(walk(source, scratch=scratch), label="Find"):
        if isinstance(one, Trouble):
            held.append((one.name, one.reason, one.message))
        elif one.kind is Kind.DICOM or (one.kind is Kind.UNKNOWN and _bare(one.path)):
            items.append(Item(one.path, staging / f"{len(items)}.dcm", one.name))
        else:
            reason = "index-file" if one.kind is Kind.DICOMDIR else f"kind-{one.kind.value}"
            held.append((one.name, reason, ""))
    return items, held


def _bare(path: Path) -> bool:
    """Say whether a file without any mark of DICOM holds a dataset all the same."""
    header = read_header(path)
    return header is not None and bool(header.sop_class and header.instance)


class _Flow:
    """One run over a folder: it puts outputs in place and adds up."""

    def __init__(self, place: Workplace, profile: Profile, source: Path, out: Path, report: Path) -> None:
        self.place, self.profile, self.source, self.out = place, profile, source, out
        self.journal, self.lists = Journal(report), Lists(report)
        self.tally, self.kept, self.files = Tally(), 0, 0
        self.studies = Studies(place.folder / "studies")
        self.taken: set[str] = set()

    def close(self) -> None:
        self.journal.close()
        self.lists.close()

    def hold(self, held: Sequence[tuple[str, str, str]]) -> None:
        for name, reason, detail in held:
            self._count_held(name, reason, detail)
            self.tally.add(Outcome("held", reason, detail))

    def _count_held(self, name: str, reason: str, detail: str) -> None:
        self.files += 1
        self.lists.held(name, reason, detail)
        self._take_back(name, "")

    def clean(
        self, entries: Sequence[Entry], crowd: Crowd, faces: Faces, *, runner: Runner, progress: Progress
    ) -> None:
        cards = sealed_cards(crowd, self.place)
        ready: list[Entry] = []
        for entry in entries:
            if held := faces.held(entry, self.profile):
                self.hold([(entry.item.name, held.reason, held.detail)])
            else:
                ready.append(entry)
        jobs = [job_for(one, cards[one.person.key], self.place, self.profile, faces) for one in ready]
        chunks, fresh, at = list(chunked(ready, jobs)), [], 0
        for chunk in chunks:
            members = ready[at : at + len(chunk.jobs)]
            at += len(chunk.jobs)
            key = self._key(members, [cards[one.person.key][2] for one in members], faces)
            if line := self._known(key, members):
                self._settle(members, line)
                self.kept += len(members)
            else:
                fresh.append((chunk, members, key))
        results = runner.map(work, [chunk for chunk, _, _ in fresh])
        total = sum(len(members) for _, members, _ in fresh)
        done = self._finished(zip(fresh, results, strict=True))
        for _ in progress.track(done, label="De-identify", total=total):
            pass

    def _finished(self, results: Iterable[tuple[tuple[Chunk, list[Entry], str], Done]]) -> Iterator[None]:
        """Settle chunk after chunk; one step for each file."""
        for (chunk, members, key), done in results:
            self._finish(chunk, members, key, done)
            yield from (None for _ in members)

    def _key(self, members: Sequence[Entry], cards: Sequence[str], faces: Faces) -> str:
        about = [
            (
                one.item.name,
                one.item.source.stat().st_size,
                self._changed(one.item.name),
                card,
                faces.mask(one) is not None,
            )
            for one, card in zip(members, cards, strict=True)
        ]
        return self.place.secret.fingerprint(repr((ENGINE, self.profile.digest, about)))

    def _changed(self, name: str) -> int:
        """Return when a file, or the archive that it came in, was last changed."""
        outer = self.source if self.source.is_file() else self.source / name.split("!/")[0]
        try:
            return outer.stat().st_mtime_ns
        except OSError:
            return -1

    def _known(self, key: str, members: Sequence[Entry]) -> Line | None:
        """Return what the journal says of a chunk, where all its outputs still stand as they were written."""
        line = self.journal.known(key)
        if line is None or len(line.files) != len(members):
            return None
        if any(one["reason"] in TRIED_AGAIN for one in line.files):
            return None
        whole = all(
            not one["output"]
            or ((path := self.out / one["output"]).is_file() and path.stat().st_size == one["size"])
            for one in line.files
        )
        return line if whole else None

    def _finish(self, chunk: Chunk, members: Sequence[Entry], key: str, done: Done) -> None:
        files = []
        for job, entry, outcome in zip(chunk.jobs, members, done.outcomes, strict=True):
            output = (
                self._put(job.target, job.placement.subject, outcome) if outcome.state == "cleaned" else ""
            )
            files.append({
                "name": entry.item.name, "output": output, "sha256": outcome.sha256, "size": outcome.size,
                "reason": outcome.reason, "detail": outcome.detail,
            })  # fmt: skip
        line = Line(key, files, done.tallies, self.place.opened(done.told))
        self.journal.write(line)
        self._settle(members, line)

    def _settle(self, members: Sequence[Entry], line: Line) -> None:
        self.lists.uids(line.uids)
        for study, tally in line.tallies.items():
            self.tally.merge(Tally.from_dict(tally))
            self.studies.add(study, tally)
        for entry, one in zip(members, line.files, strict=True):
            self.taken.add(str(one["output"]))
            if one["output"]:
                self.files += 1
                self.lists.file(entry.item.name, one)
                self._take_back(entry.item.name, str(one["output"]))
            else:
                self._count_held(entry.item.name, str(one["reason"]), str(one["detail"]))

    def _take_back(self, name: str, output: str) -> None:
        """Remove what an earlier run released for this source, where it is now held or named otherwise."""
        before = self.journal.released.get(name, "")
        if before and before != output and before not in self.taken:
            (self.out / before).unlink(missing_ok=True)

    def _put(self, target: Path, subject: str, outcome: Outcome) -> str:
        """Move a cleaned file to its neutral name; a second file of one instance UID gets a number."""
        uids = outcome.uids
        stem, number = f"{subject}/{uids.study}/{uids.series}/{uids.instance}", 1
        name = f"{stem}.dcm"
        while name in self.taken:
            number += 1
            name = f"{stem}-{number}.dcm"
        self.taken.add(name)
        path = self.out / name
        try:
            target.replace(path)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            target.replace(path)
        return name

    def told(self, subjects: Sequence[Subject], report: Path) -> Summary:
        """Write the lists and reports whole, and return the sum."""
        self.lists.patients(subjects)
        self.lists.finish()
        self.journal.finish()
        self.studies.write(report / "studies", self.profile)
        for name, content in (
            ("report.json", report_json_of(self.tally, self.profile)),
            ("report.html", report_html_of(self.tally, self.profile)),
        ):
            with whole_file(report / name, mode=0o600) as stream:
                stream.write(content)
        return Summary(
            self.files, self.tally.cleaned, sum(self.tally.held.values()), self.kept, len(subjects),
            dict(self.tally.held.most_common()), self.tally.masked, self.profile.name, self.profile.digest, ENGINE,
            self.out, report,
        )  # fmt: skip


def plan_folder(
    source: Path, out: Path, *, profile: Profile, secret: Secret, report: Path, runner: Runner,
    progress: Progress | None = None,
) -> dict[str, int]:  # fmt: skip
    """Write the plan of every file into `plan.jsonl` of the report folder; nothing is cleaned. Return the counts."""
    watch = progress or NoProgress()
    check_places(source, out, report)
    private(report)
    with workplace(secret, within=report) as place, whole_file(report / "plan.jsonl", mode=0o600) as lines:
        items, held = _found(source, place.folder / "unpacked", place.folder, watch)
        counts = {"in": len(items) + len(held), "clean": 0, "held": len(held)}
        for name, reason, detail in held:
            lines.write(plan_line(name, Planned(reason=reason, detail=detail)))
        for item, one in plan_all(items, place=place, profile=profile, runner=runner, progress=watch):
            counts["held" if one.reason else "clean"] += 1
            lines.write(plan_line(item.name, one))
    return counts
