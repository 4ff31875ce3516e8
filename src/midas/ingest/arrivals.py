"""What came in, one file at a time, wrapped so that its name cannot leak.

In comes a folder or archive; out comes a stream of identified arrivals and troubles, in the order of their names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from midas.formats import Found, Limits, Trouble, walk
from midas.formats.walk import DEFAULT
from midas.kernel.identified import Identified


@dataclass(frozen=True)
class Arrival:
    """A file that came in; its name and content may name a person."""

    found: Found


def arrivals(
    root: Path, *, scratch: Path, limits: Limits = DEFAULT, only: Iterable[str] | None = None
) -> Iterator[Identified[Arrival] | Trouble]:
    """Yield everything under `root` once, or `only` some of its files: as an arrival, or what cannot be taken as a trouble.

    A trouble's name may name a person (treat it as identified); its message never does. Unpacked files live below
    `scratch` until the caller removes it.
    """
    for seen in walk(root, scratch=scratch, limits=limits, only=only):
        if isinstance(seen, Trouble):
            yield seen
        else:
            yield Identified(Arrival(seen))
