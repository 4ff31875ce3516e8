"""What the hub holds: verified submissions as subjects, visits, lesions, specimens, series, instances, records, labels.

In come a signed submission header and a place of blobs; out come findings and, where none is an error, registered rows
with a receipt. Nothing is overwritten, nothing is registered in part, and no identifier of a person is ever kept.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midas.catalogue.protocols import add_protocol as add_protocol
    from midas.catalogue.registration import register as register
    from midas.catalogue.verification import Checked as Checked
    from midas.catalogue.verification import examine_submission as examine_submission
    from midas.catalogue.verification import verify_submission as verify_submission
    from midas.catalogue.withdrawal import forget as forget
    from midas.catalogue.withdrawal import person as person

_DOOR = {
    "add_protocol": "protocols", "register": "registration", "Checked": "verification",
    "examine_submission": "verification", "verify_submission": "verification", "forget": "withdrawal",
    "person": "withdrawal",
}  # fmt: skip
__all__ = list(_DOOR)


def __getattr__(name: str) -> Any:
    """Import at first use: Django must know its apps before it sees a model."""
    import importlib

    if name in _DOOR:
        return getattr(importlib.import_module(f"midas.catalogue.{_DOOR[name]}"), name)
    raise AttributeError(f"module 'midas.catalogue' has no attribute {name!r}")
