"""`midas hub ledger`: seal, verify, head, prune. No logic of its own."""

from __future__ import annotations

import json as text
from pathlib import Path
from typing import Annotated, Any

import typer

from midas.cli import show
from midas.cli.at_hub import Home, Json, opened, say
from midas.kernel import BadInput, SystemClock

app = typer.Typer(
    no_args_is_help=True, help="The record of what was done: seal, verify, publish its head, prune."
)


@app.command("seal")
def seal(home: Home = None, json: Json = False) -> None:
    """Link what was entered since; a running server does so by itself every second.

    [bold]Examples[/]

      midas hub ledger seal
    """
    opened(home)
    from midas.web.sealer import one_round

    linked = one_round()
    say(json, {"linked": linked}, f"[bold green]✓[/] {linked:,} rows linked")


@app.command("head")
def head(
    home: Home = None,
    out: Annotated[Path | None, typer.Option(help="Write it into this file, to be kept elsewhere.")] = None,
    json: Json = False,
) -> None:
    """Print the chain's end, signed: whoever keeps it can prove later that nothing before it was changed.

    [bold]Examples[/]

      midas hub ledger head
      midas hub ledger head --out head-2026-12-31.json
    """
    opened(home)
    from midas.kernel import whole_file
    from midas.ledger import head as head_now
    from midas.web.bootstrap import signer

    signed = head_now(signer=signer(), clock=SystemClock())
    value = text.loads(signed.payload)
    if out is not None:
        with whole_file(out) as stream:
            stream.write(signed.model_dump_json().encode() + b"\n")
    words = (
        f"row     {value['number']}\ndigest  {value['digest']}\ntime    {value['time']}\nsigned  {signed.signature}\n"
        f"key     {signed.public_key}"
    )
    say(json, signed.model_dump(), words)


@app.command("verify")
def verify(
    home: Home = None,
    head: Annotated[
        Path | None, typer.Option("--head", help="An earlier head; prove that it is in today's chain.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Verify an export (NDJSON) instead; needs no hub.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="The hub's public key (64 hex digits). [dim]Default: the home's own[/]")
    ] = None,
    json: Json = False,
) -> None:
    """Work out every digest again and check every signature; exit 1 and say the first wrong row if any is wrong.

    [bold]Examples[/]

      midas hub ledger verify
      midas hub ledger verify --head head-2026-12-31.json
      midas hub ledger verify --file ledger.ndjson --key 3f…a9
    """
    if file is not None:
        _verify_file(file, key, json)
        return
    opened(home)
    from midas.ledger import verify as verify_chain
    from midas.web.bootstrap import signer

    trusted = key or signer().public_hex
    earlier = _signed(head) if head is not None else None
    found = verify_chain(trusted=trusted, clock=SystemClock(), progress=show.Bar())
    value: dict[str, Any] = {"stands": found.stands, **vars(found)}
    lines = [
        f"[bold green]✓[/] {found.rows:,} rows, every one right, up to row {found.number:,}"
        if found.stands
        else f"[bold red]✗[/] {found.wrong}",
        f"[dim]{found.heads:,} signed heads checked · {found.waiting:,} rows wait for the sealer"
        + (f" · rows up to {found.pruned:,} were pruned[/]" if found.pruned else "[/]"),
    ]
    if earlier is not None and found.stands:
        from midas.ledger.verifying import contains

        number, at = contains(head=earlier, trusted=trusted)
        value["head"] = {"number": number, "time": at.isoformat()}
        lines.append(f"[bold green]✓[/] The head of {at:%d %b %Y, %H:%M} UTC stands in it as row {number:,}")
    say(json, value, "\n".join(lines))
    if not found.stands:
        raise typer.Exit(1)


def _signed(path: Path) -> Any:
    from midas.wire.v1 import Signed

    try:
        return Signed.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        raise BadInput(
            f"{path} is not a head of a ledger.", advice="Give what /ledger/head.json gave."
        ) from None


def _verify_file(file: Path, key: str | None, json: bool) -> None:
    from midas.ledger.exporting import check_lines

    try:
        with file.open("rb") as lines:
            found = check_lines(lines, trusted=key)
    except OSError:
        raise BadInput(f"{file} cannot be read.", advice="Check the path.") from None
    kind = "without a gap" if found.whole else "chosen rows"
    words = (
        f"[bold green]✓[/] {found.rows:,} rows ({kind}) from {found.first:,} to {found.last:,}, every one right\n"
        f"signed by {found.public_key}"
        + ("" if key else "\n[dim]Compare the key with the one the hub publishes.[/]")
    )
    say(json, vars(found), words)


@app.command("prune")
def prune(
    home: Home = None,
    years: Annotated[
        int | None,
        typer.Option(min=1, help="Keep so many years. [dim]Default: ledger_years of config.toml[/]"),
    ] = None,
    json: Json = False,
) -> None:
    """Remove rows past their years and leave a signed checkpoint, from which `verify` goes on.

    [bold]Examples[/]

      midas hub ledger prune
      midas hub ledger prune --years 3
    """
    made = opened(home)
    from midas.ledger import prune as prune_old
    from midas.web.bootstrap import signer
    from midas.web.sealer import one_round

    keep = made.config.ledger_years
    if years is not None and years < keep:
        raise BadInput(
            f"This hub keeps {keep} years.", advice="Lower ledger_years in config.toml first; 1 is the least."
        )
    one_round()
    stays = prune_old(years=years or keep, signer=signer(), clock=SystemClock())
    one_round()
    value = {"removed": stays.count if stays else 0, "checkpoint": stays.number if stays else None}
    words = (
        f"{stays.count:,} rows removed; a checkpoint stays at row {stays.number:,}"
        if stays
        else "Nothing is that old"
    )
    say(json, value, f"[bold green]✓[/] {words}")
