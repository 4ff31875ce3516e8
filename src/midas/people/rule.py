"""The one rule. In come an account, an act and a dataset; out comes yes or no, or those datasets where it is yes.

`may` answers "may I?", `visible` "what can I see?", both from `allows`, so they cannot disagree. What is not granted
is denied; an inactive account may nothing, whatever it was granted; being Django's superuser grants nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from midas.people.models import Membership, Role


class Act(StrEnum):
    """Everything that can be done at the hub. Each page and API route names the one it needs."""

    SIGN_IN = "sign in"
    BROWSE = "browse the catalogue"
    GET_TWIN = "download a synthetic twin"
    OWN_ACCOUNT = "look after the own account"
    DOWNLOAD_OPEN = "download a release of open access"
    READ_DATASET = "see a dataset's images and composition"
    DOWNLOAD = "download a release"
    SEE_SPOKE = "see what came from a spoke"
    DRAFT = "draft a release"
    CUT = "cut a release"
    WITHDRAW = "withdraw a subject"
    MANAGE_PEOPLE = "manage accounts and roles"
    SUBMIT = "send a submission"


ANYONE = frozenset({Act.SIGN_IN, Act.BROWSE, Act.GET_TWIN})
SIGNED_IN = ANYONE | {Act.OWN_ACCOUNT, Act.DOWNLOAD_OPEN}
BY_ROLE: dict[Role, frozenset[Act]] = {
    Role.OPERATOR: frozenset({Act.READ_DATASET, Act.SEE_SPOKE}),
    Role.RESEARCHER: frozenset({Act.READ_DATASET, Act.DOWNLOAD}),
    Role.CURATOR: frozenset(
        {Act.READ_DATASET, Act.DOWNLOAD, Act.SEE_SPOKE, Act.DRAFT, Act.CUT, Act.WITHDRAW}
    ),
    Role.ADMIN: frozenset({Act.READ_DATASET, Act.SEE_SPOKE, Act.WITHDRAW, Act.MANAGE_PEOPLE}),
}
"""SUBMIT is in no role: only a spoke's token sends. An administrator runs the hub and reads no one's data."""
BY_SPOKE = frozenset({Act.SUBMIT})
"""What a spoke's token may do, for its own institution only."""

Roles = frozenset[tuple[str, str]]
"""(role, dataset) pairs; an empty dataset stands for all."""


def allows(roles: Roles, act: Act, dataset: str | None) -> bool:
    """Say whether an active account with `roles` may do `act` on `dataset`; `None` means on all of them."""
    return act in SIGNED_IN or any(
        act in BY_ROLE[Role(role)] and where in {"", dataset} for role, where in roles
    )


def _roles(account: Any) -> Roles | None:
    """Return the account's roles, or `None` where nobody has signed in."""
    if account is None or not account.is_authenticated:
        return None
    return frozenset(Membership.objects.filter(account_id=account.pk).values_list("role", "dataset"))


def _inactive(account: Any) -> bool:
    return account is not None and account.is_authenticated and not account.is_active


def may(account: Any, act: Act, dataset: str | None = None) -> bool:
    """Say whether `account` (or `None`: nobody in particular) may do `act` on `dataset`.

    Without a dataset the answer is yes only for who may do it on all of them.
    """
    return bool(visible(account, act, [dataset]))


def visible(account: Any, act: Act, datasets: Iterable[Any]) -> list[Any]:
    """Return those of `datasets` on which `account` may do `act`, in their order, with one query."""
    if _inactive(account):
        return []
    roles = _roles(account)
    if roles is None:
        return list(datasets) if act in ANYONE else []
    return [dataset for dataset in datasets if allows(roles, act, dataset)]


def may_anywhere(account: Any, act: Act) -> bool:
    """Say whether there may be a dataset on which `account` may do `act`: for menus and lists, never for a dataset."""
    if _inactive(account):
        return False
    roles = _roles(account)
    if roles is None:
        return act in ANYONE
    return act in SIGNED_IN or any(act in BY_ROLE[Role(role)] for role, _ in roles)


def spoke_may(institution: Any, act: Act) -> bool:
    """Say whether a spoke that showed its token may do `act`, for its own institution."""
    return institution is not None and act in BY_SPOKE
