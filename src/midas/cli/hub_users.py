"""`midas hub user`: accounts of people, their roles, passwords and tokens. No logic of its own."""

from __future__ import annotations

import os
import secrets
import sys
from typing import Annotated, Any

import typer

from midas.cli import show
from midas.cli.at_hub import Home, Json, opened, say
from midas.kernel import BadInput

app = typer.Typer(no_args_is_help=True, help="Accounts of people: add, list, passwords, roles, tokens.")

PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
ROLES = (
    "operator, curator, annotator, adjudicator, ethics, access-officer, researcher, policy, admin or auditor"
)
SCOPES = "catalogue, download, drafts, tasks, curate, ask, audit, grant or people"
PASSWORD_VARIABLE = "MIDAS_PASSWORD"  # noqa: S105 - the name of a variable  # pragma: allowlist secret


def _password(from_stdin: bool) -> tuple[str, bool]:
    """Return a password from standard input or the environment, else a new one; and whether it is new."""
    given = sys.stdin.readline().rstrip("\n") if from_stdin else os.environ.get(PASSWORD_VARIABLE, "")
    if from_stdin and not given:
        raise BadInput("Standard input held no password.", advice="Pipe it in: echo … | midas hub user add …")
    return (given, False) if given else (secrets.token_urlsafe(15), True)


@app.command("add")
def user_add(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[list[str], typer.Option(help=f"{ROLES}; may be given again.")],
    dataset: Annotated[str, typer.Option(help="Only for this dataset. [dim]Default: all[/]")] = "",
    institution: Annotated[str, typer.Option(help="Institution the person belongs to.")] = "",
    email: Annotated[str, typer.Option(help="E-mail address.")] = "",
    password_stdin: PasswordStdin = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Add a person's account with a role. Without a password one is made and shown once.

    [bold]Examples[/]

      midas hub user add asha --role curator --dataset oral-cancer
      echo "$PASSWORD" | midas hub user add ravi --role researcher --password-stdin
    """
    opened(home)
    from django.db import transaction

    from midas.people.accounts import institution_named
    from midas.web.identity.deeds import Hand, add_account, give_role

    password, is_new = _password(password_stdin)
    hand = Hand(by=None)
    with transaction.atomic():
        where = institution_named(institution) if institution else None
        account = add_account(hand, name=name, password=password, email=email, institution=where)
        for one in role:
            give_role(hand, account=account, role=one, dataset=dataset, why="added with it")
    value = {"name": name, "roles": role, "dataset": dataset, **({"password": password} if is_new else {})}
    shown = f"\n  password: [bold]{password}[/]   [dim]shown only now[/]" if is_new else ""
    say(json, value, f"[bold green]✓[/] {name} is {', '.join(role)} of {dataset or 'all datasets'}{shown}")


@app.command("role")
def user_role(
    name: Annotated[str, typer.Argument(help="The account.")],
    role: Annotated[str, typer.Argument(help=ROLES)],
    dataset: Annotated[str, typer.Option(help="Only for this dataset. [dim]Default: all[/]")] = "",
    why: Annotated[str, typer.Option(help="Reason, for the ledger.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take the role away instead.")] = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Give a role, or take it away.

    [bold]Examples[/]

      midas hub user role ravi researcher --dataset meningioma
      midas hub user role ravi researcher --remove
    """
    opened(home)
    from midas.people.accounts import account_named
    from midas.web.identity.deeds import Hand, give_role, take_role

    change = take_role if remove else give_role
    change(Hand(by=None), account=account_named(name), role=role, dataset=dataset, why=why)
    done = "is no longer" if remove else "is now"
    value = {"name": name, "role": role, "dataset": dataset, "has": not remove}
    say(json, value, f"[bold green]✓[/] {name} {done} {role} of {dataset or 'all datasets'}")


@app.command("password")
def user_password(
    name: Annotated[str, typer.Argument(help="The account.")],
    password_stdin: PasswordStdin = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Set a new password; every session of the old one ends.

    [bold]Examples[/]

      midas hub user password asha
      echo "$PASSWORD" | midas hub user password asha --password-stdin
    """
    opened(home)
    from midas.people.accounts import account_named
    from midas.web.identity.deeds import Hand, set_password

    password, is_new = _password(password_stdin)
    set_password(Hand(by=None), account=account_named(name), password=password)
    shown = f"\n  password: [bold]{password}[/]   [dim]shown only now[/]" if is_new else ""
    value = {"name": name, **({"password": password} if is_new else {})}
    say(json, value, f"[bold green]✓[/] {name} has a new password{shown}")


@app.command("token")
def user_token(
    name: Annotated[str, typer.Argument(help="The account.")],
    days: Annotated[int, typer.Option(min=1, max=365, help="Days that it is good for.")] = 90,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What it may: {SCOPES}; may be given again. [dim]Default: all but grant and people[/]"
        ),
    ] = None,
    title: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Revoke all tokens of this account first.")
    ] = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Make a token for `midas get` and the SDK; it is shown once.

    [bold]Examples[/]

      midas hub user token ravi --scope download --days 90
    """
    opened(home)
    from midas.people.accounts import account_named
    from midas.people.scopes import acts_of
    from midas.web.identity.deeds import Hand, issue_token, revoke_tokens

    account, hand = account_named(name), Hand(by=None)
    acts = acts_of(scope) if scope else None
    if revoke:
        revoke_tokens(hand, account=account)
    token = issue_token(hand, account=account, title=title, days=days, scope=acts)
    say(json, {"name": name, "token": token}, f"{token}\n[dim]Shown only now. MIDAS_TOKEN=… midas get …[/]")


@app.command("invite")
def user_invite(
    email: Annotated[str, typer.Option(help="The person's e-mail address, which you answer for.")] = "",
    role: Annotated[str, typer.Option(help=ROLES)] = "",
    dataset: Annotated[str, typer.Option(help="Only for this dataset. [dim]Default: all[/]")] = "",
    institution: Annotated[str, typer.Option(help="Institution the person belongs to.")] = "",
    home: Home = None,
    json: Json = False,
) -> None:
    """Make a link with which one person makes an account, once; it is shown once.

    [bold]Examples[/]

      midas hub user invite --email asha@example.org --role curator --dataset oral-cancer
    """
    made = opened(home)
    from midas.people.accounts import institution_named
    from midas.web.identity.deeds import Hand, invite

    where, days = institution_named(institution) if institution else None, made.config.invitation_days
    key = invite(Hand(by=None), email=email, institution=where, role=role, dataset=dataset, days=days)
    link = f"{made.config.public_url.rstrip('/')}/join/{key}"
    say(
        json,
        {"link": link, "days": days},
        f"{link}\n[dim]Shown only now. It works once, within {days} days.[/]",
    )


@app.command("close")
def user_close(
    name: Annotated[str, typer.Argument(help="The account.")],
    why: Annotated[str, typer.Option(help="Reason, for the ledger.")] = "",
    reopen: Annotated[bool, typer.Option("--reopen", help="Open it again instead.")] = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Close an account: from now on it may do nothing, whatever its roles.

    [bold]Examples[/]

      midas hub user close ravi
    """
    opened(home)
    from midas.people.accounts import account_named
    from midas.web.identity.deeds import Hand, set_active

    set_active(Hand(by=None), account=account_named(name), active=reopen, why=why)
    say(
        json, {"name": name, "active": reopen}, f"[bold green]✓[/] {name} is {'open' if reopen else 'closed'}"
    )


@app.command("list")
def user_list(home: Home = None, json: Json = False) -> None:
    """List accounts and their roles.

    [bold]Examples[/]

      midas hub user list
    """
    opened(home)
    from midas.people.models import Account, Membership

    roles: dict[int, list[str]] = {}
    for one in Membership.objects.order_by("role", "dataset"):
        roles.setdefault(one.account_id, []).append(f"{one.role} of {one.dataset or 'all'}")
    rows: list[dict[str, Any]] = [
        {"name": one.username, "active": one.is_active, "roles": roles.get(one.pk, []), "email": one.email}
        for one in Account.objects.order_by("username")
    ]
    if json:
        show.as_json(rows)
        return
    cells = [(r["name"], "yes" if r["active"] else "closed", ", ".join(r["roles"]), r["email"]) for r in rows]
    show.table("Accounts", ["name", "active", "roles", "e-mail"], cells)
