"""What the hub asks of a draft before it is cut, and what its other rooms know about it, for the gates."""

from __future__ import annotations

from midas.catalogue.findings import undecided
from midas.grading.look import approved
from midas.kernel import canonical, sha256_bytes
from midas.release.cases import Brought, Graded
from midas.release.models import Draft
from midas.web.bootstrap import current_home


def brought(draft: Draft) -> Brought:
    """Return what this hub's settings ask of every draft, the errors nobody decided on, and the approved grade."""
    config = current_home().config
    return Brought(
        undecided=undecided(draft.dataset),
        graded=_graded(draft),
        needs_grade=config.release_needs_grade,
        needs_approvals=config.release_approvals,
    )


def _graded(draft: Draft) -> Graded | None:
    row = approved(draft.dataset.slug, draft.version)
    if row is None or row.grade is None:
        return None
    told = dict(row.grade)
    if told["decided"]:  # no account stands in a release; the ledger has who it was
        told["decided"] = {name: told["decided"][name] for name in ("access", "why")}
    return Graded(
        cqi=told["cqi"], band=told["band"], access=told["access"] or "", stops=tuple(told["stops"]),
        sha256=sha256_bytes(canonical(told)), status=told["status"], computed=told["computed"],
        demonstration=told["demonstration"], whole=told,
    )  # fmt: skip
