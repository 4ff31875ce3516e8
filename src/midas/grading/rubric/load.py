"""A rubric file → a `Rubric`, or `BadInput` that names what is wrong with it."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from pydantic import ValidationError

from midas.grading.rubric.model import FORMS, Access, Comparison, Domain, Rubric, Statement
from midas.kernel import BadInput, NotFound, sha256_bytes
from midas.protocol.yaml import Unreadable, read_yaml

CURRENT = "midas-2.0-draft-1"
"""The rubric that new assessments are made by."""
NUMERIC = frozenset({">=", ">", "<=", "<"})


@cache
def rubric_named(name: str = CURRENT) -> Rubric:
    """Return a rubric that ships with the package; `NotFound` for another."""
    there = sorted(one.name for one in resources.files(__package__).iterdir() if one.name.endswith(".yaml"))
    if f"{name}.yaml" not in there:
        raise NotFound(
            f"There is no rubric '{name}'.", advice=f"There is: {', '.join(one[:-5] for one in there)}."
        )
    return load(resources.files(__package__).joinpath(f"{name}.yaml").read_bytes())


def load(raw: bytes) -> Rubric:
    """Read a rubric and check it as a whole; `BadInput` says what is wrong."""
    try:
        plain, _ = read_yaml(raw.decode())
        if not isinstance(plain, dict):
            raise BadInput("A rubric is a mapping.", advice="Start from the one that ships.")
        made = Rubric.model_validate({**_parameters(plain), "sha256": sha256_bytes(raw)})
    except Unreadable as error:
        raise BadInput(
            f"The rubric cannot be read: {error.complaint.at('rubric')}.", advice="Correct it."
        ) from None
    except UnicodeDecodeError:
        raise BadInput("The rubric is not UTF-8 text.", advice="Save it as UTF-8.") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            f"The rubric is wrong at {place}: {first['msg']}.", advice="Correct the rubric."
        ) from None
    named = made.model_copy(update={"domains": tuple(_named(one) for one in made.domains)})
    for wrong in _wrong(named, raw):
        raise BadInput(f"The rubric contradicts itself: {wrong}.", advice="Correct the rubric.")
    return named


def _parameters(plain: dict[str, Any]) -> dict[str, Any]:
    """Return the rubric with the value in place of each `$name`; a bare number in a comparison is refused."""
    told = plain.get("parameters")
    named = told.items() if isinstance(told, dict) else ()
    values = {f"${name}": one.get("value") for name, one in named if isinstance(one, dict)}

    def put(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: put(child) for key, child in node.items()}
        if not isinstance(node, list):
            return node
        if len(node) == 3 and isinstance(node[1], str) and node[1] in NUMERIC:
            if node[2] not in values:
                raise BadInput(
                    f"{node[0]} {node[1]} {node[2]}: a limit is named as a parameter.",
                    advice="Give it under `parameters`, with its source, and write $name.",
                )
            return [node[0], node[1], values[node[2]]]
        return [put(child) for child in node]

    return {**plain, "domains": put(plain.get("domains"))}


def _named(domain: Domain) -> Domain:
    """Give every statement its id: 1L3b is the second one of level 3 of the Lite ladder of domain 1."""

    def of(form: str, level: int, place: int, one: Statement) -> Statement:
        return one.model_copy(update={"id": f"{domain.number}{form[0].upper()}{level}{chr(97 + place)}"})

    ladders: dict[str, Any] = {
        form: tuple(
            tuple(of(form, level, place, one) for place, one in enumerate(step))
            for level, step in enumerate(domain.ladder(form), 1)
        )
        for form in FORMS
    }
    return domain.model_copy(update=ladders)


def _wrong(rubric: Rubric, raw: bytes) -> list[str]:
    """Return what does not fit together."""
    wrong: list[str] = []
    if b"certified" in raw.lower():
        wrong.append("a draft for expert validation never says 'certified'")
    numbers = [one.number for one in rubric.domains]
    if numbers != list(range(1, len(numbers) + 1)):
        wrong.append("the domains are not numbered 1, 2, 3 …")
    known = set(rubric.kinds)
    wrong += [f"evidence of an unknown kind '{kind}'" for kind in sorted(_used(rubric) - known)]
    wrong += [f"nothing looks at '{kind}'" for kind in sorted(known - _used(rubric))]
    wrong += [
        f"kind '{name}' is attested and names no document"
        for name, one in rubric.kinds.items()
        if one.by == "attested" and not one.document
    ]
    wrong += [
        f"the group '{name}' has no name in '{language}'"
        for name, names in rubric.groups.items()
        for language in sorted({"en", "hi"} - set(names))
    ]
    wrong += [f"no group '{one.group}'" for one in rubric.domains if one.group not in rubric.groups]
    floors = [one.lowest for one in rubric.bands]
    if floors != sorted(set(floors), reverse=True) or floors[-1] != 0:
        wrong.append("the bands do not go down to 0")
    tops = [one.highest for one in rubric.prs.bands]
    if tops != sorted(set(tops)) or tops[-1] != 100:
        wrong.append("the bands of the PRS do not go up to 100")
    stopped = {one.band for one in rubric.hard_stops}
    columns = {one.id for one in rubric.bands} - stopped
    if set(rubric.matrix) != {one.id for one in rubric.prs.bands} or any(
        set(row) != columns or not all(row.values()) for row in rubric.matrix.values()
    ):
        wrong.append("the matrix lacks a cell, or has one too many")
    return [*wrong, *_wrong_names(rubric)]


def _wrong_names(rubric: Rubric) -> list[str]:
    """Return what stops or overrides nothing, because what it names is not there."""
    reached = {(one.number, level) for one in rubric.domains for level in range(5)}
    bands = {one.id for one in rubric.bands}
    wrong = [
        f"the hard stop '{one.id}' names nothing that is there"
        for one in rubric.hard_stops
        if one.band not in bands and (one.domain, one.level) not in reached
    ]
    stops = [one.id for one in rubric.hard_stops]
    wrong += [
        f"two hard stops are called '{one}'" for one in sorted({one for one in stops if stops.count(one) > 1})
    ]
    rule = rubric.override
    if rule.access == Access.OPEN:
        wrong.append("the override controls nothing: every access class is as strict as 'open'")
    wrong += [f"no sensitivity '{one}'" for one in rule.sensitivity if one not in rubric.prs.sensitivity]
    if rule.unless_prs not in {one.id for one in rubric.prs.bands}:
        wrong.append(f"no band of the PRS '{rule.unless_prs}'")
    return wrong


def _used(rubric: Rubric) -> set[str]:
    """Return every kind that something in the rubric looks at."""
    tests: set[Comparison] = {
        comparison
        for domain in rubric.domains
        for form in FORMS
        for level in domain.ladder(form)
        for statement in level
        for comparison in statement.comparisons
    }
    return (
        {one.kind for one in tests}
        | {one.applies_if for one in rubric.domains if one.applies_if}
        | {one.kind for one in rubric.prs.technical}
        | {
            *rubric.override.kinds,
            rubric.override.unless_kind,
            "privacy.identification",
            "privacy.sensitivity",
        }
    )
