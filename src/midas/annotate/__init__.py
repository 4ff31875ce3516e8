"""What readers say of images: tasks, readings that are never overwritten, agreement, and labels that were settled.

In come items of the catalogue and what readers store; out come labels with who read and how far they agreed. No reader
sees another's reading before it is settled, and no reading is ever edited.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midas.annotate import look
    from midas.annotate.facts import evidence
    from midas.annotate.labels import derived_in, derived_of, labels_of, settled
    from midas.annotate.leaving import take_out
    from midas.annotate.reading import Drawn, assignment_of, keep_reading, submit_reading
    from midas.annotate.setting import Setting, close_task, set_task
    from midas.annotate.settling import settle
    from midas.annotate.showing import may_open

_DOOR = {
    "Drawn": "reading", "Setting": "setting", "assignment_of": "reading", "close_task": "setting",
    "derived_in": "labels", "derived_of": "labels", "evidence": "facts",
    "keep_reading": "reading", "labels_of": "labels", "look": "look", "may_open": "showing", "set_task": "setting",
    "settle": "settling", "settled": "labels", "submit_reading": "reading", "take_out": "leaving",
}  # fmt: skip

__all__ = [
    "Drawn", "Setting", "assignment_of", "close_task", "derived_in", "derived_of", "evidence",
    "keep_reading", "labels_of", "look", "may_open", "set_task",
    "settle", "settled", "submit_reading", "take_out",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import at first use: Django must know its apps before it sees a model."""
    if name not in _DOOR:
        raise AttributeError(f"module 'midas.annotate' has no attribute {name!r}")
    module = importlib.import_module(f"midas.annotate.{_DOOR[name]}")
    return module if name == "look" else getattr(module, name)
