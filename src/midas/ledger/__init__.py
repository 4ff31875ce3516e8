"""What was done at the hub: a closed list of deeds, written in the deed's own transaction, chained by one sealer.

In come an account, a deed and what it was done to; out come rows for the auditor, a chain over them and signed heads of
it. No row is ever edited, and no identifier of a person of a dataset is ever in one.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midas.ledger.denying import denied as denied
    from midas.ledger.entering import enter as enter
    from midas.ledger.looking import downloaded as downloaded
    from midas.ledger.looking import viewed as viewed
    from midas.ledger.models import Deed as Deed
    from midas.ledger.pruning import prune as prune
    from midas.ledger.sealing import head as head
    from midas.ledger.sealing import seal as seal
    from midas.ledger.verifying import verify as verify

_DOOR = {
    "enter": "entering", "Deed": "models", "viewed": "looking", "downloaded": "looking", "denied": "denying",
    "seal": "sealing", "head": "sealing", "verify": "verifying", "prune": "pruning",
}  # fmt: skip
__all__ = list(_DOOR)


def __getattr__(name: str) -> Any:
    """Import at first use: Django must know its apps before it sees a model."""
    import importlib

    if name in _DOOR:
        return getattr(importlib.import_module(f"midas.ledger.{_DOOR[name]}"), name)
    raise AttributeError(f"module 'midas.ledger' has no attribute {name!r}")
