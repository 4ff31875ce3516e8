"""Whose a picture is, and who stands in a table: what a folder says where no header does.

In come surveyed DICOM files, tables and the names of pictures; out come persons. A picture is a person's where the path
holds one number of a person, a table names the file beside a number, or all images of its folder are of one person.
Where nothing says it, its folder stands for a person of its own: nothing is guessed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from midas.deid.clinical import Surveyed, Told
from midas.deid.heads import Entry
from midas.deid.survey import Crowd, Header, Person, bare, links
from midas.formats import Kind

MOST_TOKENS = 8
"""Runs of letters or digits at the beginning of a name that are tried as a number with signs between."""


@dataclass(frozen=True)
class Loose:
    """A file of the folder that is no DICOM. `name` is its place in what was handed in; `size` in bytes."""

    path: Path
    name: str = field(repr=False)
    kind: Kind
    size: int
    companions: tuple[Path, ...] = ()


@dataclass
class Whose:
    """What is known of persons by path, table and folder, once all headers and tables have been read."""

    crowd: Crowd
    folders: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set), repr=False)
    named: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set), repr=False)
    lying: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set), repr=False)
    numbers: dict[str, set[str]] = field(default_factory=dict, repr=False)

    def see(self, entries: Iterable[Entry]) -> None:
        """Note in which folders, and above, whose DICOM files lie."""
        for entry in entries:
            above = PurePosixPath(entry.item.name.replace("!/", "/")).parents
            for folder in above:
                self.folders[str(folder)].add(entry.person.key)

    def see_names(self, entries: Iterable[Entry]) -> None:
        """Note whose every file is, by the names under which a table may speak of it."""
        for entry in entries:
            for tail in tails(PurePosixPath(entry.item.name.replace("!/", "/"))):
                self.lying[tail].add(entry.person.key)

    def of_table(self, table: Loose, found: Surveyed) -> list[Person | None]:
        """Return the persons of a table's rows in the order of `found.people`; None where a number means several."""
        return [self._learnt(self._of_row(table, told), told) for told in found.people]

    def _learnt(self, person: Person | None, told: Told) -> Person | None:
        """Let a person, and whoever bears another of its numbers, learn what rows tell."""
        if person is None:
            return None
        met = {one: self.crowd.met(one) for one in told.ids}
        person.learn_row([one for one, keys in met.items() if keys <= {person.key}], told.known)
        for other in {key for keys in met.values() for key in keys} - {person.key}:
            self.crowd.own(other).learn_row((), told.known)
        for file in told.files if told.ids else ():
            self.named[_tail(file)].add(person.key)
        return person

    def _of_row(self, table: Loose, told: Told) -> Person | None:
        if told.ids:
            return self.crowd.of_row(told.ids)
        keys = {
            key
            for file in told.files
            for keys in (self.named, self.lying)
            for key in keys.get(_tail(file), ())
        }
        return self.crowd.own(keys.pop() if len(keys) == 1 else f"table\x1f{table.name}")

    def of_picture(self, name: str) -> tuple[Person | None, str]:
        """Return whose a picture is and how that was found; None where its path names several persons."""
        if not self.numbers:
            self._index()
        path = PurePosixPath(name.replace("!/", "/"))
        ways = (
            ("path", {key for run in runs(path) for key in self.numbers.get(run, ())}),
            ("table", next((keys for tail in tails(path) if (keys := self.named.get(tail))), set())),
            ("folder", self._of_folder(path)),
        )
        for how, keys in ways:
            if len(keys) > 1 and how != "folder":
                return None, how
            if len(keys) == 1:
                (key,) = keys
                person = self.crowd.own(key)
                person.learn(Header(), name)
                return person, how
        return self.crowd.person(Header(), name), "unknown"

    def _of_folder(self, path: PurePosixPath) -> set[str]:
        """Return whose the images of the folder are, or of the nearest above; the root counts for its own files."""
        for at, folder in enumerate(path.parents):
            if str(folder) == "." and at:
                return set()
            if keys := self.folders.get(str(folder)):
                return keys
        return set()

    def _index(self) -> None:
        found: defaultdict[str, set[str]] = defaultdict(set)
        others: defaultdict[str, set[str]] = defaultdict(set)
        for key, person in self.crowd.persons.items():
            for number, _ in person.ids:
                if links(number):
                    found[bare(number)].add(key)
            for kind, value in person.known:
                if kind in {"uhid", "identifier"} and links(value):
                    others[bare(value)].add(key)
        alone = {number: keys for number, keys in others.items() if len(keys) == 1}
        self.numbers = {**alone, **found}


def runs(path: PurePosixPath) -> Iterator[str]:
    """Yield every run of neighbouring words of each part of a path, glued: one of them may be a number."""
    for part in path.parts:
        words = re.findall(r"[^\W_]+", part)[:MOST_TOKENS]
        for start in range(len(words)):
            for end in range(start + 1, len(words) + 1):
                yield bare("".join(words[start:end]))


def _tail(file: str) -> str:
    return "/".join(PurePosixPath(file.replace("\\", "/")).parts).casefold()


def tails(path: PurePosixPath) -> Iterator[str]:
    """Yield the names under which a table may speak of a file, the longest first, at last without its ending."""
    for start in range(len(path.parts)):
        yield "/".join(path.parts[start:]).casefold()
    yield path.stem.casefold()


def outputs_named(files: Sequence[str], places: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return where the files that a table names came to lie; one whose name fits several files is left out."""
    wanted = {_tail(file): file for file in files}
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, output in places:
        fits = next((tail for tail in tails(PurePosixPath(name.replace("!/", "/"))) if tail in wanted), "")
        if fits:
            found[wanted[fits]].add(output)
    return {file: outputs.pop() for file, outputs in found.items() if len(outputs) == 1}
