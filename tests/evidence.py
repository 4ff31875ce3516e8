"""Facts for tests of the grade: what a level of a domain needs, made from the rubric itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from midas.grading.rubric import Comparison, Form, Rubric
from midas.kernel import Evidence, Ink

ABOUT = "oral-cancer@1.1.0"


def fact(kind: str, value: bool | float | str, **more: object) -> Evidence:
    return Evidence(kind=kind, value=value, about=ABOUT, source="test", **more)  # type: ignore[arg-type]


def passing(rubric: Rubric, comparison: Comparison) -> Evidence:
    """Return a fact that a comparison accepts, in an ink that its kind takes."""
    ink = Ink.ATTESTED if rubric.kinds[comparison.kind].by == "attested" else Ink.COMPUTED
    wanted = comparison.value
    if comparison.operator == "bounded":
        return fact(comparison.kind, 0.9, low=0.8, high=1.0, ink=ink)
    if comparison.operator == "known":
        return fact(comparison.kind, 0.9, ink=ink)
    if not isinstance(wanted, float) or comparison.operator in {">=", "<=", "="}:
        return fact(comparison.kind, True if wanted is None else wanted, ink=ink)
    return fact(comparison.kind, wanted + (0.001 if comparison.operator == ">" else -0.001), ink=ink)


STRONGER = {
    "annotation.double_share": 1.0, "annotation.agreement": 0.9, "annotation.kappa": 0.9, "annotation.readers": 3.0,
    "representation.demographics_share": 1.0, "provenance.lineage_share": 1.0, "synthetic.utility": 3.0,
    "synthetic.attack_success": 0.001, "annotation.dice": 0.9,
}  # fmt: skip
"""What satisfies every limit on a kind that several levels ask for."""


def facts_for(rubric: Rubric, levels: Mapping[int, int], form: Form = "technical") -> list[Evidence]:
    """Return facts that bring each domain to the level wanted, and to no higher one."""
    known: dict[str, Evidence] = {}
    for number, level in levels.items():
        for step in rubric.domain(number).ladder(form)[:level]:
            for statement in step:
                for comparison in statement.comparisons:
                    if comparison.kind not in known or comparison.operator == "bounded":
                        known[comparison.kind] = passing(rubric, comparison)
                    if comparison.kind in STRONGER:
                        value = STRONGER[comparison.kind]
                        known[comparison.kind] = fact(comparison.kind, value, low=value, high=value)
    return list(known.values())


def risk(identification: str, sensitivity: str, probability: float | None = None) -> list[Evidence]:
    """Return the facts behind a privacy-risk score."""
    said = [fact("privacy.identification", identification), fact("privacy.sensitivity", sensitivity)]
    return said if probability is None else [*said, fact("privacy.probability", probability)]


def all_at(level: int, numbers: Iterable[int] = range(1, 16)) -> dict[int, int]:
    return dict.fromkeys(numbers, level)
