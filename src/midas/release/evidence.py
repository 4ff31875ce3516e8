"""What a checked draft is evidence of, for its grade: facts that only looking at the gates brings out.

In comes what was looked at; out come `Evidence` values. What is not known is not said; what the tables and papers say by
themselves is `facts`'.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from midas.kernel import Evidence
from midas.release.cases import Case
from midas.release.validating import CROISSANT, DATACITE


def evidence_of(case: Case) -> tuple[Evidence, ...]:
    """Return the facts of a draft's split, and of what its papers keep of the software."""
    about, report = f"{case.content.about.dataset}@{case.content.about.version}", case.leakage
    leaks = sum(map(len, report.across.values())) + len(report.unplaced)
    ties = sum(report.ties.values())
    return (
        Evidence("readiness.leaks", float(leaks), about, "leakage.json", unit="leaks", of=ties),
        Evidence("provenance.software", True, about, "provenance.json"),
    )


def of_second_run(about: str, *, first: str, second: str) -> tuple[Evidence, ...]:
    """Return whether a draft that was built again, later and elsewhere, came out with the same digest of all its files."""
    return (Evidence("provenance.rerun", first == second, about, "SHA256SUMS"),) if first else ()


def of_validators(about: str, standards: Sequence[str]) -> Iterator[Evidence]:
    """Yield how many standards have a validator that read the draft through and found it valid, and whether those of both
    metadata files are among them; where one is not, its validator may not have been installed, and nothing is said."""
    source = ", ".join(standards)
    if source:
        yield Evidence("standards.validators", float(len(standards)), about, source, "standards")
    if {CROISSANT, DATACITE} <= set(standards):
        yield Evidence("metadata.machine_readable", True, about, "croissant.json, datacite.json", of=2)
