"""What the checks are evidence of: that everything was examined, and how many errors stand undecided."""

from __future__ import annotations

from django.db.models import Max, Sum

from midas.catalogue.findings.checking import unchecked
from midas.catalogue.findings.standing import undecided
from midas.catalogue.models import CheckRun, Dataset, QualityFinding
from midas.kernel import Evidence


def evidence(dataset: Dataset) -> tuple[Evidence, ...]:
    """Return `standards.validated`, `standards.critical_errors` and `curation.issues` (the findings with their decisions
    are the log of issues) of a dataset; nothing while a submission waits.

    `of` counts the series that the newest runs looked at.
    """
    runs = CheckRun.objects.filter(dataset=dataset)
    if not runs.exists() or unchecked().filter(dataset=dataset).exists():
        return ()
    whole = runs.filter(submission=None).aggregate(last=Max("number"))["last"] or 0
    last = runs.filter(number__gte=whole).aggregate(number=Max("number"), series=Sum("series"))
    about, source = dataset.slug, f"/curation/quality?dataset={dataset.slug}"
    errors = len(undecided(dataset))
    return (
        Evidence("standards.validated", True, about, f"{source}, run {last['number']}", of=last["series"]),
        Evidence(
            "curation.issues",
            True,
            about,
            source,
            of=QualityFinding.objects.filter(run__dataset=dataset).count(),
        ),
        Evidence("standards.critical_errors", float(errors), about, source, unit="errors", of=last["series"]),
    )
