"""`midas protocol`: write, check, show and compare dataset protocols. It wires `midas.protocol`; it decides nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from midas.cli.show import as_json, err, out, table
from midas.kernel import BadInput, NotFound, whole_file
from midas.protocol import (
    Loaded,
    ProtocolError,
    diff,
    load,
    load_named,
    schema_text,
    shipped,
    write_new,
)  # fmt: skip
from midas.quality.checks import unknown_limits

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Which = Annotated[
    str, typer.Argument(help="A protocol file, or the name of a shipped protocol.", show_default=False)
]


def open_protocol(which: str) -> Loaded:
    """Load a file where there is one, otherwise a shipped protocol of that name."""
    path = Path(which)
    if path.is_file():
        return load(path)
    if path.suffix or "/" in which:
        raise NotFound(f"There is no protocol file {which}.", advice="Start one with `midas protocol new`.")
    return load_named(which)


@app.command(
    "new", epilog="Examples:  midas protocol new my.yaml   ·   midas protocol new my.yaml --like oral-cancer"
)
def new(
    path: Annotated[
        Path, typer.Argument(help="The file to write; it must not exist yet.", show_default=False)
    ],
    name: Annotated[
        str, typer.Option(help="The dataset's id: small letters, digits and hyphens.")
    ] = "my-dataset",
    like: Annotated[
        str | None, typer.Option(help="Start from a shipped protocol instead of the short template.")
    ] = None,
    json_: Json = False,
) -> None:
    """Write a valid protocol file to start from."""
    written = write_new(path, name=name, like=like)
    if json_:
        as_json({"written": str(written)})
    else:
        out.print(f"Wrote {written}. Next: edit it, then `midas protocol check {written}`.", highlight=False)


@app.command(
    "check", epilog="Examples:  midas protocol check my.yaml   ·   midas protocol check my.yaml --json"
)
def check(
    which: Which,
    json_: Json = False,
) -> None:
    """Check a protocol; every wrong line is named with what to do. Exit code 1 where something is wrong."""
    try:
        loaded = open_protocol(which)
    except ProtocolError as error:
        if json_:
            wrong = [{"line": one.line, "what": one.what, "advice": one.advice} for one in error.complaints]
            as_json({"ok": False, "file": error.name, "complaints": wrong})
        else:
            for one in error.complaints:
                err.print(one.at(error.name), highlight=False, markup=False, soft_wrap=True)
            err.print(f"[bold red]{len(error.complaints)} to correct[/] in {error.name}", highlight=False)
        raise typer.Exit(1) from None
    if misspelt := {name for item in loaded.protocol.items for name in unknown_limits(item)}:
        raise BadInput(
            f"No check of quality is called {', '.join(sorted(misspelt))}.",
            advice="docs/checks.md lists their names.",
        )
    if json_:
        as_json(
            {
                "ok": True,
                "id": loaded.protocol.id,
                "version": loaded.protocol.version,
                "sha256": loaded.sha256,
            }
        )
    else:
        out.print(
            f"[bold green]right[/] {loaded.protocol.id} {loaded.protocol.version}  {loaded.sha256}",
            highlight=False,
        )


def _overview(loaded: Loaded) -> None:
    protocol = loaded.protocol
    out.print(f"[bold]{protocol.title['en']}[/]  {protocol.id} {protocol.version}", highlight=False)
    out.print(protocol.summary["en"], highlight=False)
    out.print(f"[dim]SHA-256 {loaded.sha256}[/]", highlight=False)
    table("Visits", ("id", "title", "window", "required"), [
        (one.id, one.title["en"], f"±{one.window_days} days", "yes" if one.required else "") for one in protocol.visits
    ])  # fmt: skip
    table("Items", ("id", "kind", "modality", "belongs to", "views", "required"), [
        (one.id, one.kind, " ".join(one.modalities), one.level, " ".join(one.views), "yes" if one.required else "")
        for one in protocol.items
    ])  # fmt: skip
    table("Tables", ("id", "one row per", "leaves the hospital", "stays inside"), [
        (one.id, one.grain, " ".join(c.name for c in one.columns if c.leaves),
         " ".join(c.name for c in one.columns if c.role != "variable"))
        for one in protocol.tables
    ])  # fmt: skip
    table("Targets", ("id", "level", "type", "values", "from"), [
        (one.id, one.level, one.type, " ".join(one.values), one.source.labels or f"{one.source.table}.{one.source.column}")
        for one in protocol.targets
    ])  # fmt: skip
    out.print(
        f"De-identification: {', '.join(protocol.deid.options) or 'basic profile'}\n"
        f"Access: {protocol.access.level}, {protocol.access.license}", highlight=False,
    )  # fmt: skip


@app.command(
    "show", epilog="Examples:  midas protocol show oral-cancer   ·   midas protocol show my.yaml --json"
)
def show(
    which: Annotated[
        str | None, typer.Argument(help="A file or shipped name; without it, list the shipped ones.")
    ] = None,
    json_: Json = False,
) -> None:
    """Show what a protocol asks for, or list the protocols that come with MIDAS."""
    if which is None:
        known = {name: load_named(name).protocol for name in shipped()}
        if json_:
            as_json(
                [
                    {"id": name, "version": one.version, "title": one.title["en"]}
                    for name, one in known.items()
                ]
            )
        else:
            table("Shipped protocols", ("id", "version", "title"), [
                (name, one.version, one.title["en"]) for name, one in known.items()
            ])  # fmt: skip
        return
    loaded = open_protocol(which)
    if json_:
        content: dict[str, Any] = loaded.protocol.model_dump(mode="json", by_alias=True)
        as_json({"sha256": loaded.sha256, "protocol": content})
    else:
        _overview(loaded)


@app.command("diff", epilog="Example:  midas protocol diff oral-cancer my.yaml")
def compare(
    before: Which,
    after: Which,
    json_: Json = False,
) -> None:
    """Say what changed between two protocols. Exit code 1 where they differ."""
    changes = diff(open_protocol(before).protocol, open_protocol(after).protocol)
    if json_:
        as_json([{"place": c.place, "kind": c.kind, "before": c.before, "after": c.after} for c in changes])
    else:
        for change in changes:
            out.print(change.words(), highlight=False, markup=False, soft_wrap=True)
        if not changes:
            out.print("They say the same.")
    if changes:
        raise typer.Exit(1)


@app.command("schema", epilog="Example:  midas protocol schema --to protocol.schema.json")
def schema(
    to: Annotated[Path | None, typer.Option(help="Write it to this file instead of the terminal.")] = None,
) -> None:
    """Give the JSON Schema of protocol files, for editors and other programs."""
    if to is None:
        as_json(json.loads(schema_text()))
        return
    with whole_file(to) as stream:
        stream.write(schema_text().encode())
    out.print(f"Wrote {to}.", highlight=False)


__all__ = ["app", "open_protocol"]
