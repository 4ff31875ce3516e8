"""A folder in, a clean folder out: what is proven clean lands under neutral names, what is not stays out with its reason.

In come a folder (or archive), a profile and a secret; out come files under OUT, and in the report folder, which only its
owner can open, lists that lead back (`held.csv`, `uid-map.csv`, `patient-map.csv`, `file-map.csv`) and reports that do not
(`report.json`, `report.html`). Photographs and slides become DICOM where the caller gives a `Maker`; tables leave as CSV.
Everything in = cleaned + held. A run that was stopped goes on where it stopped.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from midas.deid.ahead import look_ahead
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
from midas.deid.beside import Rows, clean_tables, plan_of, table_job, there_is, told_beside
from midas.deid.clinical import TableJob
from midas.deid.columns import Given
from midas.deid.heads import Entry, Faces, look_for_faces
from midas.deid.journal import Journal, Line, Lists, private
from midas.deid.loose import Maker
from midas.deid.model import ENGINE, Job, Outcome, Profile
from midas.deid.planning import Planned, plan_all, plan_line
from midas.deid.report import Studies, Tally, report_html_of, report_json_of
from midas.deid.secret import Secret
from midas.deid.survey import Crowd
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
    """What a worker gives back of a chunk: of each file its outputs without their rules, sums by study, UIDs sealed."""

    outcomes: tuple[tuple[Outcome, ...], ...]
    tallies: dict[str, dict[str, object]]
    told: bytes = field(repr=False)


@dataclass(frozen=True)
class Share:
    """What one worker does in a row, whose files these are, and the key by which the journal knows it again."""

    task: Chunk | TableJob
    names: tuple[str, ...] = field(repr=False)
    key: str

    @property
    def jobs(self) -> tuple[Job | TableJob, ...]:
        return self.task.jobs if isinstance(self.task, Chunk) else (self.task,)


def work(task: Chunk | TableJob) -> Done:
    """Clean a chunk or a table and add up what was done, so that little travels between processes."""
    if isinstance(task, Chunk):
        outcomes, told = clean_chunk(task)
    else:
        outcomes, told = clean_tables(task)
    by_study: defaultdict[str, Tally] = defaultdict(Tally)
    for files in outcomes:
        for number, one in enumerate(files):
            by_study[one.uids.study].add(one, further=number > 0)
    slim = tuple(tuple(replace(one, rules=(), facts={}, actions={}) for one in files) for files in outcomes)
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
    progress: Progress | None = None, make: Maker | None = None, columns: Given | None = None,
) -> Summary:  # fmt: skip
    """De-identify everything below `source` into `out`. Raises nothing for bad data; the source is not changed.

    Photographs and slides are held where no `make` makes DICOM of them. `columns` says what columns of tables are where
    their headings do not.
    """
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
        there = there_is(
            source, place.folder / "unpacked", staging, pictures=make is not None, progress=watch
        )
        entries, crowd = surveyed(there.items, place=place, runner=runner, progress=watch)
        beside = told_beside(
            there, entries, crowd, place=place, make=make, given=columns or Given(), staging=staging,
            runner=runner, progress=watch,
        )  # fmt: skip
        faces = look_for_faces(entries, folder=place.folder, profile=profile, runner=runner, progress=watch)
        # 5. Clean, 6. put in place, 7. tell
        flow = _Flow(place, profile, source, out, report)
        open_until_done.callback(flow.close)
        flow.hold((*there.held, *beside.held))
        flow.clean([*entries, *beside.pictures], crowd, faces, runner=runner, progress=watch)
        flow.clean_tables(beside.tables, crowd, runner=runner, progress=watch)
        return flow.told(subjects_of(crowd, secret), report)


def _staging(out: Path) -> Path:
    for left in out.glob(".midas-deid-*"):
        shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=".midas-deid-", dir=out))


class _Flow:
    """One run over a folder: it puts outputs in place and adds up."""

    def __init__(self, place: Workplace, profile: Profile, source: Path, out: Path, report: Path) -> None:
        self.place, self.profile, self.source, self.out = place, profile, source, out
        self.journal, self.lists = Journal(report), Lists(report)
        self.tally, self.kept, self.files = Tally(), 0, 0
        self.studies = Studies(place.folder / "studies")
        self.taken: set[str] = set()
        self.places: dict[str, str] = {}

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
        self._take_back(name, ())

    def clean(
        self, entries: Sequence[Entry], crowd: Crowd, faces: Faces, *, runner: Runner, progress: Progress
    ) -> None:
        cards = sealed_cards(crowd, self.place, of=entries)
        ready: list[Entry] = []
        for entry in entries:
            if held := faces.held(entry, self.profile):
                self.hold([(entry.item.name, held.reason, held.detail)])
            else:
                ready.append(entry)
        jobs = [job_for(one, cards[one.person.key], self.place, self.profile, faces) for one in ready]
        jobs = look_ahead(ready, jobs, runner=runner, progress=progress)
        shares, at = [], 0
        for chunk in chunked(ready, jobs):
            members = ready[at : at + len(chunk.jobs)]
            at += len(chunk.jobs)
            told = [(job.suspect, job.glass) for job in chunk.jobs]
            key = self._key(
                members, [(cards[one.person.key][2], *told[n]) for n, one in enumerate(members)], faces
            )
            shares.append(Share(chunk, tuple(one.item.name for one in members), key))
        self._do(shares, runner=runner, progress=progress)

    def clean_tables(
        self, tables: Sequence[Rows], crowd: Crowd, *, runner: Runner, progress: Progress
    ) -> None:
        """Clean tables when all files have their names, which tables may name."""
        shares = []
        for one in tables:
            job, about = table_job(one, crowd, self.place, self.profile, self.places.items())
            about += f"{ENGINE}{self.profile.digest}{one.table.size}{self._changed(one.table.name)}"
            key = self.place.secret.fingerprint(f"{one.table.name}{about}")
            shares.append(Share(job, (one.table.name,), key))
        self._do(shares, runner=runner, progress=progress)

    def _do(self, shares: Sequence[Share], *, runner: Runner, progress: Progress) -> None:
        """Do what the journal does not know done."""
        fresh: list[Share] = []
        for share in shares:
            if line := self._known(share):
                self._settle(share, line)
                self.kept += len(share.names)
            else:
                fresh.append(share)
        if fresh:
            results = runner.map(work, [share.task for share in fresh])
            done = self._finished(zip(fresh, results, strict=True))
            total = sum(len(share.names) for share in fresh)
            for _ in progress.track(done, label="De-identify", total=total):
                pass

    def _finished(self, results: Iterable[tuple[Share, Done]]) -> Iterator[None]:
        """Settle share after share; one step for each file."""
        for share, done in results:
            self._finish(share, done)
            yield from (None for _ in share.names)

    def _key(self, members: Sequence[Entry], known: Sequence[object], faces: Faces) -> str:
        about = [
            (
                one.item.name,
                one.item.source.stat().st_size,
                self._changed(one.item.name),
                told,
                faces.mask(one) is not None,
                one.picture and (one.picture.size, one.picture.study, one.picture.series, one.picture.whose),
            )
            for one, told in zip(members, known, strict=True)
        ]
        return self.place.secret.fingerprint(repr((ENGINE, self.profile.digest, about)))

    def _changed(self, name: str) -> int:
        """Return when a file, or the archive that it came in, was last changed."""
        outer = self.source if self.source.is_file() else self.source / name.split("!/")[0]
        try:
            return outer.stat().st_mtime_ns
        except OSError:
            return -1

    def _known(self, share: Share) -> Line | None:
        """Return what the journal says of a share, where all its outputs still stand as they were written."""
        line = self.journal.known(share.key)
        if line is None or {one["name"] for one in line.files} != set(share.names):
            return None
        if any(one["reason"] in TRIED_AGAIN for one in line.files):
            return None
        whole = all(
            not one["output"]
            or ((path := self.out / one["output"]).is_file() and path.stat().st_size == one["size"])
            for one in line.files
        )
        return line if whole else None

    def _finish(self, share: Share, done: Done) -> None:
        files = []
        for job, name, outcomes in zip(share.jobs, share.names, done.outcomes, strict=True):
            for outcome in outcomes:
                output = self._put(job, outcome) if outcome.state == "cleaned" else ""
                files.append({
                    "name": name, "output": output, "sha256": outcome.sha256, "size": outcome.size,
                    "reason": outcome.reason, "detail": outcome.detail,
                })  # fmt: skip
        line = Line(share.key, files, done.tallies, self.place.opened(done.told))
        self.journal.write(line)
        self._settle(share, line)

    def _settle(self, share: Share, line: Line) -> None:
        self.lists.uids(line.uids)
        for study, tally in line.tallies.items():
            self.tally.merge(Tally.from_dict(tally))
            self.studies.add(study, tally)
        outputs: dict[str, list[str]] = {name: [] for name in share.names}
        for one in line.files:
            name, output = str(one["name"]), str(one["output"])
            if not output:
                self._count_held(name, str(one["reason"]), str(one["detail"]))
                continue
            self.taken.add(output)
            self.lists.file(name, one)
            outputs[name].append(output)
        for name in (name for name, found in outputs.items() if found):
            self.files += 1
            self.places[name] = outputs[name][0]
            self._take_back(name, outputs[name])

    def _take_back(self, name: str, outputs: Sequence[str]) -> None:
        """Remove what an earlier run released for this source, where it is now held or named otherwise."""
        for before in self.journal.released.get(name, ()):
            if before not in outputs and before not in self.taken:
                (self.out / before).unlink(missing_ok=True)

    def _put(self, job: Job | TableJob, outcome: Outcome) -> str:
        """Move a cleaned file to its neutral name; a second file of one instance UID gets a number."""
        uids, number = outcome.uids, 1
        if isinstance(job, Job):
            stem, ending = f"{job.placement.subject}/{uids.study}/{uids.series}/{uids.instance}", "dcm"
        else:
            stem, ending = f"tables/{Path(outcome.output).stem}", "csv"
        name = f"{stem}.{ending}"
        while name in self.taken:
            number += 1
            name = f"{stem}-{number}.{ending}"
        self.taken.add(name)
        path, made = self.out / name, job.target.with_name(outcome.output)
        try:
            made.replace(path)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.replace(path)
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
        there = there_is(source, place.folder / "unpacked", place.folder, pictures=True, progress=watch)
        loose = [*there.pictures, *there.tables]
        counts = {"in": len(there.items) + len(there.held) + len(loose), "clean": 0, "held": len(there.held)}
        counts |= {"looked at when run": len(loose)} if loose else {}
        for name, reason, detail in there.held:
            lines.write(plan_line(name, Planned(reason=reason, detail=detail)))
        for file in loose:
            lines.write(plan_line(file.name, Planned(parts=(plan_of(file),))))
        for item, one in plan_all(there.items, place=place, profile=profile, runner=runner, progress=watch):
            counts["held" if one.reason else "clean"] += 1
            lines.write(plan_line(item.name, one))
    return counts
