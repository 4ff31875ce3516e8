"""What a folder holds: DICOM files, and beside them photographs, slides and tables, with whose they are.

In come a folder and what its headers told, out come entries to clean, tables with the persons of their rows, and names
with the reason why they are held. Nothing is cleaned or written here but sealed rosters in the run's scratch folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from midas.deid.batch import Workplace, subject_of
from midas.deid.cards import open_keys
from midas.deid.clinical import TABLES, Surveyed, TableJob, clean_table, survey_table, surveyed_of, who
from midas.deid.columns import Given
from midas.deid.heads import Entry, Item
from midas.deid.loose import PICTURES, Maker, Picture
from midas.deid.model import Outcome, PartStep, Profile
from midas.deid.survey import Crowd, Header, Person, read_header, seal
from midas.deid.uids import map_uid, recording
from midas.deid.whose import Loose, Whose, outputs_named
from midas.formats import Kind, Trouble, walk
from midas.kernel import Progress, Runner

Held = tuple[str, str, str]
"""The name of a file, the reason why it is held, and a detail."""


@dataclass(frozen=True)
class There:
    """What was found: DICOM files, pictures, tables, and what is none of these."""

    items: list[Item] = field(default_factory=list)
    pictures: list[Loose] = field(default_factory=list)
    tables: list[Loose] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)


@dataclass(frozen=True)
class Rows:
    """A table with the persons of its rows, in the order of `found.people`."""

    table: Loose
    found: Surveyed
    persons: tuple[Person, ...] = field(repr=False)
    target: Path


@dataclass(frozen=True)
class Beside:
    """Pictures and tables that can be cleaned, and what cannot."""

    pictures: list[Entry] = field(default_factory=list)
    tables: list[Rows] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)


def there_is(source: Path, scratch: Path, staging: Path, *, pictures: bool, progress: Progress) -> There:
    """Walk the source. Without `pictures`, photographs and slides are held."""
    found = There()
    for one in progress.track(walk(source, scratch=scratch), label="Find"):
        if isinstance(one, Trouble):
            found.held.append((one.name, one.reason, one.message))
        elif one.kind is Kind.DICOM or (one.kind is Kind.UNKNOWN and _bare(one.path)):
            found.items.append(Item(one.path, staging / f"{len(found.items)}.dcm", one.name))
        elif one.kind in TABLES or (pictures and one.kind in PICTURES):
            into = found.tables if one.kind in TABLES else found.pictures
            into.append(Loose(one.path, one.name, one.kind, one.size, one.companions))
        else:
            reason = "index-file" if one.kind is Kind.DICOMDIR else f"kind-{one.kind.value}"
            found.held.append((one.name, reason, ""))
    return found


def _bare(path: Path) -> bool:
    """Say whether a file without any mark of DICOM holds a dataset all the same."""
    header = read_header(path)
    return header is not None and bool(header.sop_class and header.instance)


def told_beside(
    there: There, entries: Sequence[Entry], crowd: Crowd, *, place: Workplace, make: Maker | None, given: Given,
    staging: Path, runner: Runner, progress: Progress,
) -> Beside:  # fmt: skip
    """Find out whose the tables and pictures are; what tables tell of a person is known when its files are cleaned."""
    beside, whose = Beside(), Whose(crowd)
    whose.see(entries)
    tasks = [(one.path, one.kind, given, place.key_file) for one in there.tables]
    read = progress.track(runner.map(survey_table, tasks), label="Tables", total=len(tasks)) if tasks else ()
    told = [(one, surveyed_of(sealed, key=place.key)) for one, sealed in zip(there.tables, read, strict=True)]
    for table, found in told:
        if _numbered(found):
            _table(table, found, whose, beside, staging, place)
    for number, one in enumerate(there.pictures):
        person, how = whose.of_picture(one.name)
        if person is None or make is None:
            why = "Its path or a table names the numbers of several persons."
            beside.held.append((one.name, "ambiguous-person", why))
            continue
        item = Item(one.path, staging / f"picture-{number}.dcm", one.name)
        beside.pictures.append(Entry(item, person, Header(), _picture(one, person, how, make, place)))
    of_files = [(table, found) for table, found in told if not _numbered(found)]
    if of_files:
        whose.see_names((*entries, *beside.pictures))
    for table, found in of_files:
        _table(table, found, whose, beside, staging, place)
    return beside


def _numbered(found: Surveyed) -> bool:
    return any(column.role == "person" for columns in found.sheets for column in columns)


def _table(
    table: Loose, found: Surveyed, whose: Whose, beside: Beside, staging: Path, place: Workplace
) -> None:
    """Let persons learn what a table tells of them, also where it cannot be cleaned itself."""
    persons = whose.of_table(table, found)
    why = "A row holds a number of several persons."
    reason, detail = (found.reason, found.detail) if found.reason else ("ambiguous-person", why)
    if found.reason or None in persons:
        beside.held.append((table.name, reason, detail))
        return
    neutral = staging / f"T-{place.secret.fingerprint(table.name)}.csv"
    beside.tables.append(Rows(table, found, tuple(one for one in persons if one), neutral))


def _picture(one: Loose, person: Person, how: str, make: Maker, place: Workplace) -> Picture:
    """Photographs of one person in one folder are a study; each slide is one."""
    secret = place.secret
    folder = str(PurePosixPath(one.name).parent) if one.kind is not Kind.SLIDE else one.name
    study = secret.fingerprint(f"study of {person.key} in {folder}")
    return Picture(
        one.kind, make, study, secret.fingerprint(f"series of {study}"), one.size, how, one.companions
    )


def table_job(
    rows: Rows, crowd: Crowd, place: Workplace, profile: Profile, places: Iterable[tuple[str, str]]
) -> tuple[TableJob, str]:
    """Return the job of one table, its roster sealed, and all on which its outcome depends."""
    everyones = crowd.everyones()
    people: dict[str, object] = {}
    for told, person in zip(rows.found.people, rows.persons, strict=True):
        subject = subject_of(person, place.secret)
        known = [pair for pair in person.told(everyones) if pair[1] != subject.pseudonym]
        people[who(told.ids, told.files)] = (subject.pseudonym, subject.shift_days, known)
    named = [file for told in rows.found.people for file in told.files]
    files = outputs_named(named, places) if named else {}
    roster = place.folder / f"{rows.target.stem}.roster"
    roster.write_bytes(seal([people, files], key=place.key))
    job = TableJob(
        rows.table.path, rows.table.kind, rows.target, roster, place.key_file, profile, rows.found.sheets
    )
    return job, repr((sorted(people.items()), sorted(files.items()), rows.found.sheets))


def clean_tables(job: TableJob) -> tuple[tuple[tuple[Outcome, ...]], bytes]:
    """Clean one table in a worker; the UIDs that it mapped come back sealed."""
    key, keys = open_keys(job.key_file)
    with recording() as heard:
        outcomes = clean_table(job)
    kept = "retain-uids" in job.profile.options
    told = {} if kept else {old: new for old in sorted(heard) if (new := map_uid(keys, old)) != old}
    return (outcomes,), seal(told, key=key)


def plan_of(one: Loose) -> PartStep:
    """Return what is planned for a picture or table: what is seen of it is seen when it is cleaned."""
    if one.kind in TABLES:
        return PartStep(
            "whole table", "C", "45 CFR 164.514(b)(2)", "columns that name persons go, others are cleaned"
        )
    return PartStep(
        "whole file", "D", "PS3.3 A.32", "becomes DICOM without its metadata, and is cleaned as such"
    )
