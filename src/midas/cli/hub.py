"""`midas hub`: set up and run the server where datasets live, and say who may come in. No logic of its own."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from midas.cli import show
from midas.kernel import BadInput, Digest, SystemClock

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
user_app = typer.Typer(no_args_is_help=True, help="Accounts of people: add, list, passwords, roles, tokens.")
spoke_app = typer.Typer(no_args_is_help=True, help="Hospitals that may send: add, list, tokens.")
protocol_app = typer.Typer(no_args_is_help=True, help="Protocols that the hub takes submissions under.")
app.add_typer(user_app, name="user")
app.add_typer(spoke_app, name="spoke")
app.add_typer(protocol_app, name="protocol")

Home = Annotated[
    Path | None, typer.Option("--home", help="The hub's folder. [dim]Default: $MIDAS_HUB_HOME or ./hub[/]")
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
PASSWORD_VARIABLE = "MIDAS_PASSWORD"  # noqa: S105 - the name of a variable


def _hub(home: Path | None) -> Any:
    from midas.web.bootstrap import configure

    return configure(home)


def _say(as_json: bool, value: dict[str, Any], words: str) -> None:
    if as_json:
        show.as_json(value)
    else:
        show.out.print(words, highlight=False, soft_wrap=True)


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
    _say(
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

    from midas.web.bootstrap import remember_home

    if (cert is None) != (key is None):
        raise BadInput("TLS needs a certificate and its key.", advice="Give both --cert and --key.")
    made = _hub(home)
    show.nobody_listens(host, port)
    remember_home(made.path)
    scheme = "https" if cert else "http"
    show.err.print(f"[bold green]✓[/] MIDAS hub at {scheme}://{host}:{port}/   [dim]Ctrl-C stops it[/]")
    Granian(
        "midas.web.asgi:application", address=host, port=port, interface=Interfaces.ASGINL, workers=1,
        websockets=False, ssl_cert=cert, ssl_key=key, log_access=False,
    ).serve()  # fmt: skip


@app.command("status")
def status(home: Home = None, json: Json = False) -> None:
    """Show what the hub holds: datasets, spokes, submissions by state.

    [bold]Examples[/]

      midas hub status
      midas hub status --json
    """
    made = _hub(home)
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
    _hub(home)
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
    _hub(home)
    from datetime import timedelta

    from midas.web.audit import collect as erase_unnamed
    from midas.web.audit import erase_doomed
    from midas.web.bootstrap import store

    erased = erase_doomed(store=store())
    erased += erase_unnamed(store=store(), clock=SystemClock(), older_than=timedelta(days=days))
    _say(json, {"erased": erased}, f"[bold green]✓[/] {erased:,} blobs erased")


# -- people ----------------------------------------------------------------------------------------------------


def _password(from_stdin: bool) -> tuple[str, bool]:
    """Return a password from standard input or the environment, else a new one; and whether it is new."""
    given = sys.stdin.readline().rstrip("\n") if from_stdin else os.environ.get(PASSWORD_VARIABLE, "")
    if from_stdin and not given:
        raise BadInput("Standard input held no password.", advice="Pipe it in: echo … | midas hub user add …")
    return (given, False) if given else (secrets.token_urlsafe(15), True)


@user_app.command("add")
def user_add(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[
        list[str], typer.Option(help="operator, curator, researcher or admin; may be given again.")
    ],
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
    _hub(home)
    from django.db import transaction

    from midas.people.accounts import add_account, give_role, institution_named

    password, is_new = _password(password_stdin)
    with transaction.atomic():
        where = institution_named(institution) if institution else None
        account = add_account(name=name, password=password, email=email, institution=where)
        for one in role:
            give_role(account=account, role=one, dataset=dataset)
    value = {"name": name, "roles": role, "dataset": dataset, **({"password": password} if is_new else {})}
    shown = f"\n  password: [bold]{password}[/]   [dim]shown only now[/]" if is_new else ""
    _say(json, value, f"[bold green]✓[/] {name} is {', '.join(role)} of {dataset or 'all datasets'}{shown}")


@user_app.command("role")
def user_role(
    name: Annotated[str, typer.Argument(help="The account.")],
    role: Annotated[str, typer.Argument(help="operator, curator, researcher or admin")],
    dataset: Annotated[str, typer.Option(help="Only for this dataset. [dim]Default: all[/]")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take the role away instead.")] = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Give a role, or take it away.

    [bold]Examples[/]

      midas hub user role ravi researcher --dataset meningioma
      midas hub user role ravi researcher --remove
    """
    _hub(home)
    from midas.people.accounts import account_named, give_role, take_role

    (take_role if remove else give_role)(account=account_named(name), role=role, dataset=dataset)
    done = "is no longer" if remove else "is now"
    value = {"name": name, "role": role, "dataset": dataset, "has": not remove}
    _say(json, value, f"[bold green]✓[/] {name} {done} {role} of {dataset or 'all datasets'}")


@user_app.command("password")
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
    _hub(home)
    from midas.people.accounts import account_named, set_password

    password, is_new = _password(password_stdin)
    set_password(account=account_named(name), password=password)
    shown = f"\n  password: [bold]{password}[/]   [dim]shown only now[/]" if is_new else ""
    value = {"name": name, **({"password": password} if is_new else {})}
    _say(json, value, f"[bold green]✓[/] {name} has a new password{shown}")


@user_app.command("token")
def user_token(
    name: Annotated[str, typer.Argument(help="The account.")],
    days: Annotated[
        int | None, typer.Option(min=1, help="Days that it is good for. [dim]Default: until revoked[/]")
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

      midas hub user token ravi --days 90
    """
    _hub(home)
    from midas.people.accounts import account_named
    from midas.people.tokens import issue_token, revoke_tokens

    account, clock = account_named(name), SystemClock()
    if revoke:
        revoke_tokens(clock=clock, account=account)
    token = issue_token(title=title, clock=clock, account=account, days=days)
    _say(json, {"name": name, "token": token}, f"{token}\n[dim]Shown only now. MIDAS_TOKEN=… midas get …[/]")


@user_app.command("close")
def user_close(
    name: Annotated[str, typer.Argument(help="The account.")],
    reopen: Annotated[bool, typer.Option("--reopen", help="Open it again instead.")] = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Close an account: from now on it may do nothing, whatever its roles.

    [bold]Examples[/]

      midas hub user close ravi
    """
    _hub(home)
    from midas.people.accounts import account_named, set_active

    set_active(account=account_named(name), active=reopen)
    _say(
        json, {"name": name, "active": reopen}, f"[bold green]✓[/] {name} is {'open' if reopen else 'closed'}"
    )


@user_app.command("list")
def user_list(home: Home = None, json: Json = False) -> None:
    """List accounts and their roles.

    [bold]Examples[/]

      midas hub user list
    """
    _hub(home)
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


# -- spokes ----------------------------------------------------------------------------------------------------


@spoke_app.command("add")
def spoke_add(
    slug: Annotated[str, typer.Argument(help="Id, such as spdc-wardha.")],
    name: Annotated[str, typer.Option(help="Name of the hospital.")],
    key: Annotated[str, typer.Option(help="The spoke's public key (64 hex digits).")],
    city: Annotated[str, typer.Option(help="City.")] = "",
    state: Annotated[str, typer.Option(help="State or union territory.")] = "",
    home: Home = None,
    json: Json = False,
) -> None:
    """Let a hospital send: keep its public key and make its token, shown once.

    [bold]Examples[/]

      midas hub spoke add spdc-wardha --name "Sharad Pawar Dental College" --city Wardha --key 3f…a9
    """
    _hub(home)
    from django.db import transaction

    from midas.people.accounts import add_institution
    from midas.people.tokens import issue_token

    with transaction.atomic():
        spoke = add_institution(slug=slug, name=name, spoke_key=key, city=city, state=state)
        token = issue_token(title=f"spoke {slug}", clock=SystemClock(), spoke=spoke)
    words = f"[bold green]✓[/] {name} may send\n  token: [bold]{token}[/]   [dim]shown only now[/]"
    _say(json, {"spoke": slug, "name": name, "token": token}, words)


@spoke_app.command("token")
def spoke_token(
    slug: Annotated[str, typer.Argument(help="The spoke's id.")], home: Home = None, json: Json = False
) -> None:
    """Make a new token for a spoke, shown once; the tokens it had end.

    [bold]Examples[/]

      midas hub spoke token spdc-wardha
    """
    _hub(home)
    from django.db import transaction

    from midas.people.accounts import institution_named
    from midas.people.tokens import issue_token, revoke_tokens

    spoke, clock = institution_named(slug), SystemClock()
    with transaction.atomic():
        revoke_tokens(clock=clock, spoke=spoke)
        token = issue_token(title=f"spoke {slug}", clock=clock, spoke=spoke)
    _say(
        json, {"spoke": slug, "token": token}, f"{token}\n[dim]Shown only now; earlier tokens have ended.[/]"
    )


@spoke_app.command("list")
def spoke_list(home: Home = None, json: Json = False) -> None:
    """List the hospitals that may send.

    [bold]Examples[/]

      midas hub spoke list
    """
    _hub(home)
    from midas.people.models import Institution

    rows = list(Institution.objects.order_by("slug").values("slug", "name", "city", "state", "spoke_key"))
    if json:
        show.as_json(rows)
        return
    show.table("Spokes", ["id", "name", "city", "state", "public key"], [tuple(row.values()) for row in rows])


# -- protocols -------------------------------------------------------------------------------------------------


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
    _hub(home)
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
    _say(json, value, f"[bold green]✓[/] {version.dataset.slug} {version.version} {words}")


@protocol_app.command("list")
def protocol_list(home: Home = None, json: Json = False) -> None:
    """List the protocols that the hub knows.

    [bold]Examples[/]

      midas hub protocol list
    """
    _hub(home)
    from midas.catalogue.models import ProtocolVersion

    found = ProtocolVersion.objects.select_related("dataset").order_by("dataset__slug", "-added_at")
    rows = [{"dataset": one.dataset.slug, "version": one.version, "sha256": one.sha256} for one in found]
    if json:
        show.as_json(rows)
        return
    show.table("Protocols", ["dataset", "version", "SHA-256"], [tuple(row.values()) for row in rows])
