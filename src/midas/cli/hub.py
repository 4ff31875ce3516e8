"""`midas hub`: set up and run the server where datasets live, and say who may come in. No logic of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from midas.cli import hub_grants, hub_ledger, hub_quality, hub_sources, hub_users, show
from midas.cli.at_hub import Home, Json, opened, say
from midas.kernel import BadInput, Digest, SystemClock

HEADERS_WITHIN_MS = 10_000
"""Who has not sent a request's head by then is cut off: connections cannot be held open by a letter a minute."""
LARGEST_HEAD = 128 << 10
"""Bytes of a request's line and headers."""

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
app.add_typer(hub_users.app, name="user")
app.add_typer(hub_grants.app, name="grant")
app.add_typer(hub_sources.spoke_app, name="spoke")
app.add_typer(hub_sources.protocol_app, name="protocol")
app.add_typer(hub_ledger.app, name="ledger")
app.command("check")(hub_quality.check)


@app.command("init")
def init(
    home: Home = None,
    url: Annotated[
        str, typer.Option("--url", help="The address that people will type.")
    ] = "http://127.0.0.1:8000",
    json: Json = False,
) -> None:
    """Make a new hub: a folder with settings, keys and an empty database. It asks nothing.

    [bold]Examples[/]

      midas hub init
      midas hub init --home /srv/midas --url https://midas.example.org
    """
    from midas.web.bootstrap import default_home, initialise, signer

    made = initialise(home or default_home(), public_url=url)
    flag = f" --home {home}" if home else ""
    value = {"home": str(made.path), "url": url, "public_key": signer().public_hex}
    say(
        json,
        value,
        f"[bold green]✓[/] A new hub stands in {made.path}\n\n[bold]Next[/]\n"
        f"  midas hub protocol add oral-cancer{flag}\n"
        f"  midas hub user add NAME --role admin{flag}\n"
        f"  midas hub spoke add SLUG --name 'Hospital' --key KEY{flag}   (the key: midas spoke status)\n"
        f"  midas hub serve{flag}\n\n"
        f"[dim]Receipts and releases are signed with the key {value['public_key']}[/]",
    )


@app.command("serve")
def serve(
    home: Home = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; this machine only unless you say so.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    cert: Annotated[Path | None, typer.Option(help="TLS certificate (PEM).")] = None,
    key: Annotated[Path | None, typer.Option(help="TLS private key (PEM).")] = None,
) -> None:
    """Serve pages and API until Ctrl-C, and verify and register what spokes send.

    [bold]Examples[/]

      midas hub serve
      midas hub serve --home /srv/midas --host 0.0.0.0 --port 443 --cert cert.pem --key key.pem
    """
    from granian import Granian
    from granian.constants import Interfaces
    from granian.http import HTTP1Settings, HTTP2Settings

    from midas.web.bootstrap import remember_home
    from midas.web.telling import logging_of

    if (cert is None) != (key is None):
        raise BadInput("TLS needs a certificate and its key.", advice="Give both --cert and --key.")
    made = opened(home)
    show.nobody_listens(host, port)
    remember_home(made.path)
    scheme = "https" if cert else "http"
    show.err.print(f"[bold green]✓[/] MIDAS hub at {scheme}://{host}:{port}/   [dim]Ctrl-C stops it[/]")
    Granian(
        "midas.web.asgi:application", address=host, port=port, interface=Interfaces.ASGINL, workers=1,
        websockets=False, ssl_cert=cert, ssl_key=key, log_access=False, log_dictconfig=logging_of(),
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_WITHIN_MS, max_buffer_size=LARGEST_HEAD),
        http2_settings=HTTP2Settings(max_headers_size=LARGEST_HEAD),
    ).serve()  # fmt: skip


@app.command("status")
def status(home: Home = None, json: Json = False) -> None:
    """Show what the hub holds: datasets, spokes, submissions by state.

    [bold]Examples[/]

      midas hub status
      midas hub status --json
    """
    made = opened(home)
    from midas.catalogue import look
    from midas.people.models import Account, Institution

    datasets, spokes = look.datasets(), look.spokes()
    if json:
        show.as_json({
            "home": str(made.path), "blobs": made.blobs, "accounts": Account.objects.count(),
            "institutions": Institution.objects.count(),
            "datasets": [vars(one) for one in datasets], "spokes": [vars(one) for one in spokes],
        })  # fmt: skip
        return
    show.table(
        f"Datasets of {made.path}", ["dataset", "protocol", "access", "subjects", "instances", "MB"],
        [(d.slug, d.protocol_version, d.access, d.subjects, d.instances, round(d.size / 1e6, 1)) for d in datasets],
    )  # fmt: skip
    show.table(
        "Spokes that sent", ["spoke", "subjects", "instances", "submissions"],
        [(s.slug, s.subjects, s.instances, ", ".join(f"{n} {state}" for state, n in s.submissions.items())) for s in spokes],
    )  # fmt: skip


@app.command("verify")
def verify(
    home: Home = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Worker processes. [dim]Default: one a processor[/]")
    ] = None,
    json: Json = False,
) -> None:
    """Hash every blob again and compare with the name it has; exit 1 if any is damaged or missing.

    What an interrupted withdrawal left is erased first.

    [bold]Examples[/]

      midas hub verify
      midas hub verify --home /srv/midas --jobs 8
    """
    opened(home)
    from midas.compute import processes
    from midas.store.audit import Audit, check
    from midas.web.audit import erase_doomed, needed_blobs
    from midas.web.bootstrap import store

    blobs = store()
    erase_doomed(store=blobs)
    digests = sorted({*blobs.digests(), *(Digest(one) for one in needed_blobs())})
    with processes(jobs) as runner:
        answers = [
            answer
            for answer in show.Bar().track(
                runner.map(check, (Audit(blobs, digest) for digest in digests)),
                label="Verify",
                total=len(digests),
            )
            if answer.wrong
        ]
    if json:
        show.as_json({"blobs": len(digests), "wrong": [vars(one) for one in answers]})
    elif answers:
        show.table("Wrong blobs", ["blob", "why"], [(one.digest, one.wrong) for one in answers])
    else:
        show.out.print(f"[bold green]✓[/] {len(digests):,} blobs, every one right")
    if answers:
        raise typer.Exit(1)


@app.command("collect")
def collect(
    home: Home = None,
    days: Annotated[
        float, typer.Option(min=0.04, help="Blobs that came in within so many days stay. At least an hour.")
    ] = 1.0,
    json: Json = False,
) -> None:
    """Erase blobs that nothing names: of refused submissions, broken uploads, abandoned cuts..

    A hospital that is still sending may have blobs here that nothing names yet: give more days on slow lines.

    [bold]Examples[/]

      midas hub collect
      midas hub collect --days 7
    """
    opened(home)
    from datetime import timedelta

    from midas.web.audit import collect as erase_unnamed
    from midas.web.audit import erase_doomed
    from midas.web.bootstrap import store

    erased = erase_doomed(store=store())
    erased += erase_unnamed(store=store(), clock=SystemClock(), older_than=timedelta(days=days))
    say(json, {"erased": erased}, f"[bold green]✓[/] {erased:,} blobs erased")


@app.command("index")
def index(
    home: Home = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Worker processes. [dim]Default: one a processor[/]")
    ] = None,
    json: Json = False,
) -> None:
    """Index the images that are not indexed yet, so that viewers find them; needed once after an update.

    What is registered or released by this version is indexed already. Doing it again changes nothing.

    [bold]Examples[/]

      midas hub index
      midas hub index --home /srv/midas --jobs 8
    """
    made = opened(home)
    from midas.compute import processes
    from midas.web.bootstrap import store
    from midas.web.reindexing import reindex

    with processes(jobs) as runner:
        done = reindex(store=store(), scratch=made.scratch, runner=runner, progress=show.Bar())
    unreadable = f", [yellow]{done.unreadable:,} could not be read[/]" if done.unreadable else ""
    say(
        json,
        vars(done),
        f"[bold green]✓[/] {done.indexed:,} images indexed{unreadable}, {done.scopes:,} datasets and releases up to date",
    )
