"""Many files at once: headers are surveyed, persons found, cards sealed, series kept together, every file cleaned.

In come files, a profile, a secret and a runner; out comes a `Batch`: what became of each file, which persons and UIDs
were found, and the sum of what was done. Identifiers travel between processes only sealed, in a scratch folder that is
wiped whatever happens. Every file that comes in is cleaned or held with a reason; nothing half-written is ever seen.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from midas.deid.ahead import look_ahead
from midas.deid.cards import open_keys, seal_card
from midas.deid.heads import Entry, Faces, Item, look_for_faces
from midas.deid.loose import clean_all
from midas.deid.model import Card, Job, Outcome, Placement, Profile
from midas.deid.secret import Secret
from midas.deid.survey import Crowd, Header, Person, headers_of, seal, survey, unseal
from midas.deid.uids import map_uid, recording
from midas.kernel import BrokenPromise, NoProgress, Progress, Runner, whole_file

SURVEYED = 32
"""Files whose headers a worker reads at a time."""
SMALL, LARGE = 8, 32
"""Files that a worker cleans at a time: at least, and at most where they are one series."""


@dataclass(frozen=True)
class Subject:
    """One person of a batch: the pseudonym, the shift of all dates in days, and the identified names in the source."""

    pseudonym: str
    shift_days: int
    ids: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Batch:
    """What became of many files: one outcome for each item in its order, the persons, and UIDs old to new.

    `subjects` and `uids` lead back to the hospital: they are for the secret's owner alone.
    """

    items: tuple[Item, ...]
    outcomes: tuple[Outcome, ...]
    subjects: tuple[Subject, ...] = field(repr=False)
    uids: dict[str, str] = field(repr=False)

    @property
    def cleaned(self) -> int:
        return sum(one.state == "cleaned" for one in self.outcomes)

    @property
    def held(self) -> int:
        return len(self.outcomes) - self.cleaned


@dataclass(frozen=True)
class Chunk:
    """Jobs that one worker does in a row, so that what it learns of a series serves the next file."""

    jobs: tuple[Job, ...]


def run(
    items: Iterable[Item], *, profile: Profile, keys: Secret, runner: Runner, progress: Progress | None = None
) -> Batch:
    """De-identify files into their targets; values in, values out.

    Persons are told apart by Patient ID and issuer, read from all headers first. Nothing is raised for bad data: such a
    file is held. The sources are not changed.
    """
    given, watch = tuple(items), progress or NoProgress()
    with workplace(keys) as place:
        entries, crowd = surveyed(given, place=place, runner=runner, progress=watch)
        faces = look_for_faces(entries, folder=place.folder, profile=profile, runner=runner, progress=watch)
        cards = sealed_cards(crowd, place)
        found = {one.item.target: held for one in entries if (held := faces.held(one, profile))}
        ready = [one for one in entries if one.item.target not in found]
        uids: dict[str, str] = {}
        jobs = [job_for(one, cards[one.person.key], place, profile, faces) for one in ready]
        chunks = list(chunked(ready, look_ahead(ready, jobs, runner=runner, progress=watch)))
        for chunk, (done, told) in zip(
            chunks,
            watch.track(runner.map(clean_chunk, chunks), label="De-identify", total=len(chunks)),
            strict=True,
        ):
            found.update((job.target, outcome) for job, (outcome,) in zip(chunk.jobs, done, strict=True))
            uids.update(place.opened(told))
    outcomes = tuple(found[item.target] for item in given)
    return Batch(given, outcomes, subjects_of(crowd, keys), uids)


@dataclass(frozen=True)
class Workplace:
    """A private scratch folder with the key file that workers open; both end with the run."""

    folder: Path
    secret: Secret
    key: bytes = field(repr=False)

    @property
    def key_file(self) -> Path:
        return self.folder / "key.json"

    def opened(self, told: bytes) -> dict[str, str]:
        """Return the UIDs that a worker mapped."""
        return cast("dict[str, str]", unseal(told, key=self.key))


@contextmanager
def workplace(secret: Secret, *, within: Path | None = None) -> Iterator[Workplace]:
    """Yield a fresh scratch folder (mode 0700) and wipe it at the end."""
    folder = Path(tempfile.mkdtemp(prefix=".midas-deid-", dir=within))
    try:
        place = Workplace(folder, secret, os.urandom(32))
        with whole_file(place.key_file, mode=0o600) as stream:
            stream.write(json.dumps({"storage": place.key.hex(), "root": secret.root.hex()}).encode())
        yield place
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def surveyed(
    items: Sequence[Item], *, place: Workplace, runner: Runner, progress: Progress
) -> tuple[list[Entry], Crowd]:
    """Read every header once and say whose file each is; files come back by person, study, series and number."""
    crowd = Crowd()
    tasks = [(tuple(one.source for one in part), place.key_file) for part in _parts(items, SURVEYED)]
    headers: list[Header] = []
    for sealed in progress.track(runner.map(survey, tasks), label="Survey", total=len(tasks)):
        for header in headers_of(sealed, key=place.key):
            crowd.see(header or Header())
            headers.append(header or Header())
    entries = [
        Entry(item, crowd.person(header, item.name), replace(header, known=(), name=(), device=()))
        for item, header in zip(items, headers, strict=True)
    ]
    entries.sort(key=lambda e: (e.person.key, e.header.study, e.header.series, e.header.number, e.item.name))
    return entries, crowd


def _parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def subject_of(person: Person, secret: Secret) -> Subject:
    return Subject(secret.pseudonym(person.key), secret.shift_days(person.key), tuple(sorted(person.ids)))


def subjects_of(crowd: Crowd, secret: Secret) -> tuple[Subject, ...]:
    """Return the persons by pseudonym; `BrokenPromise` where two would bear the same (one chance in 2^50 for a pair)."""
    made = tuple(
        sorted((subject_of(one, secret) for one in crowd.persons.values()), key=lambda s: s.pseudonym)
    )
    if len({one.pseudonym for one in made}) < len(made):
        raise BrokenPromise(
            "Two persons came to the same pseudonym.", advice="Run them with different secrets."
        )
    return made


def sealed_cards(
    crowd: Crowd, place: Workplace, *, of: Iterable[Entry] | None = None
) -> dict[str, tuple[Subject, Path, str]]:
    """Seal the cards of all persons, or of those of some files, into the scratch folder.

    By person: subject, card, fingerprint of what it says.
    """
    subjects_of(crowd, place.secret)
    chosen = crowd.persons if of is None else {one.person.key: one.person for one in of}
    everyones, made = crowd.everyones(), {}
    for key, person in chosen.items():
        subject = subject_of(person, place.secret)
        known = tuple((kind, value) for kind, value in person.told(everyones) if value != subject.pseudonym)
        card = Card(subject.pseudonym, subject.shift_days, person.sex, known)
        path = place.folder / f"{secrets.token_hex(8)}.card"
        seal_card(card, key=place.key, out=path)
        made[key] = subject, path, place.secret.fingerprint(repr((card.subject, card.sex, sorted(known))))
    return made


def job_for(
    entry: Entry, card: tuple[Subject, Path, str], place: Workplace, profile: Profile, faces: Faces
) -> Job:
    """Return the job of one file; its dataset is named by the profile."""
    item = entry.item
    return Job(
        source=item.source, target=item.target, card=card[1], key_file=place.key_file, profile=profile,
        placement=Placement(subject=card[0].pseudonym, dataset=profile.name, item="file"),
        accepted_risk=item.accepted_risk, boxes=item.boxes, face=faces.mask(entry), face_seen=faces.settled(entry),
        picture=entry.picture,
    )  # fmt: skip


def chunked(entries: Sequence[Entry], jobs: Sequence[Job]) -> Iterator[Chunk]:
    """Yield jobs in their order, a series together as far as `LARGE` allows, and few enough to share evenly."""
    part: list[Job] = []
    series = ""
    for entry, job in zip(entries, jobs, strict=True):
        same = bool(entry.header.series) and entry.header.series == series
        slide = entry.picture is not None and entry.picture.slide
        if part and (slide or len(part) >= LARGE or (len(part) >= SMALL and not same)):
            yield Chunk(tuple(part))
            part = []
        part.append(job)
        series = entry.header.series
        if slide:
            yield Chunk(tuple(part))
            part = []
    if part:
        yield Chunk(tuple(part))


def clean_chunk(chunk: Chunk) -> tuple[tuple[tuple[Outcome, ...], ...], bytes]:
    """Clean some files in a worker: of each its outputs, or why it is held. The UIDs that it mapped come back sealed."""
    key, keys = open_keys(chunk.jobs[0].key_file)
    with recording() as heard:
        outcomes = tuple(clean_all(job) for job in chunk.jobs)
    kept = "retain-uids" in chunk.jobs[0].profile.options
    told = {} if kept else {old: new for old in sorted(heard) if (new := map_uid(keys, old)) != old}
    return outcomes, seal(told, key=key)
