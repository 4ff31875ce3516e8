"""`midas`: one group of commands per part; every command has examples in its help, `--json`, and honest exit codes.

Exit codes: 0 done · 1 the answer is no (a check failed, something is wrong) · 2 the command or its input cannot be used ·
3 not found · 4 not allowed · 5 a conflict with what is there · 6 a peer did not answer · 7 a promise is broken.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import typer

from midas import __version__
from midas.cli.show import fail
from midas.kernel import MidasError

GROUPS = {
    "deid": "De-identify folders and files, without hub or spoke.",
    "protocol": "Write, check, show and compare dataset protocols.",
    "spoke": "The agent inside a hospital: receive, review, send.",
    "hub": "The server where datasets live: set up, serve, people.",
    "dataset": "What the hub has registered.",
    "release": "Draft, cut, verify and show releases.",
    "grade": "Grade a dataset from evidence by MIDAS 2.0, and see what would raise it.",
    "get": "Download a release, or part of one, in the form you need.",
}


class LazyGroup(typer.core.TyperGroup):
    """Import a group's module only when it is asked for: `midas get` never waits for Django."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(GROUPS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        if cmd_name not in GROUPS:
            return None
        app: typer.Typer = importlib.import_module(f"midas.cli.{cmd_name}").app
        command = typer.main.get_command(app)
        command.name, command.help = cmd_name, GROUPS[cmd_name]
        command.params = [
            p for p in command.params if p.name not in {"install_completion", "show_completion"}
        ]
        return command


app = typer.Typer(
    name="midas", cls=LazyGroup, no_args_is_help=True, add_completion=False, rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


def _version(value: bool) -> None:
    if value:
        typer.echo(f"midas {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """MIDAS: from what a hospital has to datasets that people may trust and use for AI."""
    del version


def main() -> None:
    """Run the command line; a `MidasError` becomes a message with advice and its exit code."""
    try:
        app()
    except MidasError as error:
        sys.exit(fail(error))
