"""What the hub asks of a draft before it is cut, and what its other rooms know about it, for the gates."""

from __future__ import annotations

from midas.release.cases import Brought
from midas.web.bootstrap import current_home


def brought() -> Brought:
    """Return what this hub's settings ask of every draft."""
    config = current_home().config
    return Brought(needs_grade=config.release_needs_grade, needs_approvals=config.release_approvals)
