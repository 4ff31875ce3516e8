"""What every command of `midas spoke` shares: where the spoke is, how it is opened, how its tally is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from midas.cli import show

Home = Annotated[
    Path | None,
    typer.Option("--home", help="The spoke's folder. [dim]Default: $MIDAS_SPOKE_HOME or ./spoke[/]"),
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]


def opened(home: Path | None) -> Any:
    """Return the spoke's home, with Django set up for it."""
    from midas.spoke.bootstrap import configure

    return configure(home)


def tally(made: Any, json: bool, *, extra: dict[str, Any] | None = None) -> None:
    """Show everything in = waiting + held + refused + sent, and why."""
    from midas.spoke import flow
    from midas.spoke.reasons import REASONS
    from midas.spoke.vault.projects import desk

    count = flow.tally(desk(home=made).project)
    if json:
        show.as_json({"in": count.items_in, **count.states(), "by_reason": count.by_reason, **(extra or {})})
        return
    show.table(
        f"{made.config.name} · {made.config.project}", ["in", "waiting", "held", "refused", "sent"],
        [(count.items_in, count.waiting, count.held, count.refused, count.sent)],
    )  # fmt: skip
    if count.by_reason:
        rows = []
        for code, number in sorted(count.by_reason.items(), key=lambda one: (REASONS[one[0]].state, -one[1])):
            title, advice = REASONS[code].words(made.config.language)
            rows.append((REASONS[code].state, number, title, advice))
        show.table("Why", ["state", "items", "reason", "what to do"], rows)
