"""Facts and a rubric → a grade. A pure function: the same facts, in any order, give the same grade.

    1 hear     facts that the rubric knows, in an ink it accepts; what was computed outweighs what was attested
    2 judge    each statement: true, false or missing, with the facts behind it; missing is never true
    3 level    in each domain the highest level at which every statement of it and of all levels below is true
    4 sum      CQI of the domains that apply, its band, the share that rests on computed facts alone
    5 risk     PRS Lite and Technical; what is not known is taken as the highest
    6 access   the matrix, the override, what a named person decided, and what stops a release altogether

MIDAS 2.0 (ICMR), draft for expert validation; where the draft is silent the rubric says "MIDAS default, not published".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal

from midas.grading.grades import Decision, DomainGrade, Grade, Judged, Lack, Risk, Standing
from midas.grading.risk import risk_of
from midas.grading.rubric import Access, Comparison, Domain, Form, Rubric, Statement, stricter
from midas.kernel import BadInput, Evidence, Ink

LARGEST = 2.0**63
"""Numbers beyond it measure nothing."""
Facts = Mapping[str, tuple[Evidence, ...]]
"""What is known of each kind."""


def grade(
    rubric: Rubric, evidence: Iterable[Evidence], *, form: Form = "technical", decided: Decision | None = None
) -> Grade:
    """Judge evidence by a rubric. `decided` is what a named person chose where the matrix leaves two classes.

    `BadInput` for a decision that the matrix does not leave open.
    """
    facts, unheard = hear(rubric, evidence)
    domains = tuple(_domain(rubric, one, form, facts) for one in rubric.domains)
    counted = [one for one in domains if one.applies]
    points, maximum = sum(one.level for one in counted), 4 * len(counted)
    cqi = percent(points, maximum)
    band = next(one.id for one in rubric.bands if cqi >= one.lowest)
    lite, technical = risk_of(rubric, facts, "lite"), risk_of(rubric, facts, "technical")
    prs = lite if form == "lite" else max(lite, technical, key=lambda one: one.score)
    stops = tuple(
        one.id
        for one in rubric.hard_stops
        if one.band == band or any(one.domain == it.number and one.level == it.level for it in counted)
    )
    cell = rubric.matrix[prs.band].get(band, ())
    overridden = _overridden(rubric, facts, prs)
    return Grade(
        rubric=rubric.id, sha256=rubric.sha256, status=rubric.status, form=form, domains=domains, points=points,
        maximum=maximum, cqi=cqi, computed=percent(sum(one.computed for one in counted), maximum), band=band,
        prs=prs, prs_lite=lite, prs_technical=technical, cell=cell, overridden=overridden, decided=decided,
        access=None if stops else _access(rubric, cell, overridden, decided), stops=stops, unheard=unheard,
        beside=_beside(rubric, facts),
    )  # fmt: skip


def percent(points: int, maximum: int) -> float:
    """Return points of a maximum in percent, half-up to two decimals (the rounding is a MIDAS default)."""
    share = Decimal(100 * points) / Decimal(maximum) if maximum else Decimal(0)
    return float(share.quantize(Decimal("0.01"), ROUND_HALF_UP))


def hear(rubric: Rubric, evidence: Iterable[Evidence]) -> tuple[Facts, tuple[str, ...]]:
    """Return the facts by kind, and the kinds that were not heard: unknown to the rubric, or in an ink it does not take."""
    heard: dict[str, set[Evidence]] = defaultdict(set)
    unheard: set[str] = set()
    for fact in evidence:
        kind = rubric.kinds.get(fact.kind)
        if kind is None or not kind.hears(fact.ink):
            unheard.add(fact.kind)
        elif not _sayable(fact):
            raise BadInput(f"{fact.kind} is not a number.", advice="Leave out what could not be measured.")
        else:
            heard[fact.kind].add(fact)
    facts = {}
    for name, known in heard.items():
        ink = Ink.COMPUTED if any(one.ink is Ink.COMPUTED for one in known) else Ink.ATTESTED
        facts[name] = tuple(sorted((one for one in known if one.ink is ink), key=repr))
    return facts, tuple(sorted(unheard))


def _sayable(fact: Evidence) -> bool:
    """Say whether a fact's value is true or false, words or a finite number, and all else that it says finite numbers."""
    beside = [one for one in (fact.low, fact.high, fact.of) if one is not None]
    numbers: list[object] = [*beside, *([] if isinstance(fact.value, str) else [fact.value])]
    return all(isinstance(one, bool | int | float) and abs(one) <= LARGEST for one in numbers)


def _beside(rubric: Rubric, facts: Facts) -> tuple[Evidence, ...]:
    """Return the facts that decide without a ladder: which domains apply, and whether the override does."""
    applies = [one.applies_if for one in rubric.domains if one.applies_if]
    kinds = (*applies, *rubric.override.kinds, rubric.override.unless_kind)
    return tuple(fact for kind in kinds for fact in facts.get(kind, ()))


def _compared(comparison: Comparison, facts: Facts) -> bool | None:
    """Return whether every fact of the kind passes; `None` where none is known."""
    known = facts.get(comparison.kind, ())
    return all(comparison.holds(one) for one in known) if known else None


def _judge(rubric: Rubric, statement: Statement, facts: Facts) -> Judged:
    answers = [(one, _compared(one, facts)) for one in statement.comparisons]
    said = [answer for _, answer in answers]
    holds: bool | None
    if statement.all:
        holds = False if False in said else None if None in said else True
    elif statement.any:
        holds = True if True in said else None if None in said else False
    else:
        holds = None if set(said) == {None} else False not in said
    # What is shown is what the answer rests on: the passing facts of an `any`, otherwise all that are known.
    rests = [one for one, answer in answers if answer is not None and (not statement.any or answer is holds)]
    behind = [facts[one.kind] for one in rests]
    if statement.any and holds:
        behind = sorted(behind, key=lambda known: known[0].ink is not Ink.COMPUTED)[:1]
    used = tuple(dict.fromkeys(fact for known in behind for fact in known))
    standing = Standing.MISSING if holds is None else Standing.COMPUTED
    if standing is not Standing.MISSING and any(fact.ink is Ink.ATTESTED for fact in used):
        standing = Standing.ATTESTED
    lacks = () if holds else tuple(_lack(rubric, one, facts) for one, answer in answers if not answer)
    return Judged(
        id=statement.id, says=statement.says, holds=bool(holds), standing=standing, evidence=used, lacks=lacks
    )


def _lack(rubric: Rubric, comparison: Comparison, facts: Facts) -> Lack:
    kind = rubric.kinds[comparison.kind]
    return Lack(
        kind=comparison.kind, says=kind.says, wanted=comparison.wanted, by=kind.by, document=kind.document,
        found=tuple(fact.value for fact in facts.get(comparison.kind, ())),
    )  # fmt: skip


def _domain(rubric: Rubric, domain: Domain, form: Form, facts: Facts) -> DomainGrade:
    steps = tuple(tuple(_judge(rubric, one, facts) for one in level) for level in domain.ladder(form))
    level = next((at for at, step in enumerate(steps) if not all(one.holds for one in step)), len(steps))
    computed = sum(all(one.standing is Standing.COMPUTED for one in step) for step in steps[:level])
    absent = domain.applies_if is not None and _all_false(facts.get(domain.applies_if, ()))
    return DomainGrade(
        number=domain.number, name=domain.names[form], group=domain.group, applies=not absent,
        level=0 if absent else level, computed=0 if absent else computed, zero=domain.zero[form], steps=steps,
    )  # fmt: skip


def _all_false(facts: tuple[Evidence, ...]) -> bool:
    return bool(facts) and all(fact.value is False for fact in facts)


def _overridden(rubric: Rubric, facts: Facts, prs: Risk) -> bool:
    """Say whether the data are of a kind that is controlled by default, and nothing lifts that."""
    rule = rubric.override
    sensitive = prs.sensitivity in rule.sensitivity or any(
        fact.value is True for kind in rule.kinds for fact in facts.get(kind, ())
    )
    verified = facts.get(rule.unless_kind, ())
    lifted = prs.band == rule.unless_prs and bool(verified) and all(fact.value is True for fact in verified)
    return sensitive and not lifted


def _access(rubric: Rubric, cell: tuple[Access, ...], overridden: bool, decided: Decision | None) -> Access:
    if decided is not None and decided.access not in cell:
        raise BadInput(
            f"The matrix leaves {' or '.join(cell)}, not {decided.access}.", advice="Choose one of these."
        )
    of_matrix = stricter(*cell) if decided is None else decided.access
    return stricter(of_matrix, rubric.override.access) if overridden else of_matrix
