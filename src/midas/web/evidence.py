"""All facts that the grade of a release may rest on, brought together from the rooms that know them.

In comes a draft; out come `Evidence` values of its content, its readers and this hub as it runs now. Nothing is stated
here that was not counted or found active; what only a person can know is attested elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from midas import annotate
from midas.kernel import Clock, Evidence
from midas.ledger import verify
from midas.people.models import Membership
from midas.release.documents import whole_files
from midas.release.facts import evidence as of_content
from midas.release.gathering import gather
from midas.release.models import Draft, Release
from midas.store import Blobs
from midas.web.bootstrap import signer

HUB = "this hub"


def evidence_of(draft: Draft, *, store: Blobs, clock: Clock) -> tuple[Evidence, ...]:
    """Return the facts of a draft as it would be cut now. What keeps it from being gathered is raised as there."""
    content = gather(draft=draft, store=store)
    about = f"{draft.dataset.slug}@{draft.version}"
    read = annotate.evidence(draft.readings, about=about, store=store)
    return (*of_content(content, whole_files(content)), *read, *_history(draft, about), *_hub(clock))


def _history(draft: Draft, about: str) -> Iterator[Evidence]:
    before = Release.objects.filter(dataset=draft.dataset, twin=False).count()
    yield Evidence("curation.updates", before > 0, about, f"/datasets/{draft.dataset.slug}", of=before)


def _hub(clock: Clock) -> Iterator[Evidence]:
    """Yield what guards this hub, as its settings and its ledger are now."""
    matrix, ledger = "docs/permissions.md", "/ledger"
    yield Evidence("security.access_control", bool(settings.AUTH_PASSWORD_VALIDATORS), HUB, matrix)
    roles = Membership.objects.values("role").distinct().count()
    yield Evidence("security.roles", roles > 0, HUB, matrix, of=roles)
    found = verify(trusted=signer().public_hex, clock=clock)
    yield Evidence("security.logging", found.rows > 0, HUB, ledger, of=found.rows)
    yield Evidence("security.tamper_evident", found.rows > 0 and not found.wrong, HUB, ledger, of=found.rows)
