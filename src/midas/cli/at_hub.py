"""What every command of `midas hub` shares: where the hub is, how it is opened, how an answer is told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from midas.cli import show

Home = Annotated[
    Path | None, typer.Option("--home", help="The hub's folder. [dim]Default: $MIDAS_HUB_HOME or ./hub[/]")
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]


def opened(home: Path | None) -> Any:
    """Return the hub's home, with Django set up for it."""
    from midas.web.bootstrap import configure

    return configure(home)


def say(as_json: bool, value: dict[str, Any], words: str) -> None:
    """Tell an answer: a value to programs, words to people."""
    if as_json:
        show.as_json(value)
    else:
        show.out.print(words, highlight=False, soft_wrap=True)
