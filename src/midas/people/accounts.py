"""Accounts, institutions and roles. In come names and passwords that a person chose; a password is kept only hashed."""

from __future__ import annotations

import re

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from midas.kernel import BadInput, Conflict, NotFound
from midas.people.identifiers import orcid as checked_orcid
from midas.people.identifiers import ror as checked_ror
from midas.people.models import Account, Institution, Membership, Role
from midas.people.sessions import end_sessions

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_KEY = re.compile(r"[0-9a-f]{64}")


def _checked_password(password: str, account: Account) -> None:
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise BadInput("The password is too weak.", advice=" ".join(error.messages)) from None


def _checked_email(email: str) -> None:
    try:
        if email:
            validate_email(email)
    except ValidationError:
        raise BadInput("This is not an e-mail address.", advice="Such as asha@example.org.") from None


@transaction.atomic
def add_account(
    *,
    name: str,
    password: str | None,
    email: str = "",
    institution: Institution | None = None,
    language: str = "en",
) -> Account:
    """Add an account that may do nothing yet; without a password it signs in through a provider only.

    `BadInput` for a weak password, an odd name or address, `Conflict` if the name exists, in whatever case.
    """
    account = Account(username=name, email=email, institution=institution, language=language)
    try:
        account.username_validator(name)
    except ValidationError:
        raise BadInput(
            "An account's name has letters, digits and @ . + - _ only.", advice="Choose another name."
        ) from None
    if Account.objects.filter(username__iexact=name).exists():
        raise Conflict(f"There is an account {name} already.", advice="Choose another name.")
    _checked_email(email)
    if password is not None:
        _checked_password(password, account)
    account.set_password(password)
    account.save()
    return account


def account_named(name: str) -> Account:
    try:
        return Account.objects.get(username=name)
    except Account.DoesNotExist:
        raise NotFound(f"There is no account {name}.", advice="See `midas hub user list`.") from None


def set_password(*, account: Account, password: str) -> None:
    """Set a new password; every session signed in with the old one ends with it."""
    _checked_password(password, account)
    account.set_password(password)
    account.save(update_fields=["password"])


def describe(*, account: Account, full_name: str, orcid: str, credited: bool) -> None:
    """Keep how credit shall name a person, and whether it may; `BadInput` for an ORCID iD with a wrong check digit."""
    account.full_name, account.orcid = full_name.strip()[:150], checked_orcid(orcid)
    account.credited = credited
    account.save(update_fields=["full_name", "orcid", "credited"])


def place(*, account: Account, institution: Institution | None, email: str) -> None:
    """Keep where a person belongs and the address that mail goes to, which the hub answers for."""
    _checked_email(email)
    if email and Account.objects.filter(email__iexact=email).exclude(pk=account.pk).exists():
        raise Conflict("This address belongs to another account.", advice="Each person has one account.")
    account.institution, account.email = institution, email
    account.save(update_fields=["institution", "email"])


def set_active(*, account: Account, active: bool) -> None:
    """Close an account, which then may nothing, or open it again. Accounts are never deleted: records name them."""
    account.is_active = active
    account.save(update_fields=["is_active"])
    if not active:
        end_sessions(account=account)


def give_role(*, account: Account, role: str, dataset: str = "") -> Membership:
    """Give a role for one dataset or, with none named, for all; giving it twice changes nothing."""
    if role not in Role.values:
        raise BadInput(f"There is no role {role}.", advice=f"Choose one of {', '.join(Role.values)}.")
    if dataset and not _SLUG.fullmatch(dataset):
        raise BadInput(
            "A dataset is named in lower-case letters, digits and dashes.", advice="Check the name."
        )
    membership, _ = Membership.objects.get_or_create(account=account, role=role, dataset=dataset)
    return membership


def take_role(*, account: Account, role: str, dataset: str = "") -> None:
    """Take a role away; taking one that was not given changes nothing."""
    Membership.objects.filter(account=account, role=role, dataset=dataset).delete()


def add_institution(
    *,
    slug: str,
    name: str,
    spoke_key: str = "",
    city: str = "",
    state: str = "",
    ror: str = "",
    contact: str = "",
) -> Institution:
    """Add an institution; `spoke_key` (64 hex digits) is the Ed25519 key that its spoke signs with."""
    if not _SLUG.fullmatch(slug) or len(slug) > 64:
        raise BadInput(
            "An institution's id has lower-case letters, digits and dashes.", advice="Such as spdc-wardha."
        )
    if Institution.objects.filter(slug=slug).exists():
        raise Conflict(f"There is an institution {slug} already.", advice="Choose another id.")
    made = Institution(slug=slug)
    change_institution(
        institution=made, name=name, spoke_key=spoke_key, city=city, state=state, ror=ror, contact=contact
    )
    return made


def change_institution(
    *, institution: Institution, name: str, spoke_key: str, city: str, state: str, ror: str, contact: str
) -> None:
    """Keep what is said of an institution. What was signed with an earlier key stays signed; the new one counts from now."""
    if not name.strip():
        raise BadInput("An institution has a name.", advice="Give the name as it is written there.")
    if spoke_key and not _KEY.fullmatch(spoke_key):
        raise BadInput(
            "A spoke's public key has 64 hexadecimal digits.",
            advice="`midas spoke init` and `midas spoke status` print it.",
        )
    if spoke_key and Institution.objects.filter(spoke_key=spoke_key).exclude(pk=institution.pk).exists():
        raise Conflict("Another spoke signs with this key.", advice="Each spoke has a key of its own.")
    institution.name, institution.spoke_key = name.strip()[:200], spoke_key
    institution.city, institution.state = city.strip()[:100], state.strip()[:100]
    institution.ror, institution.contact = checked_ror(ror), contact.strip()[:200]
    institution.save()


def institution_named(slug: str) -> Institution:
    try:
        return Institution.objects.get(slug=slug)
    except Institution.DoesNotExist:
        raise NotFound(f"There is no institution {slug}.", advice="See `midas hub spoke list`.") from None
