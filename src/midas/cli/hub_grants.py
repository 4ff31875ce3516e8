"""`midas hub grant`: who may have a release: give, list, take back. No logic of its own."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from midas.cli import show
from midas.cli.at_hub import Home, Json, opened, say
from midas.cli.release import split_name
from midas.kernel import Forbidden, SystemClock

app = typer.Typer(no_args_is_help=True, help="Who may have a release: give, list, take back.")

By = Annotated[str, typer.Option("--by", help="Account of the access officer who decides.")]
Why = Annotated[str, typer.Option("--why", help="The reason, in a sentence; it is kept.")]


def _officer(name: str, dataset: str) -> Any:
    """Return the officer's account; `Forbidden` where it may not give access to the dataset."""
    from midas.people.accounts import account_named
    from midas.people.rule import Act
    from midas.web.standing import may

    officer = account_named(name)
    if not may(officer, Act.GRANT, dataset):
        raise Forbidden(
            f"{name} may not give access to {dataset}.",
            advice=f"Name an access officer: midas hub user role {name} access-officer --dataset {dataset}",
        )
    return officer


@app.command("give")
def give(
    name: Annotated[str, typer.Argument(help="The account that gets access.")],
    release: Annotated[str, typer.Argument(help="dataset@version")],
    by: By,
    why: Why,
    purpose: Annotated[
        str, typer.Option(help="What for, as a DUO id or abbreviation, such as DUO:0000006 or HMB.")
    ],
    days: Annotated[int, typer.Option(min=1, max=3 * 365, help="Days until it ends.")] = 365,
    words: Annotated[str, typer.Option(help="What for, in words.")] = "",
    home: Home = None,
    json: Json = False,
) -> None:
    """Give a person access to a release, under the terms that its LICENSE.txt says.

    Use it where the person has accepted the terms on paper; at the hub's site people ask and accept by themselves.

    [bold]Examples[/]

      midas hub grant give meera oral-cancer@1.0.0 --by leela --purpose HMB --why "Agreement 12 was signed."
    """
    opened(home)
    from midas.access import give as give_access
    from midas.access.terms import terms_of_release
    from midas.people.accounts import account_named
    from midas.release import look
    from midas.web.bootstrap import store

    found, clock = look.release(*split_name(release)), SystemClock()
    made = give_access(
        account=account_named(name), release=found, purpose=purpose, by=_officer(by, found.dataset.slug), why=why,
        terms=terms_of_release(found, store=store(), clock=clock), clock=clock, days=days, words=words,
    )  # fmt: skip
    value = {
        "grant": made.pk, "name": name, "release": release, "purpose": made.purpose,
        "terms": made.terms.sha256, "until": made.expires_at.isoformat(),
    }  # fmt: skip
    say(
        json,
        value,
        f"[bold green]✓[/] {name} may have {release} until {made.expires_at:%Y-%m-%d} (grant {made.pk})",
    )


@app.command("list")
def list_(home: Home = None, json: Json = False) -> None:
    """List all grants, the newest first, and whether each stands.

    [bold]Examples[/]

      midas hub grant list
    """
    opened(home)
    from midas.access.models import Grant

    now = SystemClock().now()
    found = Grant.objects.select_related("account", "release__dataset", "given_by").order_by("-given_at")
    rows: list[dict[str, Any]] = [
        {
            "grant": one.pk, "name": one.account.username, "release": f"{one.release.dataset.slug}@{one.release.version}",
            "purpose": one.purpose, "given_by": one.given_by.username, "until": one.expires_at.isoformat(),
            "state": one.state(now),
        }
        for one in found
    ]  # fmt: skip
    if json:
        show.as_json(rows)
        return
    cells = [tuple(map(str, {**row, "until": row["until"][:10]}.values())) for row in rows]
    show.table("Grants", ["grant", "name", "release", "purpose", "given by", "until", "state"], cells)


@app.command("revoke")
def revoke(
    grant: Annotated[int, typer.Argument(help="The grant's number; `midas hub grant list` shows it.")],
    by: By,
    why: Why,
    home: Home = None,
    json: Json = False,
) -> None:
    """Take a grant back: pages, API and running downloads stop within seconds.

    [bold]Examples[/]

      midas hub grant revoke 7 --by leela --why "The project has ended."
    """
    opened(home)
    from midas.access import grant_numbered
    from midas.access import revoke as revoke_access

    found = grant_numbered(grant)
    done = revoke_access(
        grant=found, by=_officer(by, found.release.dataset.slug), why=why, clock=SystemClock()
    )
    value = {"grant": done.pk, "name": done.account.username, "revoked": True}
    say(json, value, f"[bold green]✓[/] Grant {done.pk} of {done.account.username} was taken back")
