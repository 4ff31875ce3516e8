"""Choose subjects of a release by what they have in common. In come dimensions with values; out come counts and names.

Values of one dimension widen, dimensions narrow each other. Everything is asked of the release's own tables
(`midas.release.asking`), never of the catalogue: a cohort means the same for as long as the release stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction

from midas.kernel import BadInput, Clock, Conflict
from midas.release.asking import Limits, ask
from midas.release.models import Cohort, Release
from midas.store import Blobs

if TYPE_CHECKING:
    from midas.people.models import Account

Chosen = Mapping[str, tuple[str, ...]]
PAIRS: Mapping[str, str] = {
    "sex": "select subject, sex as value from subjects",
    "age": "select subject, case when min(age_years) >= 90 then '90+' else"
    " concat(min(age_years) // 10 * 10, '–', min(age_years) // 10 * 10 + 9) end as value from visits"
    " where age_years is not null group by subject",
    "spoke": "select subject, spoke as value from subjects",
    "modality": "select distinct subject, modality as value from series",
    "item": "select distinct subject, item as value from series",
    "site": "select distinct subject, site_meaning as value from lesions where site_meaning is not null",
    "device": "select distinct subject, manufacturer as value from series where manufacturer is not null",
    "part": "select subject, part as value from splits",
}
"""Dimension → (subject, value): a subject may have several values of one dimension."""
TARGET = "target:"
BY_TARGET = "select distinct subject, target, value from labels where value is not null"
MOST_VALUES = 30
"""Values of a dimension that are offered, the most frequent first; a measured number is no dimension."""
EVERYONE = Limits(rows=2_000_000, seconds=60)


@dataclass(frozen=True)
class Count:
    """One value of a dimension: how many subjects would be left if it were chosen among the other dimensions."""

    dimension: str
    value: str
    subjects: int


@dataclass(frozen=True)
class Counted:
    subjects: int
    instances: int
    of: int
    counts: tuple[Count, ...]


def checked(chosen: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the choice in one form; `BadInput` for a dimension that there is not, or for too many values."""
    found = {
        name: tuple(sorted({str(value) for value in values})) for name, values in chosen.items() if values
    }
    if wrong := [name for name in found if name not in PAIRS and not name.startswith(TARGET)]:
        raise BadInput(
            f"A cohort has no dimension {wrong[0][:40]}.", advice=f"Choose from {', '.join(PAIRS)}."
        )
    if any(len(values) > 200 for values in found.values()) or len(found) > 50:
        raise BadInput("The choice is too long.", advice="Choose fewer values.")
    return dict(sorted(found.items()))


def _fits(chosen: Chosen, but: str = "") -> tuple[str, list[Any]]:
    """Return SQL that says who fits all dimensions but one, with its parameters."""
    words, values = ["true"], list[Any]()
    for name, wanted in chosen.items():
        if name == but:
            continue
        marks = ", ".join("?" for _ in wanted)
        if name.startswith(TARGET):
            pairs, before = "select subject, value from labels where target = ?", [name.removeprefix(TARGET)]
        else:
            pairs, before = PAIRS[name], []
        words.append(f"subject in (select subject from ({pairs}) where value in ({marks}))")
        values += [*before, *wanted]
    return " and ".join(words), values


def count(*, release: Release, chosen: Chosen, store: Blobs) -> Counted:
    """Count who fits, and for every value of every dimension who would."""
    parts, values = list[str](), list[Any]()

    def add(dimension: str, pairs: str, but: str, own: list[Any]) -> None:
        fits, its = _fits(chosen, but=but)
        parts.append(
            f"select {dimension} as dimension, value, count(distinct subject) as n from ({pairs}) where {fits} group by all"
        )
        values.extend([*own, *its])

    for name, pairs in PAIRS.items():
        add(f"'{name}'", pairs, name, [])
    targets = [name for name in chosen if name.startswith(TARGET)]
    for name in targets:
        add(f"concat('{TARGET}', target)", f"{BY_TARGET} and target = ?", name, [name.removeprefix(TARGET)])
    none = f" and target not in ({', '.join('?' for _ in targets)})" if targets else ""
    add(f"concat('{TARGET}', target)", BY_TARGET + none, "", [name.removeprefix(TARGET) for name in targets])
    fits, its = _fits(chosen)
    parts.append(f"select '', 'subjects', count(*) from subjects where {fits}")
    parts.append(f"select '', 'instances', coalesce(sum(instances), 0)::bigint from subjects where {fits}")
    parts.append("select '', 'of', count(*) from subjects")
    sql = f"select * from ({' union all '.join(parts)}) order by dimension, n desc, value"
    answer = ask(sql=sql, release=release, store=store, parameters=[*values, *its, *its])
    whole = {value: number for dimension, value, number in answer.rows if not dimension}
    counts = tuple(Count(*row) for row in answer.rows if row[0])
    return Counted(whole["subjects"], whole["instances"], whole["of"], _offered(counts, chosen))


def _offered(counts: tuple[Count, ...], chosen: Chosen) -> tuple[Count, ...]:
    by: dict[str, list[Count]] = {}
    for one in counts:
        by.setdefault(one.dimension, []).append(one)
    return tuple(
        one
        for name, values in by.items()
        if len(values) <= MOST_VALUES or not name.startswith(TARGET)
        for place, one in enumerate(values)
        if place < MOST_VALUES or one.value in chosen.get(name, ())
    )


def members(cohort: Cohort, *, store: Blobs) -> list[str]:
    """Return the pseudonyms of a cohort, in order, as far as they are still in its release."""
    fits, values = _fits(checked(cohort.chosen))
    sql = f"select subject from subjects where {fits} order by subject"
    answer = ask(sql=sql, release=cohort.release, store=store, parameters=values, limits=EVERYONE)
    return [row[0] for row in answer.rows]


def save(
    *, account: Account, release: Release, name: str, chosen: Chosen, store: Blobs, clock: Clock
) -> Cohort:
    """Save a choice under a name of one's own; `Conflict` where it is taken, `BadInput` where nobody fits."""
    words = checked(chosen)
    if not name.strip():
        raise BadInput("A cohort needs a name.", advice="Such as: women over 50 with MR.")
    if not (fitting := count(release=release, chosen=words, store=store).subjects):
        raise BadInput("Nobody fits this choice.", advice="Take a value away.")
    try:
        with transaction.atomic():
            return Cohort.objects.create(
                account=account, release=release, name=name.strip()[:100], chosen=words, subjects=fitting,
                saved_at=clock.now(),
            )  # fmt: skip
    except IntegrityError:
        raise Conflict("You have a cohort of this name already.", advice="Choose another name.") from None
