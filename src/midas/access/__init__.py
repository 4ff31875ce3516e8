"""Who may have a release: terms, requests and grants. In come a person, a purpose and accepted terms; out goes a grant.

Nothing but open data leaves without one. A grant ends by itself, or at once when it is taken back; it is never deleted.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midas.access.granting import give as give
    from midas.access.granting import grant_numbered as grant_numbered
    from midas.access.granting import revoke as revoke
    from midas.access.granting import standing_grants as standing_grants
    from midas.access.requesting import accept as accept
    from midas.access.requesting import ask as ask
    from midas.access.requesting import decline as decline
    from midas.access.requesting import request_numbered as request_numbered

_DOOR = {
    "give": "granting",
    "grant_numbered": "granting",
    "revoke": "granting",
    "standing_grants": "granting",
    "accept": "requesting",
    "ask": "requesting",
    "decline": "requesting",
    "request_numbered": "requesting",
}
__all__ = list(_DOOR)


def __getattr__(name: str) -> Any:
    """Import at first use: Django must know its apps before it sees a model."""
    import importlib

    if name in _DOOR:
        return getattr(importlib.import_module(f"midas.access.{_DOOR[name]}"), name)
    raise AttributeError(f"module 'midas.access' has no attribute {name!r}")
