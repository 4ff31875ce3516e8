"""How commands speak: progress bars and tables for people, JSON for programs, one exit code per kind of error."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from midas.kernel import (
    BadInput,
    BrokenPromise,
    Conflict,
    Forbidden,
    MidasError,
    NotFound,
    Unavailable,
)

if TYPE_CHECKING:
    from midas.protocol.model import DeidAudit
    from midas.wire.v1 import AuditScore

T = TypeVar("T")

out = Console()
err = Console(stderr=True)

EXIT_CODES: tuple[tuple[type[MidasError], int], ...] = (
    (BadInput, 2),
    (NotFound, 3),
    (Forbidden, 4),
    (Conflict, 5),
    (Unavailable, 6),
    (BrokenPromise, 7),
)


class Bar:
    """A `midas.kernel.Progress` that draws on the terminal's error stream, so that `--json` output stays clean."""

    def track(self, items: Iterable[T], *, label: str, total: int | None = None) -> Iterator[T]:
        columns = (
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=36),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Bars(*columns, console=err) as bars:
            size = total if total is not None else (len(items) if isinstance(items, Sequence) else None)
            task = bars.add_task(label, total=size)
            for item in items:
                yield item
                bars.advance(task)


def table(title: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    drawn = Table(title=title, title_justify="left", header_style="bold", show_lines=False)
    for heading in headings:
        drawn.add_column(heading, overflow="fold")
    for row in rows:
        drawn.add_row(*("" if cell is None else str(cell) for cell in row))
    out.print(drawn)


def as_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def nobody_listens(host: str, port: int) -> None:
    """Raise `Conflict` where a program listens at the port already: servers would share its requests unseen."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.settimeout(1)
        if probe.connect_ex((host, port)) == 0:
            raise Conflict(
                f"A program listens at {host}:{port} already.", advice="Stop it, or choose another --port."
            )


def fail(error: MidasError) -> int:
    """Print what happened and what to do on the error stream; return the exit code."""
    err.print(f"[bold red]{type(error).__name__}[/] {error.message}", highlight=False)
    if error.advice:
        err.print(f"[dim]→ {error.advice}[/]", highlight=False)
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)


def audited(score: AuditScore, as_data: bool, *, floor: DeidAudit | None, digest: str) -> None:
    """Show an audit of de-identification; end with exit code 1 where it lies below the floor or left an identifier.

    `digest` is the SHA-256 of the protocol or profile that sets the floor.
    """
    from midas.protocol.floor import lacking

    whole = score.all
    share = whole.right / whole.of if whole.of else 0.0
    lacks = list(lacking(score, floor, protocol_sha256=digest)) if floor else []
    if as_data:
        told = {"share": round(share, 6), "floor": floor.floor if floor else None, "lacking": lacks}
        as_json({**score.model_dump(mode="json", by_alias=True), **told})
    else:
        rows = [("all files", score.all), ("files that came out", score.on_released), *score.actions.items()]
        table(
            f"Audit: {score.released} of {score.files} files came out",
            ("required actions", "right", "of", "%", "at least %"),
            [
                (name, one.right, one.of, f"{100 * one.right / one.of:.2f}" if one.of else "", f"{one.low:.2f}")
                for name, one in rows
            ],
        )  # fmt: skip
        left = ", ".join(f"{count} {kind}" for kind, count in score.leaks.items())
        out.print(f"Planted identifiers left in the bytes: {left}.", highlight=False)
        for lack in lacks:
            out.print(f"[bold red]✗[/] Below the protocol's floor: {lack}.", highlight=False)
    if lacks or (floor is None and sum(score.leaks.values())):
        raise typer.Exit(1)
