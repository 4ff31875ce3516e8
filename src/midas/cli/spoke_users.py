"""`midas spoke user`: the accounts of the spoke's own site. No logic of its own."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from midas.cli import show
from midas.cli.at_spoke import Home, Json, opened

app = typer.Typer(no_args_is_help=True, help="Accounts of the spoke's own site.")


@app.command("add")
def user_add(
    name: Annotated[str, typer.Argument(help="Sign-in name.", show_default=False)],
    home: Home = None,
    role: Annotated[
        str,
        typer.Option(
            "--role", help="reviewer: sees identified pictures and decides; operator: sees counts and states."
        ),
    ] = "reviewer",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    json: Json = False,
) -> None:
    """Add an account to the spoke's site, or give it a new password. Without one a random password is shown once.

    [bold]Examples[/]

      midas spoke user add asha
      midas spoke user add ravi --role operator
      echo "$PASSWORD" | midas spoke user add asha --password-stdin
    """
    opened(home)
    from midas.spoke.accounts import add_account

    given = sys.stdin.readline().rstrip("\n") if password_stdin else os.environ.get("MIDAS_PASSWORD", "")
    password = add_account(name=name, password=given, role=role)
    if json:
        show.as_json({"name": name, "role": role, **({} if given else {"password": password})})
    else:
        show.out.print(
            f"[bold green]✓[/] {name} can sign in" + ("" if given else f" with the password {password}"),
            highlight=False, markup=True,
        )  # fmt: skip


@app.command("list")
def user_list(home: Home = None, json: Json = False) -> None:
    """List the accounts of the spoke's site.

    [bold]Examples[/]

      midas spoke user list
    """
    opened(home)
    from django.contrib.auth import get_user_model

    from midas.spoke.accounts import role_of

    people = [(one.get_username(), str(role_of(one))) for one in get_user_model().objects.order_by("pk")]
    if json:
        show.as_json([{"name": name, "role": role} for name, role in people])
    else:
        show.table("Accounts", ["name", "role"], people)
