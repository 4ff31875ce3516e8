"""What the hub asks of a draft before it is cut, and what its other rooms know about it, for the gates."""

from __future__ import annotations

from midas.catalogue import findings
from midas.catalogue.models import Subject
from midas.compute import here
from midas.grading.look import approved
from midas.kernel import canonical, sha256_bytes
from midas.release.cases import Brought, Graded
from midas.release.excluding import excluded
from midas.release.models import Draft
from midas.web.bootstrap import current_home, store

AT_A_GATE = 500
"""Candidates compared while somebody waits, where the checks have not done it already: at most a minute."""


def brought(draft: Draft) -> Brought:
    """Return what this hub's settings ask of every draft, undecided errors, copies of pictures, and the approved grade."""
    config = current_home().config
    alike = findings.copies(
        dataset=draft.dataset, store=store(), runner=here(), submissions=draft.submissions,
        without=excluded(draft).series, most=AT_A_GATE,
    )  # fmt: skip
    return Brought(
        undecided=findings.undecided(draft.dataset),
        copies=alike.held,
        unseen=alike.unseen,
        unsigned=alike.unsigned,
        since=findings.decided_since(draft.dataset, draft.judged),
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
        demonstration=told["demonstration"], early=row.evidence_at < draft.created_at, whole=told,
        withdrawn_since=Subject.objects.filter(dataset=draft.dataset, withdrawn_at__gt=row.evidence_at).exists(),
    )  # fmt: skip
