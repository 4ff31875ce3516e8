"""The part of a draft's page that shows its gates and who approved it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language

from midas.people.models import Account
from midas.release.approving import approvals_of, lapsed
from midas.release.cases import Result
from midas.release.gates import GATES
from midas.release.leakage import SAYS
from midas.release.models import Draft, GateCheck
from midas.web.bootstrap import current_home


def of_draft(draft: Draft, account: Account | None) -> dict[str, Any]:
    """Return how the gates stood when they were last looked at, and the approvals that count now."""
    kept = GateCheck.objects.filter(draft=draft).first()
    stand = {one.gate: one for one in map(Result.from_dict, kept.results)} if kept else {}
    language = "hi" if (get_language() or "").startswith("hi") else "en"
    approvals = approvals_of(draft)
    return {
        "gates": [
            {
                "id": gate.id, "title": gate.title[language], "needs": gate.needs[language], "cites": gate.cites,
                "state": stand[gate.id].state.value if gate.id in stand else "",
                "findings": stand[gate.id].findings if gate.id in stand else (),
            }
            for gate in GATES
        ],
        "leakage": [
            {"says": SAYS[kind], "ties": ties, "across": across}
            for kind, (ties, across) in (kept.leakage if kept else {}).items()
        ],
        "checked_at": kept and kept.checked_at,
        "failed": sum(one.state.value == "failed" for one in stand.values()),
        "approvals": [
            {"name": one.account.called, "at": one.approved_at} for one in approvals
        ],
        "lapsed": [one.account.called for one in lapsed(draft)],
        "approvals_needed": current_home().config.release_approvals,
        "approved": account is not None and any(one.account_id == account.pk for one in approvals),
    }  # fmt: skip
