"""What stands in one release before it is sealed: tables, image files and the words around them, as one value.

The catalogue and the twin's generator both give a `Content`; everything after it is the same code for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa

from midas.protocol.model import Protocol


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A subject, or one series (its UID) of a subject that stays, that the release does not hold, and why."""

    subject: str
    why: str
    series: str = ""


@dataclass(frozen=True)
class About:
    """The words of a release. Nothing here is a time of day, a machine or a name of a person who did not choose it.

    `alike` are the digests of the dataset's protocols under which de-identification does what it does under this one.
    """

    dataset: str
    version: str
    published_on: str
    protocol: Protocol
    protocol_source: str
    protocol_sha256: str
    notes: str = ""
    twin: bool = False
    contributors: tuple[Mapping[str, Any], ...] = ()
    alike: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return f"{self.dataset}@{self.version}" + (" (synthetic twin)" if self.twin else "")

    @property
    def title(self) -> str:
        title = self.protocol.title.get("en", self.dataset)
        return f"{title}: synthetic twin" if self.twin else title


@dataclass(frozen=True)
class Content:
    """Tables by name (`clinical/<id>` for the protocol's), the batches of the de-identification report, who is out.

    The image files are the rows of `manifest`; their bytes are blobs already. `papers` are what was found when it was
    cut, by path (`gates.json`); a twin and a release from before there were any have none.
    """

    about: About
    tables: Mapping[str, pa.Table]
    report: tuple[Mapping[str, Any], ...]
    left_out: tuple[LeftOut, ...] = ()
    papers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def frames(self) -> dict[str, pl.DataFrame]:
        """Return the tables as frames; of the manifest, which is large, only `subject` and `sha256`."""
        return {
            name: pl.DataFrame(table.select(["subject", "sha256"]) if name == "manifest" else table)
            for name, table in self.tables.items()
        }


def path_of(table: str) -> str:
    """Return the path of a table in the release."""
    return f"{table}.parquet"
