"""An export folder being written, with a note of each thing in it and what must become of it.

In come files just written; out comes the list of `Expected`. Every file gets exactly one note: `close` refuses others.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from midas.kernel import BrokenPromise, sha256_bytes, sha256_file
from midas.testing.hospital.persons import Person
from midas.testing.hospital.truth import Box, Expected

FATES = {
    "none": ("held", ("no-basis",)),
    "withdrawn": ("refused", ("withdrawn",)),
}
"""What becomes of a sound item of a person, by the person's basis; all others are sent."""


@dataclass
class Export:
    root: Path
    notes: dict[str, Expected] = field(default_factory=dict)
    extra: list[str] = field(default_factory=list)
    unlisted: set[str] = field(default_factory=set)

    def sound(
        self,
        path: Path,
        *,
        person: Person,
        verdict: str = "accept",
        boxes: tuple[Box, ...] = (),
        why: str = "",
    ) -> None:
        """Note a file that would pass if its person may be used."""
        state, reasons = FATES.get(person.basis, ("sent", ()))
        if verdict == "reject" and state == "sent":
            state, reasons = "refused", ("rejected",)
        self._note(self._name(path), state, reasons, sha256_file(path), person.key, why, verdict, boxes)

    def stopped(
        self, path: Path, *, state: str, reasons: tuple[str, ...], why: str, person: str = ""
    ) -> None:
        """Note a file that must not pass, and why."""
        self._note(self._name(path), state, reasons, sha256_file(path), person, why)

    def container(self, path: Path) -> None:
        """Note a file that counts only through what is in it (a table by its rows, an archive by its members)."""
        self.unlisted.add(self._name(path))

    def row(
        self,
        path: Path,
        number: int,
        *,
        state: str,
        reasons: tuple[str, ...] = (),
        person: str = "",
        why: str = "",
    ) -> None:
        """Note the row with this number (the first under the headings is 1) of a table."""
        self._note(f"{self._name(path)}#{number}", state, reasons, "", person, why)

    def member(
        self, archive: Path, name: str, data: bytes, *, state: str, reasons: tuple[str, ...] = (), person: str = "",
        why: str = "",
    ) -> None:  # fmt: skip
        self._note(
            f"{self._name(archive)}!/{name}",
            state,
            reasons,
            sha256_bytes(data),
            person,
            why,
            "accept" if state == "sent" else "",
        )

    def plant(self, *values: str) -> None:
        self.extra.extend(values)

    def close(self) -> tuple[Expected, ...]:
        """Return all notes; `BrokenPromise` if a file of the folder has none."""
        for path in sorted(self.root.rglob("*")):
            name = self._name(path)
            if path.is_file() and name not in self.notes and name not in self.unlisted:
                raise BrokenPromise(f"{name} was written without saying what must become of it.")
        return tuple(self.notes[name] for name in sorted(self.notes))

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _note(  # noqa: PLR0913, RUF100 - one note has this many facts
        self, path: str, state: str, reasons: tuple[str, ...], sha256: str, person: str, why: str,
        verdict: str = "", boxes: tuple[Box, ...] = (),
    ) -> None:  # fmt: skip
        if path in self.notes:
            raise BrokenPromise(f"{path} was noted twice.")
        self.notes[path] = Expected(path, state, sha256, reasons, verdict, boxes, person, why)


def zip_of(path: Path, members: dict[str, bytes]) -> None:
    """Write a zip with these members, whatever their names (also names that try to leave the folder)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 3, 11, 9, 0, 0)), data)
