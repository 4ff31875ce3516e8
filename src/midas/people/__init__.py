"""Who may come in: accounts, institutions, roles, tokens, and the one rule that says what each may do.

In come names, passwords and keys; out come accounts and yes or no. A password or token is never kept, only what
proves it; a person of a dataset is never known here.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midas.people.accounts import add_account as add_account
    from midas.people.accounts import add_institution as add_institution
    from midas.people.accounts import give_role as give_role
    from midas.people.accounts import set_password as set_password
    from midas.people.rule import Act as Act
    from midas.people.rule import Standing as Standing
    from midas.people.rule import allows as allows
    from midas.people.rule import seen as seen
    from midas.people.tokens import account_of_token as account_of_token
    from midas.people.tokens import issue_token as issue_token
    from midas.people.tokens import revoke_tokens as revoke_tokens
    from midas.people.tokens import spoke_of_token as spoke_of_token

_DOOR = {
    "add_account": "accounts", "add_institution": "accounts", "give_role": "accounts",
    "set_password": "accounts",  # pragma: allowlist secret
    "Act": "rule", "Standing": "rule", "allows": "rule", "seen": "rule",
    "account_of_token": "tokens", "issue_token": "tokens", "revoke_tokens": "tokens", "spoke_of_token": "tokens",
}  # fmt: skip
__all__ = list(_DOOR)


def __getattr__(name: str) -> Any:
    """Import at first use: Django must know its apps before it sees a model."""
    import importlib

    if name in _DOOR:
        return getattr(importlib.import_module(f"midas.people.{_DOOR[name]}"), name)
    raise AttributeError(f"module 'midas.people' has no attribute {name!r}")
