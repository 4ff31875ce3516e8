"""Quality at the hub: what the checks say of registered images and tables, as rows, and what curators decide of each.

In come registered series and rows and the protocol in force; out come numbered runs of findings, decisions with their
reason, questions to hospitals with their answers, and corrections beside the objects. No object, and no finding of an
earlier run, is ever changed, and nothing is decided here.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midas.catalogue.findings.asking import answer as answer
    from midas.catalogue.findings.asking import asked as asked
    from midas.catalogue.findings.checking import check as check
    from midas.catalogue.findings.checking import unchecked as unchecked
    from midas.catalogue.findings.comparing import Copies as Copies
    from midas.catalogue.findings.comparing import copies as copies
    from midas.catalogue.findings.deciding import correct as correct
    from midas.catalogue.findings.deciding import decide as decide
    from midas.catalogue.findings.deciding import last_decision as last_decision
    from midas.catalogue.findings.standing import Left as Left
    from midas.catalogue.findings.standing import Since as Since
    from midas.catalogue.findings.standing import decided as decided
    from midas.catalogue.findings.standing import decided_since as decided_since
    from midas.catalogue.findings.standing import left_by as left_by
    from midas.catalogue.findings.standing import undecided as undecided
    from midas.catalogue.findings.telling import evidence as evidence

_DOOR = {
    "answer": "asking", "asked": "asking", "check": "checking", "unchecked": "checking", "Copies": "comparing",
    "copies": "comparing", "correct": "deciding", "decide": "deciding", "Left": "standing", "decided": "standing",
    "Since": "standing", "decided_since": "standing", "last_decision": "deciding",
    "evidence": "telling", "left_by": "standing", "undecided": "standing",
}  # fmt: skip
__all__ = list(_DOOR)


def __getattr__(name: str) -> Any:
    """Import at first use: worker processes look at images without Django."""
    import importlib

    if name in _DOOR:
        return getattr(importlib.import_module(f"midas.catalogue.findings.{_DOOR[name]}"), name)
    raise AttributeError(f"module 'midas.catalogue.findings' has no attribute {name!r}")
