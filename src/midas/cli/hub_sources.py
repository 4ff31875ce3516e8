"""`midas hub spoke` and `midas hub protocol`: which hospitals may send, and under what. No logic of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from midas.cli import show
from midas.cli.at_hub import Home, Json, opened, say
from midas.kernel import SystemClock

spoke_app = typer.Typer(no_args_is_help=True, help="Hospitals that may send: add, list, tokens.")
protocol_app = typer.Typer(no_args_is_help=True, help="Protocols that the hub takes submissions under.")


@spoke_app.command("add")
def spoke_add(
    slug: Annotated[str, typer.Argument(help="Id, such as spdc-wardha.")],
    name: Annotated[str, typer.Option(help="Name of the hospital.")],
    key: Annotated[str, typer.Option(help="The spoke's public key (64 hex digits).")],
    city: Annotated[str, typer.Option(help="City.")] = "",
    state: Annotated[str, typer.Option(help="State or union territory.")] = "",
    ror: Annotated[str, typer.Option(help="ROR ID of the institution.")] = "",
    home: Home = None,
    json: Json = False,
) -> None:
    """Let a hospital send: keep its public key and make its token, shown once.

    [bold]Examples[/]

      midas hub spoke add spdc-wardha --name "Sharad Pawar Dental College" --city Wardha --key 3f…a9
    """
    opened(home)
    from django.db import transaction

    from midas.web.identity.deeds import Hand, issue_spoke_token, keep_institution

    told = {"name": name, "spoke_key": key, "city": city, "state": state, "ror": ror, "contact": ""}
    with transaction.atomic():
        spoke = keep_institution(Hand(by=None), slug=slug, new=True, **told)
        token = issue_spoke_token(Hand(by=None), spoke=spoke)
    words = f"[bold green]✓[/] {name} may send\n  token: [bold]{token}[/]   [dim]shown only now[/]"
    say(json, {"spoke": slug, "name": name, "token": token}, words)


@spoke_app.command("token")
def spoke_token(
    slug: Annotated[str, typer.Argument(help="The spoke's id.")], home: Home = None, json: Json = False
) -> None:
    """Make a new token for a spoke, shown once; the tokens it had end.

    [bold]Examples[/]

      midas hub spoke token spdc-wardha
    """
    opened(home)
    from midas.people.accounts import institution_named
    from midas.web.identity.deeds import Hand, issue_spoke_token

    token = issue_spoke_token(Hand(by=None), spoke=institution_named(slug), afresh=True)
    say(json, {"spoke": slug, "token": token}, f"{token}\n[dim]Shown only now; earlier tokens have ended.[/]")


@spoke_app.command("list")
def spoke_list(home: Home = None, json: Json = False) -> None:
    """List the hospitals that may send.

    [bold]Examples[/]

      midas hub spoke list
    """
    opened(home)
    from midas.people.models import Institution

    rows = list(Institution.objects.order_by("slug").values("slug", "name", "city", "state", "spoke_key"))
    if json:
        show.as_json(rows)
        return
    show.table("Spokes", ["id", "name", "city", "state", "public key"], [tuple(row.values()) for row in rows])


@protocol_app.command("add")
def protocol_add(
    file: Annotated[str, typer.Argument(help="A protocol file, or the name of one that is shipped.")],
    home: Home = None,
    json: Json = False,
) -> None:
    """Take submissions under a protocol; a dataset's newest protocol is in force.

    [bold]Examples[/]

      midas hub protocol add oral-cancer
      midas hub protocol add ./my-protocol.yaml
    """
    opened(home)
    from midas.catalogue.protocols import add_protocol
    from midas.protocol import load, load_named

    path = Path(file)
    loaded = load(path) if path.exists() or path.suffix in {".yaml", ".yml"} else load_named(file)
    version, is_new = add_protocol(loaded=loaded, clock=SystemClock())
    value = {
        "dataset": version.dataset.slug,
        "version": version.version,
        "sha256": version.sha256,
        "new": is_new,
    }
    words = "is registered" if is_new else "was registered before"
    say(json, value, f"[bold green]✓[/] {version.dataset.slug} {version.version} {words}")


@protocol_app.command("list")
def protocol_list(home: Home = None, json: Json = False) -> None:
    """List the protocols that the hub knows.

    [bold]Examples[/]

      midas hub protocol list
    """
    opened(home)
    from midas.catalogue.models import ProtocolVersion

    found = ProtocolVersion.objects.select_related("dataset").order_by("dataset__slug", "-added_at")
    rows = [{"dataset": one.dataset.slug, "version": one.version, "sha256": one.sha256} for one in found]
    if json:
        show.as_json(rows)
        return
    show.table("Protocols", ["dataset", "version", "SHA-256"], [tuple(row.values()) for row in rows])
