"""`midas spoke`: the agent inside a hospital, from the command line. It wires `midas.spoke`; it decides nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from midas.cli import show, spoke_questions, spoke_review, spoke_users, spoke_watch
from midas.cli.at_spoke import Home, Json, opened, tally

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
app.add_typer(spoke_review.app, name="review")
app.add_typer(spoke_users.app, name="user")
app.command("questions")(spoke_questions.questions)
app.command("answer")(spoke_questions.answer)
app.command("watch")(spoke_watch.watch)


@app.command("init")
def init(
    name: Annotated[str, typer.Option("--name", help="This hospital's id at the hub, e.g. spdc-wardha.")],
    protocol: Annotated[
        str, typer.Option("--protocol", help="A protocol file, or the name of a shipped one.")
    ],
    home: Home = None,
    hub: Annotated[str, typer.Option("--hub", help="Address of the hub; can be given later.")] = "",
    token: Annotated[
        str, typer.Option("--token", help="This spoke's token; - reads it from standard input.")
    ] = "",
    hub_key: Annotated[str, typer.Option("--hub-key", help="The hub's public key, to trust no other.")] = "",
    language: Annotated[str, typer.Option("--language", help="en or hi.")] = "en",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the spoke's site.")] = 8040,
    json: Json = False,
) -> None:
    """Make a spoke: a private folder with keys, database and one project. It asks nothing.

    [bold]Examples[/]

      midas spoke init --name wardha --protocol oral-cancer
      midas spoke init --home /srv/midas --name wardha --protocol oral-cancer.yaml --hub https://hub.example.org --token -
    """
    from midas.cli.protocol import open_protocol
    from midas.spoke.bootstrap import default_home, initialise
    from midas.spoke.home import checked

    loaded = open_protocol(protocol)
    config = checked({
        "name": name, "project": loaded.protocol.id, "hub": hub, "token": _token(token), "hub_key": hub_key,
        "language": language, "port": port,
    })  # fmt: skip
    made = initialise(path=home or default_home(), config=config, loaded=loaded)
    flag = f" --home {home}" if home else ""
    key = _public_key(made)
    if json:
        show.as_json(
            {"home": str(made.path), "name": name, "project": made.config.project, "public_key": key}
        )
        return
    show.out.print(
        f"[bold green]✓[/] A new spoke stands in {made.path}\n\n[bold]Next[/]\n"
        f"  at the hub:  midas hub spoke add {name} --name 'Hospital' --key {key}\n"
        f"  midas spoke connect{flag} --hub URL --token TOKEN\n"
        f"  midas spoke receive{flag} FOLDER\n\n"
        f"[dim]Back up {made.path / 'keys'} apart from the database: without storage.key nothing here can be read.[/]",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _token(given: str) -> str:
    return sys.stdin.readline().strip() if given == "-" else given


def _public_key(made: Any) -> str:
    from midas.manifest import PrivateKey

    return PrivateKey.load_or_create(made.keys / "spoke.key").public_hex


@app.command("connect")
def connect(
    hub: Annotated[str, typer.Option("--hub", help="Address of the hub.")],
    token: Annotated[
        str, typer.Option("--token", help="This spoke's token; - reads it from standard input.")
    ],
    home: Home = None,
    hub_key: Annotated[str, typer.Option("--hub-key", help="The hub's public key, to trust no other.")] = "",
    json: Json = False,
) -> None:
    """Say which hub this spoke sends to.

    [bold]Examples[/]

      midas spoke connect --hub https://hub.example.org --token -
    """
    from midas.spoke.bootstrap import default_home
    from midas.spoke.home import open_home, reconfigure

    made = open_home(home or default_home())
    changes = {"hub": hub, "token": _token(token), **({"hub_key": hub_key} if hub_key else {})}
    made = reconfigure(made, **changes)
    if json:
        show.as_json({"home": str(made.path), "hub": hub})
    else:
        show.out.print(f"[bold green]✓[/] {made.config.name} sends to {hub}", highlight=False)


@app.command("receive")
def receive(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Folder, archive or file; none: go on with what is here.", show_default=False),
    ] = None,
    home: Home = None,
    processes: Annotated[
        int, typer.Option("--processes", min=0, help="Worker processes; 0: one per processor.")
    ] = 0,
    again: Annotated[
        bool, typer.Option("--again", help="Try once more what worker processes died of.")
    ] = False,
    json: Json = False,
) -> None:
    """Take a folder in: match, look, de-identify, verify. Receiving the same again changes nothing.

    [bold]Examples[/]

      midas spoke receive /media/export-2026-11
      midas spoke receive --json scans.zip
      midas spoke receive          (after a corrected table, or after a power cut)
      midas spoke receive --again --processes 1    (with more memory)
    """
    made = opened(home)
    from midas import compute
    from midas.spoke import flow

    with compute.processes(processes or made.config.processes or None) as pool:
        flow.receive(home=made, folder=folder, progress=show.Bar(), runner=pool, again=again)
    tally(made, json)


@app.command("status")
def status(home: Home = None, json: Json = False) -> None:
    """Show everything in = waiting + held + refused + sent, with reasons and what to do.

    [bold]Examples[/]

      midas spoke status
      midas spoke status --json
    """
    made = opened(home)
    from midas.spoke.vault.projects import desk

    parcels = [
        {
            "root": one.root,
            "state": one.state,
            "instances": one.header["instances"],
            "bytes": one.header["bytes"],
        }
        for one in desk(home=made).project.parcels.order_by("pk")
    ]
    about = {"name": made.config.name, "project": made.config.project, "hub": made.config.hub}
    tally(made, json, extra={**about, "public_key": _public_key(made), "parcels": parcels})
    if not json:
        if parcels:
            show.table(
                "Parcels", ["key", "state", "instances", "MB"],
                [(p["root"][:12], p["state"], p["instances"], round(p["bytes"] / 1e6, 1)) for p in parcels],
            )  # fmt: skip
        show.out.print(f"[dim]public key {_public_key(made)}[/]", highlight=False, soft_wrap=True)


@app.command("audit")
def audit(
    number: Annotated[int, typer.Option("--files", min=1, help="Files to plant identifiers in.")] = 60,
    seed: Annotated[
        int | None, typer.Option(help="Plant the same again; without it, another corpus each time.")
    ] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Measure this spoke's de-identification with identifiers of nobody, planted in copies of its own images.

    The score travels with what is sent; a protocol may set a floor for it. Exit code 1 below the floor.

    [bold]Examples[/]

      midas spoke audit
      midas spoke audit --files 100 --json
    """
    made = opened(home)
    import secrets

    from midas import compute
    from midas.kernel import NoProgress, SystemClock
    from midas.spoke.auditing import audit as measure
    from midas.spoke.outbox.spending import metered
    from midas.spoke.vault.projects import desk

    work = desk(home=made)
    with (
        compute.processes(made.config.processes or None) as pool,
        metered(work, pool, clock=SystemClock()) as meter,
    ):
        found = measure(
            work, runner=meter, seed=secrets.randbelow(1 << 31) if seed is None else seed, number=number,
            progress=NoProgress() if json else show.Bar(),
        )  # fmt: skip
    show.audited(found.score, json, floor=work.protocol.deid.audit, digest=work.project.protocol_sha256)


@app.command("seal-map")
def seal_map(
    custodians: Annotated[
        list[Path], typer.Option("--custodian", help="A custodian's public file.", show_default=False)
    ],
    to: Annotated[Path, typer.Option("--to", help="The sealed map to write.", show_default=False)],
    reason: Annotated[
        str, typer.Option("--reason", help="Why now; it is logged in the map.", show_default=False)
    ],
    need: Annotated[int, typer.Option("--need", min=2, help="How many custodians open it together.")] = 2,
    home: Home = None,
    json: Json = False,
) -> None:
    """Seal who each pseudonym is to custodians, any two of whom open it (`midas deid open-map`). Nothing sent changes.

    [bold]Examples[/]

      midas spoke seal-map --custodian dean.custodian --custodian ethics.custodian --to map.sealed --reason "End of year"
    """
    made = opened(home)
    from midas.deid.custody import Custodian
    from midas.kernel import SystemClock, whole_file
    from midas.spoke.custody import seal_project
    from midas.spoke.vault.projects import desk

    people = [Custodian.from_json(path.read_bytes()) for path in custodians]
    sealed = seal_project(desk(home=made), custodians=people, need=need, reason=reason, clock=SystemClock())
    with whole_file(to, mode=0o600) as stream:
        stream.write(sealed)
    if json:
        show.as_json({"map": str(to), "custodians": [one.name for one in people], "need": need})
    else:
        show.out.print(f"Sealed {to}: any {need} of {len(people)} custodians open it.", highlight=False)


@app.command("send")
def send(home: Home = None, json: Json = False) -> None:
    """Pack what is cleaned, send it, and keep the hub's receipt. Can be repeated until the hub has answered.

    [bold]Examples[/]

      midas spoke send
    """
    made = opened(home)
    from midas.spoke import flow

    flow.pack(home=made, progress=show.Bar())
    parcels = flow.send(home=made, progress=show.Bar())
    asked = flow.exchange(home=made)
    sent = [{"root": one.root, "state": one.state, "findings": one.findings} for one in parcels]
    tally(made, json, extra={"parcels": sent, "questions": asked})
    if not json:
        if asked:
            show.out.print(f"{asked} question(s) of curators wait for an answer: midas spoke questions")
        for one in parcels:
            good = one.state == "acknowledged"
            mark = "[bold green]✓[/]" if good else "[bold red]✗[/]"
            show.out.print(f"{mark} {one.root[:12]} {one.state}", highlight=False)
            for finding in one.findings[:20] if not good else []:
                show.out.print(
                    f"    {finding['scope']}: {finding['message']} {finding['advice']}", highlight=False
                )
        if not parcels:
            show.out.print("Nothing to send.")
    if any(one.state != "acknowledged" for one in parcels):
        raise typer.Exit(1)


@app.command("serve")
def serve(
    home: Home = None,
    host: Annotated[str | None, typer.Option(help="Address; only this machine's own without TLS.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port.")] = None,
    cert: Annotated[Path | None, typer.Option(help="TLS certificate (PEM).")] = None,
    key: Annotated[Path | None, typer.Option(help="TLS private key (PEM).")] = None,
    watch: Annotated[
        list[Path] | None, typer.Option(help="Take in what is put into this folder, now and at later starts.")
    ] = None,
) -> None:
    """Serve the spoke's own site until Ctrl-C: what came in, what is held and why, what to do.

    [bold]Examples[/]

      midas spoke serve
      midas spoke serve --watch /media/camera
      midas spoke serve --host 10.0.0.5 --port 8443 --cert cert.pem --key key.pem
    """
    from granian import Granian
    from granian.constants import Interfaces

    from midas.spoke.bootstrap import remember_home
    from midas.spoke.home import reconfigure, serving

    made = opened(home)
    place = serving(made.config, host=host, port=port, cert=cert, key=key)
    if watch:
        from midas.spoke.watching import checked

        checked(made, watch)
    show.nobody_listens(place.bind, place.port)
    watched = tuple(str(one.absolute()) for one in watch or ()) or made.config.watch
    made = reconfigure(
        made, bind=place.bind, port=place.port, tls_cert=place.tls_cert, tls_key=place.tls_key, watch=watched
    )
    remember_home(made.path)
    scheme = "https" if place.tls_cert else "http"
    show.err.print(
        f"[bold green]✓[/] MIDAS spoke at {scheme}://{place.bind}:{place.port}/   [dim]Ctrl-C stops it[/]"
    )
    with spoke_watch.beside(made):
        Granian(
            "midas.spoke.asgi:application", address=place.bind, port=place.port, interface=Interfaces.ASGINL, workers=1,
            websockets=False, log_access=False,
            ssl_cert=Path(place.tls_cert) if place.tls_cert else None,
            ssl_key=Path(place.tls_key) if place.tls_key else None,
        ).serve()  # fmt: skip
