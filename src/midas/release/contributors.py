"""Who is credited in a release: hospitals by name and ROR, curators and readers who chose to be named, with their ORCID.

In comes what a draft draws on; out come plain values that the draft keeps, so that the release's bytes do not change when
somebody changes their name, or their mind, later. The next version asks again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from midas.annotate.models import Assignment, Settlement
from midas.catalogue.models import Dataset, Submission
from midas.people.models import Account, Institution


def contributors(*, dataset: Dataset, roots: Iterable[str], curator: Account | None) -> list[dict[str, str]]:
    """Return hospitals, the curator and readers of settled items, each kind by name."""
    spokes = Submission.objects.filter(dataset=dataset, root__in=list(roots)).values_list("spoke", flat=True)
    hospitals = Institution.objects.filter(slug__in=set(spokes)).order_by("name")
    readers = Account.objects.filter(pk__in=readings_settled(dataset=dataset).values("reader"))
    return [
        *({"role": "hospital", "name": one.name, "ror": one.ror} for one in hospitals),
        *(_person("curator", one) for one in [curator] if one is not None and named(one)),
        *(_person("reader", one) for one in readers.order_by("full_name", "pk") if named(one)),
    ]


def readings_settled(*, dataset: Dataset | None = None, reader: Account | None = None) -> Any:
    """Return the submitted assignments of items that are settled: the readings that releases may hold."""
    items = Settlement.objects.all()
    if dataset is not None:
        items = items.filter(item__task__dataset=dataset)
    found = Assignment.objects.filter(item__in=items.values("item")).exclude(submitted_at=None)
    return found if reader is None else found.filter(reader=reader)


def named(account: Account) -> bool:
    """Say whether a person may be named: only who chose so, and gave a name."""
    return account.credited and bool(account.full_name)


def _person(role: str, account: Account) -> dict[str, str]:
    place = account.institution
    return {
        "role": role, "name": account.full_name, "orcid": account.orcid,
        "affiliation": place.name if place else "", "affiliation_ror": place.ror if place else "",
    }  # fmt: skip
