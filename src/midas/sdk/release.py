"""A release in the hands of a researcher: its tables, images and files, from a folder or from a hub.

In comes `dataset@version` with a hub, or a folder; out come Polars and Arrow tables, SQL answers, images and verdicts.
From a hub only the tables are fetched at first; an image comes when it is asked for, and is checked before it is used.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midas.kernel import BadInput, NotFound, Progress
from midas.manifest import Entry, Verdict, read_seal, verify_folder
from midas.manifest.folder import SEAL
from midas.sdk.client import Client
from midas.sdk.download import DEFAULT_JOBS, Downloaded, download, fetch_file, fetch_files, fetch_seal, inside

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from midas.protocol import Protocol
    from midas.sdk.images import Image
    from midas.sdk.training import Examples

TABLE_SUFFIX = ".parquet"


def default_cache() -> Path:
    """Return where fetched files are kept: `$XDG_CACHE_HOME/midas`, or `~/.cache/midas`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "midas"


def open(  # noqa: A001 - `midas.open` is the public name
    name_or_folder: str | os.PathLike[str],
    hub: str | None = None,
    token: str | None = None,
    cache: str | os.PathLike[str] | None = None,
    *,
    twin: bool = False,
    client: Client | None = None,
) -> Release:
    """Open a release by `dataset@version` at a hub, or from a folder.

    `twin` opens the synthetic twin, which anyone may see. `cache` keeps what is fetched (default: the user's cache).
    Errors: `NotFound`, `Forbidden`, `Unavailable`, `BrokenPromise` where a signature or hash fails.
    """
    folder = Path(name_or_folder)
    if (folder / SEAL).is_file():
        return Release(folder)
    name = str(name_or_folder)
    if "@" not in name or folder.is_dir():
        raise NotFound(
            f"{name} is neither a release folder nor dataset@version.", advice="Give one of the two."
        )
    if hub is None and client is None:
        raise BadInput("Which hub?", advice='Give hub="https://…", or a folder.')
    client = client or Client(str(hub), token)
    place = hashlib.sha256(client.hub.encode()).hexdigest()[:16]
    kept = Path(cache) if cache is not None else default_cache() / place
    here = kept / (f"{name}-twin" if twin else name)
    here.mkdir(parents=True, exist_ok=True)
    fetch_seal(client, name, folder=here, twin=twin)
    return Release(here, client=client, name=name, twin=twin)


class Release:
    """One release. Files of a remote one are fetched into `folder` when they are needed."""

    def __init__(
        self, folder: Path, *, client: Client | None = None, name: str = "", twin: bool = False
    ) -> None:
        self.folder = folder
        self._client, self._name, self._twin = client, name, twin
        tree, about, public_key = read_seal(folder)
        self.about: Mapping[str, Any] = about
        self.key: str = about["key"]
        self.public_key = public_key
        self.withdrawn = len(tree.withdrawn)
        self.entries: Mapping[str, Entry] = {entry.path: entry for entry in tree.entries}

    def __repr__(self) -> str:
        return f"Release({self._name or self.folder.name!r}, key={self.key[:12]}…, {len(self.entries)} files)"

    # -- files -------------------------------------------------------------------------------------------------

    def path(self, name: str) -> Path:
        """Return a file of the release on this machine, fetched and checked first where it is not here yet."""
        entry = self.entries.get(name)
        if entry is None:
            raise NotFound(f"{name} is not a file of this release.", advice="See `release.files`.")
        if self._client is not None:
            fetch_file(self._client, self._name, entry, folder=self.folder, twin=self._twin)
        found = inside(self.folder, name)
        if not found.is_file():
            raise NotFound(
                f"{name} is not here.", advice="Download the release again, or open it with a hub."
            )
        return found

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(sorted(self.entries))

    def fetch(
        self, names: Iterable[str], *, jobs: int = DEFAULT_JOBS, progress: Progress | None = None
    ) -> int:
        """Bring many files here at once; return how many were missing. Without a hub it does nothing."""
        if self._client is None:
            return 0
        wanted = [self.entries[name] for name in names]
        return fetch_files(
            self._client,
            self._name,
            wanted,
            folder=self.folder,
            twin=self._twin,
            jobs=jobs,
            progress=progress,
        )

    def download(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        jobs: int = DEFAULT_JOBS,
        progress: Progress | None = None,
    ) -> Downloaded:
        """Fetch every file, into the cache or into `folder`; run again, it goes on and applies withdrawals."""
        if self._client is None:
            raise BadInput(
                "This release is a folder already.", advice="Copy the folder, or open it with a hub."
            )
        target = Path(folder) if folder is not None else self.folder
        return download(
            self._client, self._name, folder=target, twin=self._twin, jobs=jobs, progress=progress
        )

    def verify(self, *, trusted: str | None = None, progress: Progress | None = None) -> Verdict:
        """Hash every file on this machine and compare with the signed key; a part not fetched yet counts as missing."""
        return verify_folder(self.folder, trusted=trusted, progress=progress)

    # -- tables ------------------------------------------------------------------------------------------------

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables: `subjects`, `labels` …, and `clinical.<table>` for those that hospitals keep."""
        names = (path.removesuffix(TABLE_SUFFIX) for path in self.entries if path.endswith(TABLE_SUFFIX))
        return tuple(sorted(name.replace("/", ".") for name in names if not name.startswith("data/")))

    def _table_path(self, name: str) -> Path:
        for choice in (name, f"clinical.{name}"):
            if choice in self.tables:
                return self.path(choice.replace(".", "/") + TABLE_SUFFIX)
        raise NotFound(f"There is no table {name}.", advice=f"Tables: {', '.join(self.tables)}.")

    def table(self, name: str) -> pl.DataFrame:
        """Return a table; `NotFound` where there is none of that name."""
        import polars as pl

        return pl.read_parquet(self._table_path(name))

    def arrow(self, name: str) -> pa.Table:
        import pyarrow.parquet

        return pyarrow.parquet.read_table(self._table_path(name))

    def sql(self, query: str) -> pl.DataFrame:
        """Ask DuckDB over all tables: `select site_meaning, count(*) from lesions group by 1`, `clinical.persons` …"""
        import duckdb

        with duckdb.connect(":memory:") as database:
            database.execute("create schema clinical")
            for name in self.tables:
                file = str(self._table_path(name)).replace("'", "''")
                view = ".".join(f'"{part}"' for part in name.split("."))
                database.execute(f"create view {view} as select * from read_parquet('{file}')")  # noqa: S608 - own names
            try:
                answer: pl.DataFrame = database.sql(query).pl()
            except duckdb.Error as error:
                raise BadInput(f"DuckDB: {error}", advice=f"Tables: {', '.join(self.tables)}.") from None
        return answer

    @cached_property
    def protocol(self) -> Protocol:
        """The protocol that the release follows."""
        from midas.protocol import parse

        return parse(self.path("protocol.yaml").read_bytes()).protocol

    @cached_property
    def grade(self) -> Mapping[str, Any] | None:
        """The grade that it was released with, sealed like every file; `None` where it was not graded.

        It has `cqi`, `band`, `access`, `status`, `computed` and `demonstration evidence`; `grade` has every statement.
        """
        from midas.sdk.graded import PAPER, graded

        return graded(self.path(PAPER)) if PAPER in self.entries else None

    # -- images ------------------------------------------------------------------------------------------------

    def images(
        self,
        *,
        target: str | None = None,
        item: str | None = None,
        modality: str | None = None,
        part: str | None = None,
        subject: str | None = None,
        level: int | None = None,
    ) -> Iterator[Image]:
        """Yield images with their spacing in mm: series as volumes, photographs and slides as RGB.

        `target` adds labels and leaves out what has none; `part` chooses a part of the split (`train` …); `level` is a
        slide's level (0 is the finest; by default the finest that has at most 16 million pixels).
        """
        from midas.sdk.images import find, read

        for source in find(self, target=target, item=item, modality=modality, part=part, subject=subject):
            yield from read(self, source, level=level)

    def torch(
        self,
        *,
        target: str,
        part: str | None = None,
        item: str | None = None,
        size: int | tuple[int, ...] | None = None,
    ) -> Examples:
        """Return a PyTorch dataset of (image, label, subject); needs the extra `midas-platform[torch]`.

        `size` resizes every image to that many pixels a side, so that batches can be made.
        """
        from midas.sdk.training import Examples

        return Examples(self, target=target, part=part, item=item, size=size)
