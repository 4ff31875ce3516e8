"""Accounts of the spoke's own site: made by its operator, kept in its own database.

In comes a name, a role (and a password, or none); out comes the password, once. Only a salted hash of it is stored. An
*operator* sees counts, states and reasons; only a *reviewer* sees identified pictures, names and values, and decides.
"""

from __future__ import annotations

import secrets
from enum import StrEnum
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from midas.kernel import BadInput
from midas.spoke.intake.models import Reviewer


class Role(StrEnum):
    REVIEWER = "reviewer"
    OPERATOR = "operator"


def add_account(*, name: str, password: str = "", role: str = Role.REVIEWER) -> str:
    """Make an account or give it a new password and role; `BadInput` where the password is too weak."""
    if not name.strip():
        raise BadInput("An account needs a name.", advice="Give a name without blanks.")
    if role not in list(Role):
        raise BadInput(f"There is no role {role}.", advice=f"Choose one of {', '.join(Role)}.")
    account = get_user_model().objects.filter(username=name).first() or get_user_model()(username=name)
    chosen = password or secrets.token_urlsafe(12)
    try:
        validate_password(chosen, account)
    except ValidationError as error:
        raise BadInput(" ".join(error.messages), advice="Choose a longer password.") from None
    account.set_password(chosen)
    account.save()
    if role == Role.REVIEWER:
        Reviewer.objects.get_or_create(account=account)
    else:
        Reviewer.objects.filter(account=account).delete()
    return chosen


def may_review(account: Any) -> bool:
    """Say whether this person may see identified pictures and values."""
    return bool(account.is_active) and Reviewer.objects.filter(account=account).exists()


def role_of(account: Any) -> Role:
    return Role.REVIEWER if may_review(account) else Role.OPERATOR
