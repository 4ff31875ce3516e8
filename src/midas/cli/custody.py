"""The commands of `midas deid` for the map that leads back: custodians, sealing, shares, opening. They decide nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from midas.cli.show import as_json, out, table
from midas.kernel import BadInput, NotFound, SystemClock, whole_file

app = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Map = Annotated[Path, typer.Argument(metavar="MAP", help="A sealed map.", show_default=False)]
Reason = Annotated[
    str,
    typer.Option("--reason", help="For whom, why, under which approval; it is logged.", show_default=False),
]
As = Annotated[Path, typer.Option("--as", help="Your private file, NAME.key.", show_default=False)]
Password = Annotated[
    Path | None, typer.Option("--password-file", help="A file with the password; without it you are asked.")
]
Custodians = Annotated[
    list[Path],
    typer.Option(
        "--custodian", help="A custodian's public file; give the option for each.", show_default=False
    ),
]
Need = Annotated[int, typer.Option("--need", min=2, help="How many custodians open it together.")]


def _now() -> str:
    return SystemClock().now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _password(given: Path | None, *, confirm: bool = False) -> str:
    if given is not None:
        return _read(given).decode("utf-8").rstrip("\r\n")
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=confirm)
    return asked


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", advice="Check the path.")
    return path.read_bytes()


def _write(path: Path, content: bytes, *, new: bool = True) -> None:
    if new and path.exists():
        raise BadInput(f"{path} is there already.", advice="Choose another name; nothing is overwritten.")
    with whole_file(path, mode=0o600) as stream:
        stream.write(content)


@app.command(
    "custodian",
    epilog=("Example:  midas deid custodian dean --to keys"),
)
def custodian(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Who: an office or a person.", show_default=False)
    ],
    to: Annotated[Path, typer.Option("--to", help="The folder for NAME.key and NAME.custodian.")] = Path(),
    password_file: Password = None,
    json_: Json = False,
) -> None:
    """Make a custodian's keys: NAME.key opens with the password and stays with them; NAME.custodian is public."""
    from midas.deid.custody import Custodian, fingerprint, make_custodian

    public, private = make_custodian(name, password=_password(password_file, confirm=True))
    stem = "".join(char if char.isalnum() or char in "-_" else "-" for char in name)
    for suffix, content in ((".key", private), (".custodian", public)):
        _write(to / f"{stem}{suffix}", content)
    mark = fingerprint(Custodian.from_json(public))
    if json_:
        as_json(
            {"key": str(to / f"{stem}.key"), "public": str(to / f"{stem}.custodian"), "fingerprint": mark}
        )
    else:
        out.print(
            f"Wrote {to / stem}.key (keep it, and the password) and {to / stem}.custodian (give it away). Compare the "
            f"fingerprint by telephone: {mark}", highlight=False,
        )  # fmt: skip


@app.command(
    "seal-map",
    epilog=(
        "Example:  midas deid seal-map owners --custodian dean.custodian --custodian ethics.custodian --to "
        "map.sealed --reason 'End of collection, ethics no. 12/2026' --remove"
    ),
)
def seal_map(
    report: Annotated[
        Path, typer.Argument(metavar="DIR", help="A report folder of `midas deid run`.", show_default=False)
    ],
    custodians: Custodians,
    to: Annotated[Path, typer.Option("--to", help="The sealed map to write.", show_default=False)],
    reason: Reason,
    need: Need = 2,
    secret_file: Annotated[
        Path | None,
        typer.Option("--secret-file", help="Seal the secret as well, so that it can be had back."),
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove the lists from DIR once they are sealed.")
    ] = False,
    json_: Json = False,
) -> None:
    """Seal the lists that lead back, so that only several custodians together open them. Nothing that was sent changes."""
    from midas.deid.custody import Custodian
    from midas.deid.custody import seal_map as seal
    from midas.deid.journal import forget, lists_of

    content: dict[str, object] = {"lists": lists_of(report)}
    if secret_file is not None:
        content["secret"] = _read(secret_file).hex()
    people = [Custodian.from_json(_read(path)) for path in custodians]
    _write(to, seal(content, custodians=people, need=need, at=_now(), reason=reason))
    gone = forget(report) if remove else ()
    if json_:
        as_json({"map": str(to), "custodians": [one.name for one in people], "need": need, "removed": gone})
    else:
        told = f" Removed {', '.join(gone)}." if gone else ""
        out.print(f"Sealed {to}: any {need} of {len(people)} custodians open it.{told}", highlight=False)


@app.command(
    "share",
    epilog=(
        "Example:  midas deid share map.sealed --as dean.key --for ethics --to dean.share --reason "
        "'Withdrawal, ethics no. 12/2026'"
    ),
)
def share(
    sealed: Map,
    key: As,
    receiver: Annotated[
        str, typer.Option("--for", help="The custodian who opens the map.", show_default=False)
    ],
    reason: Reason,
    to: Annotated[Path, typer.Option("--to", help="The share to write.", show_default=False)],
    password_file: Password = None,
    json_: Json = False,
) -> None:
    """Give your part to another custodian who means to open the map; your reason is logged in the map."""
    from midas.deid.custody import make_share, open_custodian

    opener = open_custodian(_read(key), password=_password(password_file))
    made, logged = make_share(_read(sealed), opener, to=receiver, reason=reason, at=_now())
    _write(to, made)
    _write(sealed, logged, new=False)
    if json_:
        as_json({"share": str(to), "of": opener.custodian.name, "for": receiver})
    else:
        out.print(
            f"Wrote {to} for {receiver}. Send it with {sealed}, whose log now names it.", highlight=False
        )


@app.command(
    "open-map",
    epilog=(
        "Example:  midas deid open-map map.sealed --as ethics.key --share dean.share --to opened --reason "
        "'Withdrawal, ethics no. 12/2026'"
    ),
)
def open_map(
    sealed: Map,
    key: As,
    shares: Annotated[
        list[Path], typer.Option("--share", help="Another custodian's share.", show_default=False)
    ],
    reason: Reason,
    to: Annotated[
        Path, typer.Option("--to", help="A new folder for what the map holds.", show_default=False)
    ],
    password_file: Password = None,
    json_: Json = False,
) -> None:
    """Open the map with your key and the shares of others; the opening is logged before anything is shown.

    Exit codes: 2 cannot be used · 4 too few custodians, or not yours · 7 it was changed.
    """
    from midas.deid import custody
    from midas.deid.journal import private, write_lists

    if to.exists():
        raise BadInput(f"{to} is there already.", advice="Choose a new folder; it will name persons.")
    opener = custody.open_custodian(_read(key), password=_password(password_file))
    parts = [_read(path) for path in shares]
    content, logged = custody.open_map(_read(sealed), opener, parts, reason=reason, at=_now())
    _write(sealed, logged, new=False)
    private(to)
    written = write_lists(to, content.get("lists", {}))
    if "secret" in content:
        _write(to / "secret.key", bytes.fromhex(content["secret"]))
        written = (*written, "secret.key")
    if json_:
        as_json({"folder": str(to), "written": written})
    else:
        out.print(
            f"Opened into {to}: {', '.join(written)}. It names persons; remove it when you are done.",
            highlight=False,
        )


@app.command(
    "rewrap-map",
    epilog=(
        "Example:  midas deid rewrap-map map.sealed --as ethics.key --share dean.share --custodian "
        "ethics.custodian --custodian board.custodian --reason 'The dean changed, order 7/2026'"
    ),
)
def rewrap_map(
    sealed: Map,
    key: As,
    shares: Annotated[
        list[Path], typer.Option("--share", help="Another custodian's share.", show_default=False)
    ],
    custodians: Custodians,
    reason: Reason,
    need: Need = 2,
    password_file: Password = None,
    json_: Json = False,
) -> None:
    """Seal the same map to other custodians, as when one leaves. Pseudonyms, UIDs and all that was sent stay as they are."""
    from midas.deid import custody

    opener = custody.open_custodian(_read(key), password=_password(password_file))
    people = [custody.Custodian.from_json(_read(path)) for path in custodians]
    parts = [_read(path) for path in shares]
    fresh = custody.rewrap(
        _read(sealed), opener, parts, custodians=people, need=need, reason=reason, at=_now()
    )
    _write(sealed, fresh, new=False)
    if json_:
        as_json({"map": str(sealed), "custodians": [one.name for one in people], "need": need})
    else:
        out.print(
            f"{sealed} opens for any {need} of {len(people)} custodians now. Remove older copies.",
            highlight=False,
        )


@app.command(
    "map-log",
    epilog=("Example:  midas deid map-log map.sealed"),
)
def map_log(sealed: Map, json_: Json = False) -> None:
    """Show who sealed, shared and opened a map, when and why."""
    from midas.deid.custody import log_of

    log = log_of(_read(sealed))
    if json_:
        as_json([entry.to_dict() for entry in log])
    else:
        table("Log of the map", ("when", "act", "who", "why"), [(e.at, e.act, e.who, e.reason) for e in log])
