"""Accounts, institutions and roles. In come names and passwords that a person chose; a password is kept only hashed."""

from __future__ import annotations

import re

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from midas.kernel import BadInput, Conflict, NotFound
from midas.people.models import Account, Institution, Membership, Role

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_KEY = re.compile(r"[0-9a-f]{64}")


def _checked_password(password: str, account: Account) -> None:
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise BadInput("The password is too weak.", advice=" ".join(error.messages)) from None


@transaction.atomic
def add_account(
    *, name: str, password: str, email: str = "", institution: Institution | None = None, language: str = "en"
) -> Account:
    """Add an account that may do nothing yet. `BadInput` for a weak password or odd name, `Conflict` if it exists."""
    account = Account(username=name, email=email, institution=institution, language=language)
    try:
        account.username_validator(name)
    except ValidationError:
        raise BadInput(
            "An account's name has letters, digits and @ . + - _ only.", advice="Choose another name."
        ) from None
    if Account.objects.filter(username=name).exists():
        raise Conflict(f"There is an account {name} already.", advice="Choose another name.")
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


def set_active(*, account: Account, active: bool) -> None:
    """Close an account, which then may nothing, or open it again. Accounts are never deleted: records name them."""
    account.is_active = active
    account.save(update_fields=["is_active"])


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
    *, slug: str, name: str, spoke_key: str = "", city: str = "", state: str = "", ror: str = ""
) -> Institution:
    """Add an institution; `spoke_key` (64 hex digits) is the Ed25519 key that its spoke signs with."""
    if not _SLUG.fullmatch(slug) or len(slug) > 64:
        raise BadInput(
            "An institution's id has lower-case letters, digits and dashes.", advice="Such as spdc-wardha."
        )
    if spoke_key and not _KEY.fullmatch(spoke_key):
        raise BadInput(
            "A spoke's public key has 64 hexadecimal digits.",
            advice="`midas spoke init` and `midas spoke status` print it.",
        )
    if Institution.objects.filter(slug=slug).exists():
        raise Conflict(f"There is an institution {slug} already.", advice="Choose another id.")
    if spoke_key and Institution.objects.filter(spoke_key=spoke_key).exists():
        raise Conflict("Another spoke signs with this key.", advice="Each spoke has a key of its own.")
    return Institution.objects.create(
        slug=slug, name=name, spoke_key=spoke_key, city=city, state=state, ror=ror
    )


def institution_named(slug: str) -> Institution:
    try:
        return Institution.objects.get(slug=slug)
    except Institution.DoesNotExist:
        raise NotFound(f"There is no institution {slug}.", advice="See `midas hub spoke list`.") from None
