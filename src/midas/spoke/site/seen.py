"""What the first look saw in a batch: for each check that found something, how many items and which."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import get_language

from midas import quality
from midas.kernel import Severity
from midas.spoke.intake.models import Item

WORST_FIRST = (Severity.ERROR, Severity.WARNING)


@dataclass(frozen=True)
class Seen:
    """One check that found something in `keys` (items); `title` and `advice` are for a person."""

    rule: str
    severity: str
    title: str
    advice: str
    keys: tuple[int, ...]


def seen_in(items: QuerySet[Item]) -> tuple[Seen, ...]:
    """Return the findings of the checks of quality in these items, the worst first; notes are left out."""
    checks = quality.registry()
    found: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for key, told in items.exclude(findings=[]).order_by("pk").values_list("pk", "findings").iterator():
        for rule, severity in {(one["rule"], one["severity"]) for one in told}:
            if rule in checks and severity in WORST_FIRST:
                found[severity, rule].append(key)
    language = get_language() or "en"
    return tuple(
        Seen(
            rule,
            severity,
            checks[rule].title.get(language, checks[rule].title["en"]),
            checks[rule].advice,
            tuple(keys),
        )
        for (severity, rule), keys in sorted(
            found.items(), key=lambda one: (WORST_FIRST.index(Severity(one[0][0])), -len(one[1]))
        )
    )
