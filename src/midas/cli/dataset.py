"""`midas dataset`: what a hub has registered, read from its home or, with --hub, over its API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from midas.cli.show import as_json, out, table
from midas.kernel import BadInput

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Home = Annotated[
    Path | None,
    typer.Option("--home", help="The hub's home; default $MIDAS_HUB_HOME or ./hub.", show_default=False),
]
Hub = Annotated[
    str | None, typer.Option("--hub", help="Ask this hub instead, such as https://midas.example.org.")
]
Token = Annotated[str | None, typer.Option("--token", envvar="MIDAS_TOKEN", help="Your token at that hub.")]
Name = Annotated[str, typer.Argument(help="The dataset, such as oral-cancer.", show_default=False)]


def _open(home: Path | None) -> None:
    from midas.web.bootstrap import configure

    configure(home)


def _ask(hub: str, token: str | None, question: Callable[[Any], Any]) -> Any:
    from midas.sdk.client import Client

    with Client(hub, token) as client:
        return question(client)


@app.command(
    "list",
    epilog="Examples:  midas dataset list   ·   midas dataset list --hub https://midas.example.org --json",
)
def list_(hub: Hub = None, token: Token = None, home: Home = None, json_: Json = False) -> None:
    """List the datasets with their size and newest release."""
    lines: list[tuple[str, ...]]
    if hub:
        cards = _ask(hub, token, lambda client: client.datasets())
        told = [
            {
                "dataset": card.dataset, "title": card.title,
                "releases": sorted({one.version for one in card.releases if not one.twin}),
                "twins": sorted({one.version for one in card.releases if one.twin}),
            }
            for card in cards
        ]  # fmt: skip
        lines = [
            (one["dataset"], one["title"], ", ".join(one["releases"]), ", ".join(one["twins"]))
            for one in told
        ]
        headings: tuple[str, ...] = ("dataset", "title", "releases", "twins")
    else:
        _open(home)
        from midas.catalogue import look
        from midas.release import look as releases

        told = [
            {**asdict(line), "releases": [one.version for one in releases.releases(line.slug)]}
            for line in look.datasets()
        ]
        lines = [
            (
                one["slug"],
                one["title"],
                f"{one['subjects']:,}",
                f"{one['instances']:,}",
                ", ".join(one["releases"]),
            )
            for one in told
        ]
        headings = ("dataset", "title", "subjects", "instances", "releases")
    if json_:
        as_json(told)
    else:
        table("Datasets", headings, lines)


@app.command(
    "show", epilog="Examples:  midas dataset show oral-cancer   ·   midas dataset show oral-cancer --json"
)
def show(name: Name, hub: Hub = None, token: Token = None, home: Home = None, json_: Json = False) -> None:
    """Show what a dataset is made of: hospitals, sexes, modalities, items, sites, labels, releases and drafts."""
    if hub:
        card = _ask(hub, token, lambda client: client.dataset(name))
        if json_:
            as_json(card.model_dump())
            return
        out.print(f"[bold]{card.title}[/]\n{card.summary}", highlight=False)
        rows = [
            (one.version, "twin" if one.twin else one.access, one.subjects, one.instances, one.key[:12])
            for one in card.releases
        ]
        table("Releases", ("version", "access", "subjects", "instances", "key"), rows)
        return
    _open(home)
    from midas.catalogue import look
    from midas.release import look as releases

    line, composed = look.dataset(name), asdict(look.composition(name))
    cut = [
        {"version": one.version, "key": one.key, "subjects": one.summary["subjects"]}
        for one in releases.releases(name)
    ]
    drafts = [one.version for one in releases.drafts(name)]
    if json_:
        as_json({**asdict(line), "composition": composed, "releases": cut, "drafts": drafts})
        return
    out.print(f"[bold]{line.title}[/]\n{line.summary}", highlight=False)
    targets = composed.pop("targets")
    counts = [*composed.items(), *((f"label {target}", values) for target, values in targets.items())]
    composition = [
        (what, ", ".join(f"{key or '–'} {count:,}" for key, count in values.items()))
        for what, values in counts
        if values
    ]
    table(f"{line.subjects:,} subjects, {line.instances:,} instances", ("what", "counts"), composition)
    table(
        "Releases",
        ("version", "subjects", "key"),
        [(one["version"], one["subjects"], one["key"][:12]) for one in cut],
    )
    if drafts:
        out.print(f"Drafts: {', '.join(drafts)}", highlight=False)


@app.command(
    "subjects",
    epilog="Examples:  midas dataset subjects oral-cancer   ·   midas dataset subjects oral-cancer --limit 10 --json",
)
def subjects(
    name: Name,
    limit: Annotated[int, typer.Option(help="At most this many.", min=1)] = 100,
    home: Home = None,
    json_: Json = False,
) -> None:
    """List the subjects (pseudonyms) with hospital, sex, basis and visits; who withdrew is not among them."""
    _open(home)
    from midas.catalogue import look
    from midas.catalogue.models import Subject, Visit

    look.dataset(name)
    found = Subject.objects.filter(dataset__slug=name, withdrawn_at=None).order_by("pseudonym")
    told: list[dict[str, Any]] = [
        {
            "subject": one.pseudonym, "spoke": one.spoke, "sex": one.sex,
            "basis": sorted({f"{basis['kind']}:{basis['ethics']}" for basis in one.basis}),
            "visits": list(Visit.objects.filter(subject=one).order_by("day").values_list("name", flat=True)),
        }
        for one in found[:limit]
    ]  # fmt: skip
    if json_:
        as_json(told)
        return
    rows = [
        (one["subject"], one["spoke"], one["sex"], ", ".join(one["basis"]),
         ", ".join(one["visits"]))
        for one in told
    ]  # fmt: skip
    table(
        f"{len(told):,} of {found.count():,} subjects",
        ("subject", "spoke", "sex", "basis", "visits"),
        rows,
    )


@app.command(
    "labels",
    epilog="Examples:  midas dataset labels oral-cancer   ·   midas dataset labels oral-cancer --target diagnosis --json",
)
def labels(
    name: Name,
    target: Annotated[str | None, typer.Option(help="Only this target.", show_default=False)] = None,
    home: Home = None,
    json_: Json = False,
) -> None:
    """Count the labels of each target, value by value, with where they come from. Withdrawn subjects are not counted."""
    _open(home)
    from django.db.models import Count

    from midas.catalogue import look
    from midas.catalogue.models import Label

    look.dataset(name)
    found = Label.objects.filter(subject__dataset__slug=name, subject__withdrawn_at__isnull=True)
    if target:
        found = found.filter(target=target)
        if not found.exists():
            raise BadInput(
                f"{name} has no label for '{target}'.", advice="Leave --target out to see what there is."
            )
    grouped = found.values("target", "level", "value", "source").annotate(count=Count("pk"))
    told = sorted(grouped, key=lambda one: (one["target"], str(one["value"]), one["source"]))
    if json_:
        as_json(told)
    else:
        rows = [
            (one["target"], one["level"], one["value"], one["source"], f"{one['count']:,}") for one in told
        ]
        table("Labels", ("target", "level", "value", "source", "count"), rows)
