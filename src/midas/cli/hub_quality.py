"""`midas hub check`: run the quality checks again over all that is registered of a dataset. No logic of its own."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from midas.cli import show
from midas.cli.at_hub import Home, Json, opened, say
from midas.kernel import NotFound, SystemClock


def check(
    dataset: Annotated[str, typer.Argument(help="The dataset's short name.")],
    home: Home = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Worker processes. [dim]Default: one a processor[/]")
    ] = None,
    json: Json = False,
) -> None:
    """Run the checks of images, tables and what they say of one another over all that is registered, with the protocol in
    force; a newer run supersedes older ones.

    What a submission brings is checked by itself. Run this after the protocol's thresholds or the software changed.

    [bold]Examples[/]

      midas hub check oral-cancer
      midas hub check oral-cancer --jobs 8 --json
    """
    made = opened(home)
    from midas.catalogue import findings
    from midas.catalogue.models import Dataset, QualityFinding
    from midas.compute import processes
    from midas.web.bootstrap import store
    from midas.web.spending import keep, metered

    found = Dataset.objects.filter(slug=dataset).first()
    if found is None:
        raise NotFound(f"There is no dataset {dataset}.", advice="midas hub status lists them.")
    with processes(jobs) as runner, metered(runner) as meter:
        run = findings.check(
            dataset=found, store=store(), runner=meter, scratch=made.scratch, clock=SystemClock(), progress=show.Bar()
        )  # fmt: skip
        keep(run, meter)
    tally = Counter(one.severity for one in QualityFinding.objects.filter(run=run).iterator())
    value = {
        "run": run.number,
        "series": run.series,
        "images": run.images,
        "rows": run.rows,
        "findings": dict(tally),
    }
    words = ", ".join(f"{tally[one]:,} {one}" for one in ("error", "warning", "info") if tally[one])
    seen = f"{run.series:,} series, {run.images:,} images, {run.rows:,} rows"
    say(json, value, f"[bold green]✓[/] Run {run.number}: {seen}: {words or 'nothing found'}")
