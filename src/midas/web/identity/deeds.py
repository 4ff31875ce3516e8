"""What is done to accounts, roles and keys: each in one transaction with its row of the ledger, and forgotten at once.

In come an account, what to change, who does it and why; the verbs of `midas.people` do it. Pages and the command line
call these, never those.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from midas.kernel import BadInput, Clock, NotFound, SystemClock
from midas.ledger import Deed, enter
from midas.people import accounts, invitations, tokens
from midas.people.models import Account, Institution, Invitation, Membership, Role
from midas.people.rule import Act
from midas.people.sessions import end_sessions
from midas.web.standing import forget

_CLOCK = SystemClock()


@dataclass(frozen=True)
class Hand:
    """Who does it: an account, or a command line where nobody has signed in."""

    by: Account | None
    who: str = "command line"
    clock: Clock = _CLOCK


def note(hand: Hand, what: str, account: Account | None, *, why: str = "", **details: str) -> None:
    """Write down what was done to an account, and drop what is remembered of it once that is kept."""
    enter(
        Deed.ACCOUNT, by=hand.by, who=hand.who, clock=hand.clock, target=account.username if account else "", why=why,
        dataset=details.pop("dataset", ""), what=what, **details,
    )  # fmt: skip
    if account is not None:
        transaction.on_commit(lambda: forget(account.pk))


@transaction.atomic
def add_account(
    hand: Hand, *, name: str, password: str | None, email: str = "", institution: Institution | None = None
) -> Account:
    made = accounts.add_account(name=name, password=password, email=email, institution=institution)
    note(hand, "account added", made)
    return made


@transaction.atomic
def give_role(hand: Hand, *, account: Account, role: str, dataset: str = "", why: str) -> Membership:
    """Give a role; a person at the page says why."""
    made = accounts.give_role(account=account, role=role, dataset=dataset)
    note(hand, "role given", account, why=_said(hand, why), role=role, dataset=dataset)
    return made


@transaction.atomic
def take_role(hand: Hand, *, account: Account, role: str, dataset: str = "", why: str) -> None:
    """Take a role away. Nobody takes the administrator's from themselves: then nobody could give roles any more."""
    if role == Role.ADMIN and hand.by == account:
        raise BadInput("You cannot take the administrator's role from yourself.", advice="Ask another one.")
    accounts.take_role(account=account, role=role, dataset=dataset)
    note(hand, "role taken away", account, why=_said(hand, why), role=role, dataset=dataset)


@transaction.atomic
def set_active(hand: Hand, *, account: Account, active: bool, why: str) -> None:
    """Close an account, with its sessions, or open it again."""
    if hand.by == account and not active:
        raise BadInput("You cannot close your own account.", advice="Ask another administrator.")
    accounts.set_active(account=account, active=active)
    note(hand, "account opened" if active else "account closed", account, why=_said(hand, why))


@transaction.atomic
def set_password(hand: Hand, *, account: Account, password: str) -> None:
    accounts.set_password(account=account, password=password)
    end_sessions(account=account)
    note(hand, "password set", account)


@transaction.atomic
def place(hand: Hand, *, account: Account, institution: Institution | None, email: str) -> None:
    accounts.place(account=account, institution=institution, email=email)
    note(hand, "institution or address changed", account, institution=institution.slug if institution else "")


@transaction.atomic
def describe(hand: Hand, *, account: Account, full_name: str, orcid: str, credited: bool) -> None:
    accounts.describe(account=account, full_name=full_name, orcid=orcid, credited=credited)
    note(hand, "name for credit changed", account)


@transaction.atomic
def drop_factors(hand: Hand, *, account: Account, why: str) -> int:
    """Take all second factors off an account whose owner has lost them, and end its sessions; return how many."""
    from allauth.mfa.models import Authenticator

    count: int = Authenticator.objects.filter(user_id=account.pk).delete()[0]
    end_sessions(account=account)
    note(hand, "second factors taken off", account, why=_said(hand, why))
    return count


@transaction.atomic
def issue_token(hand: Hand, *, account: Account, title: str, days: int, scope: frozenset[Act] | None) -> str:
    """Return a new token of an account; every one has an end."""
    token = tokens.issue_token(title=title, clock=hand.clock, account=account, days=days, scope=scope)
    note(hand, "key made", account)
    return token


@transaction.atomic
def revoke_tokens(hand: Hand, *, account: Account, number: int | None = None) -> int:
    count = tokens.revoke_tokens(clock=hand.clock, account=account, number=number)
    if number is not None and not count:
        raise NotFound("There is no such key.", advice="See the list of keys.")
    note(hand, "keys revoked", account, keys=str(count))
    return count


@transaction.atomic
def end_other_sessions(hand: Hand, *, account: Account, but: str = "", only: str = "") -> int:
    count = end_sessions(account=account, but=but, only=only)
    note(hand, "sessions ended", account, sessions=str(count))
    return count


@transaction.atomic
def invite(
    hand: Hand,
    *,
    email: str = "",
    institution: Institution | None = None,
    role: str = "",
    dataset: str = "",
    days: int,
) -> str:
    """Return the key of a new invitation."""
    key = invitations.invite(
        clock=hand.clock,
        by=hand.by,
        email=email,
        institution=institution,
        role=role,
        dataset=dataset,
        days=days,
    )
    note(hand, "invitation made", None, role=role, dataset=dataset)
    return key


@transaction.atomic
def accept(
    hand: Hand,
    *,
    invitation: Invitation,
    name: str,
    password: str | None,
    full_name: str = "",
    language: str = "en",
) -> Account:
    """Make the account that was invited; the row says that it made itself."""
    made = invitations.accept(
        invitation=invitation,
        name=name,
        password=password,
        clock=hand.clock,
        full_name=full_name,
        language=language,
    )
    note(
        Hand(by=made, clock=hand.clock),
        "invitation accepted",
        made,
        role=invitation.role,
        dataset=invitation.dataset,
    )
    return made


@transaction.atomic
def keep_institution(hand: Hand, *, slug: str, new: bool, **told: str) -> Institution:
    """Add an institution or change what is said of it."""
    if new:
        made = accounts.add_institution(slug=slug, **told)
    else:
        made = accounts.institution_named(slug)
        accounts.change_institution(institution=made, **told)
    note(hand, "institution added" if new else "institution changed", None, institution=slug)
    return made


@transaction.atomic
def issue_spoke_token(hand: Hand, *, spoke: Institution, afresh: bool = False) -> str:
    """Return a new token of a spoke; `afresh` revokes the earlier ones."""
    if afresh:
        tokens.revoke_tokens(clock=hand.clock, spoke=spoke)
    token = tokens.issue_token(title=f"spoke {spoke.slug}", clock=hand.clock, spoke=spoke)
    note(hand, "spoke's key made", None, institution=spoke.slug)
    return token


def _said(hand: Hand, why: str) -> str:
    if hand.by is not None and not why.strip():
        raise BadInput("This needs a reason.", advice="Say in a sentence why.")
    return why.strip()
