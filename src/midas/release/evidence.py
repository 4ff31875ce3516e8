"""What a checked draft is evidence of, for its grade: facts that the gates and the papers of a release carry.

In comes what was looked at; out come `Evidence` values whose source is a file of the release. What is not known is not said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from midas.kernel import Evidence
from midas.release.cases import Case
from midas.release.splits import HIDDEN

Fact = tuple[str, bool | float, str]


def evidence_of(case: Case) -> tuple[Evidence, ...]:
    """Return the facts of a draft about its split, de-identification, papers and names."""
    about = f"{case.content.about.dataset}@{case.content.about.version}"
    report = case.leakage
    leaks = sum(map(len, report.across.values())) + len(report.unplaced)
    return (
        Evidence(
            "readiness.leaks", float(leaks), about, "leakage.json", unit="leaks", of=sum(report.ties.values())
        ),
        *(Evidence(kind, value, about, source) for kind, value, source in _facts(case)),
    )


def _facts(case: Case) -> Iterator[Fact]:
    content, protocol = case.content, case.content.about.protocol
    parts = Counter(content.tables["splits"]["part"].to_pylist())
    cleaned = content.tables["manifest"]["deid"].to_pylist()
    yield "readiness.split", parts[HIDDEN] > 0 and len(parts) > 1, "splits.parquet"
    yield "privacy.deidentified", all(cleaned) and bool(cleaned), "manifest.parquet"
    yield "documentation.note", True, "README.md"
    yield "documentation.method", True, "DATASHEET.md"
    yield "documentation.changelog", True, "changes.json"
    yield "documentation.limitations", bool(protocol.population.description), "DATASHEET.md"
    yield "documentation.validation", bool(content.report), "deid/report.html, gates.json"
    yield "documentation.transparency", True, "croissant.json"
    yield "metadata.basic", True, "datacite.json"
    yield "metadata.version", True, "datacite.json"
    yield "metadata.structured", bool(protocol.contact), "protocol.yaml"
    yield "metadata.keywords", bool(protocol.disease), "datacite.json"
    yield "metadata.ror", all(one.ror for one in (protocol.hub, *protocol.spokes)), "protocol.yaml"
    people = [one for one in content.about.contributors if one["role"] != "hospital"]
    yield "metadata.orcid", bool(people) and all(one.get("orcid") for one in people), "datacite.json"
    yield "provenance.described", True, "provenance.json"
    yield "provenance.new_version", True, "changes.json"
