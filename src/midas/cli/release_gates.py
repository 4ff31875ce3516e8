"""`midas release check | pair`: look at a draft's gates, and keep two persons with the same picture in one part."""

from __future__ import annotations

from typing import Annotated

import typer

from midas.cli.at_hub import Home, Json, opened, say
from midas.cli.show import Bar, as_json, out, table
from midas.kernel import NotFound, SystemClock


def check(
    name: Annotated[str, typer.Argument(help="Such as oral-cancer@1.0.0.", show_default=False)],
    home: Home = None,
    json_: Json = False,
) -> None:
    """Look at every gate of a draft without cutting it. Exit code 1 where one fails."""
    opened(home)
    from midas.cli.release import split_name
    from midas.release import check_gates, look
    from midas.release.cases import Result
    from midas.release.gates import GATES
    from midas.web.bootstrap import store
    from midas.web.gating import brought

    draft = look.draft(*split_name(name))
    found = check_gates(
        draft=draft, store=store(), clock=SystemClock(), brought=brought(draft), progress=Bar()
    )
    stand = {one.gate: one for one in map(Result.from_dict, found.results)}
    if json_:
        as_json(found.results)
    else:
        table(name, ("gate", "stands"), [(gate.title["en"], stand[gate.id].state.value) for gate in GATES])
        for one in stand.values():
            for finding in one.findings:
                out.print(
                    f"\n[bold]{finding.severity.value}[/] {finding.message}\n  → {finding.advice}",
                    highlight=False,
                )
    if any(one.state.value == "failed" for one in stand.values()):
        raise typer.Exit(1)


def pair(
    dataset: Annotated[str, typer.Argument(help="The dataset, such as oral-cancer.", show_default=False)],
    one: Annotated[str, typer.Argument(help="A pseudonym, such as P-3F7QK-9XW2A.", show_default=False)],
    other: Annotated[str, typer.Argument(help="The pseudonym with the same picture.", show_default=False)],
    home: Home = None,
    json_: Json = False,
) -> None:
    """Note that two persons have nearly the same picture: from then on they are in one part of the split."""
    opened(home)
    from midas.catalogue.models import Dataset
    from midas.release.pairing import note_pairs

    found = Dataset.objects.filter(slug=dataset).first()
    if found is None:
        raise NotFound(f"There is no dataset {dataset}.", advice="`midas dataset list` shows what there is.")
    new = note_pairs(dataset=found, pairs=[(one, other)], clock=SystemClock())
    said = "Noted" if new else "That was noted before"
    told = {"dataset": dataset, "pair": sorted((one, other)), "new": bool(new)}
    say(json_, told, f"{said}: {one} and {other} stay in one part of {dataset}.")
