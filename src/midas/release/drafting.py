"""A draft: which submissions and settled readings a version draws on, frozen, with the secret behind its salts."""

from __future__ import annotations

import re
import secrets
from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction

from midas.annotate import derived_in, settled
from midas.catalogue.findings import decided
from midas.catalogue.models import Dataset, ProtocolVersion, Submission
from midas.kernel import BadInput, Clock, Conflict, canonical, sha256_bytes
from midas.ledger import Deed, enter
from midas.release.contributors import contributors
from midas.release.models import Cohort, Draft

if TYPE_CHECKING:
    from midas.people.models import Account

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)


def version_order(version: str) -> tuple[int, ...]:
    """Return what versions are sorted by; `BadInput` where it is not three numbers."""
    if not _VERSION.fullmatch(version):
        raise BadInput(f"'{version}' is not a version.", advice="Write it as 1.0.0.")
    return tuple(int(part) for part in version.split("."))


@transaction.atomic
def new_draft(
    *,
    dataset: Dataset,
    version: str,
    by: Account | None,
    clock: Clock,
    published_on: date,
    notes: str = "",
    cohort: Cohort | None = None,
) -> Draft:
    """Freeze what is registered now as the draft of a version.

    `published_on` is the date that the release carries (its key depends on it); with `cohort`, which is of this dataset,
    only its subjects go in. Raise `BadInput` where nothing is
    registered or there is no protocol, `Conflict` where the version is drafted already.
    """
    if cohort is not None and cohort.release.dataset_id != dataset.pk:
        raise BadInput("The cohort is of another dataset.", advice="Choose one of this dataset.")
    draft = as_it_stands(
        dataset=dataset,
        version=version,
        by=by,
        clock=clock,
        published_on=published_on,
        notes=notes,
        cohort=cohort,
    )
    if Draft.objects.filter(dataset=dataset, version=version).exists():
        raise Conflict(
            f"{dataset.slug}@{version} is drafted already.", advice="Cut it, or choose the next version."
        )
    draft.save()
    enter(
        Deed.DRAFT,
        by=by,
        clock=clock,
        dataset=dataset.slug,
        version=version,
        submissions=len(draft.submissions),
    )
    return draft


def as_it_stands(
    *,
    dataset: Dataset,
    version: str,
    clock: Clock,
    published_on: date,
    by: Account | None = None,
    notes: str = "",
    cohort: Cohort | None = None,
) -> Draft:
    """Return what would be drafted now, kept nowhere; `BadInput` where nothing is registered or no protocol stands."""
    version_order(version)
    protocol = ProtocolVersion.objects.filter(dataset=dataset).order_by("-added_at", "-pk").first()
    registered = Submission.objects.filter(dataset=dataset, state=Submission.State.REGISTERED).order_by(
        "root"
    )
    roots = list(registered.values_list("root", flat=True))
    if protocol is None or not roots:
        raise BadInput(
            f"Nothing is registered for {dataset.slug} yet.",
            advice="Let a spoke send first, then draft a release.",
        )
    return Draft(
        dataset=dataset, protocol=protocol, version=version, notes=notes, published_on=published_on,
        salt_root=secrets.token_hex(32), submissions=roots, cohort=cohort, readings=settled(dataset),
        derived=derived_in(dataset), judged=decided(dataset), created_by=by, created_at=clock.now(),
        contributors=contributors(dataset=dataset, roots=roots, curator=by),
    )  # fmt: skip


def draft_digest(draft: Draft) -> str:
    """Return a digest of what a draft says; its salt root is not part of it, because a withdrawal erases that."""
    cohort = draft.cohort and {"release": draft.cohort.release.key, "chosen": draft.cohort.chosen}
    return sha256_bytes(canonical({
        "dataset": draft.dataset.slug, "version": draft.version, "protocol": draft.protocol.sha256,
        "title": draft.title, "notes": draft.notes, "published_on": draft.published_on.isoformat(),
        "submissions": sorted(draft.submissions), **_drawn_on(draft), **({"cohort": cohort} if cohort else {}),
        **({"contributors": draft.contributors} if draft.contributors else {}),
    }))  # fmt: skip


def _drawn_on(draft: Draft) -> dict[str, list[int]]:
    """Name what readers and curators made or decided, where there is any: a draft without it keeps its old digest."""
    found = {"readings": draft.readings, "derived": draft.derived, "judged": draft.judged}
    return {name: sorted(numbers) for name, numbers in found.items() if numbers}
