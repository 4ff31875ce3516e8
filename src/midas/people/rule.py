"""The one rule. In come what stands for an account, an act and a place; out comes yes or no, or the places where it is yes.

`allows` answers "may I?", `seen` "what can I see?" from it, so they cannot disagree. What is not granted is denied; an
inactive account may nothing, whatever it was granted; being Django's superuser grants nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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
    DOWNLOAD = "see and download a release"
    ASK_ACCESS = "ask for access to a release"
    SEE_SPOKE = "see what came from a spoke"
    JUDGE_QUALITY = "decide on findings of quality"
    DRAFT = "draft a release"
    CUT = "cut a release"
    WITHDRAW = "withdraw a subject"
    SET_READING = "set a reading task"
    READ = "read images for a task"
    ADJUDICATE = "settle what readers disagree on"
    SEE_GRANTS = "see who asked for access and who has it"
    GRANT = "give and take back access"
    SEE_USE = "see how the hub is used"
    ASSESS = "assess a dataset"
    VALIDATE = "validate an assessment"
    AUDIT = "read the ledger"
    MANAGE_PEOPLE = "manage accounts and roles"
    SUBMIT = "send a submission"


ANYONE = frozenset({Act.SIGN_IN, Act.BROWSE, Act.GET_TWIN})
SIGNED_IN = ANYONE | {Act.OWN_ACCOUNT, Act.DOWNLOAD_OPEN, Act.ASK_ACCESS}
BY_ROLE: dict[Role, frozenset[Act]] = {
    Role.OPERATOR: frozenset({Act.SEE_SPOKE}),
    Role.CURATOR: frozenset(
        {
            Act.READ_DATASET,
            Act.SEE_SPOKE,
            Act.DRAFT,
            Act.CUT,
            Act.WITHDRAW,
            Act.SET_READING,
            Act.ASSESS,
            Act.JUDGE_QUALITY,
        }
    ),
    Role.ANNOTATOR: frozenset({Act.READ}),
    Role.ADJUDICATOR: frozenset({Act.READ, Act.ADJUDICATE}),
    Role.ETHICS: frozenset({Act.SEE_GRANTS, Act.SEE_USE}),
    Role.ACCESS_OFFICER: frozenset({Act.SEE_GRANTS, Act.GRANT, Act.SEE_USE}),
    Role.RESEARCHER: frozenset({Act.SEE_USE}),
    Role.POLICY: frozenset({Act.SEE_USE}),
    Role.ADMIN: frozenset({Act.SEE_SPOKE, Act.WITHDRAW, Act.MANAGE_PEOPLE, Act.SEE_USE}),
    Role.AUDITOR: frozenset({Act.AUDIT, Act.SEE_GRANTS, Act.SEE_USE}),
    Role.NODAL: frozenset({Act.VALIDATE, Act.SEE_USE}),
}
"""SUBMIT is in no role: only a spoke's token sends. DOWNLOAD is in none either: only a grant gives it."""
BY_SPOKE = frozenset({Act.SUBMIT})
"""What a spoke's token may do, for its own institution only."""

Roles = frozenset[tuple[str, str]]
"""(role, dataset) pairs; an empty dataset stands for all."""


@dataclass(frozen=True)
class Standing:
    """All that the rule looks at: `roles` is `None` where nobody signed in; `grants` are (dataset, version) pairs.

    `scope` is what a token was limited to; `None`: all that its account may.
    """

    roles: Roles | None = None
    grants: frozenset[tuple[str, str]] = frozenset()
    scope: frozenset[Act] | None = None
    active: bool = True


NOBODY = Standing()


def allows(standing: Standing, act: Act, dataset: str | None = None, version: str | None = None) -> bool:
    """Say whether who stands so may do `act`.

    Without a dataset the answer is yes only for who may do it on all of them; a grant without a version is one to any
    release of the dataset.
    """
    if not standing.active or (standing.scope is not None and act not in standing.scope | ANYONE):
        return False
    if standing.roles is None:
        return act in ANYONE
    if act in SIGNED_IN:
        return True
    if act is Act.DOWNLOAD:
        return any(dataset == given and version in {None, of} for given, of in standing.grants)
    return any(act in BY_ROLE[Role(role)] and where in {"", dataset} for role, where in standing.roles)


def download_of(access: str | None, *, twin: bool = False) -> Act:
    """Return the act that downloading a release is: for a twin nothing is asked, for open access a sign-in, else a grant."""
    if twin:
        return Act.GET_TWIN
    return Act.DOWNLOAD_OPEN if access == "open" else Act.DOWNLOAD


def seen(standing: Standing, act: Act, datasets: Iterable[str]) -> list[str]:
    """Return those of `datasets` on which `act` is allowed, in their order."""
    return [dataset for dataset in datasets if allows(standing, act, dataset)]


def allows_somewhere(standing: Standing, act: Act) -> bool:
    """Say whether there may be a dataset on which `act` is allowed: for menus and lists, never for a dataset."""
    places = {dataset for _, dataset in standing.roles or ()} | {dataset for dataset, _ in standing.grants}
    return allows(standing, act) or any(allows(standing, act, dataset) for dataset in places)


def roles_of(account: Any) -> Roles | None:
    """Return the account's roles, or `None` where nobody has signed in."""
    if account is None or not account.is_authenticated:
        return None
    return frozenset(Membership.objects.filter(account_id=account.pk).values_list("role", "dataset"))


def spoke_may(institution: Any, act: Act) -> bool:
    """Say whether a spoke that showed its token may do `act`, for its own institution."""
    return institution is not None and act in BY_SPOKE
