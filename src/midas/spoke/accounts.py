"""Accounts of the spoke's own site: made by its operator, kept in its own database.

In comes a name (and a password, or none); out comes the password, once. Only a salted hash of it is stored.
"""

from __future__ import annotations

import secrets

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from midas.kernel import BadInput


def add_account(*, name: str, password: str = "") -> str:
    """Make an account or give it a new password; `BadInput` where the password is too weak."""
    if not name.strip():
        raise BadInput("An account needs a name.", advice="Give a name without blanks.")
    account = get_user_model().objects.filter(username=name).first() or get_user_model()(username=name)
    chosen = password or secrets.token_urlsafe(12)
    try:
        validate_password(chosen, account)
    except ValidationError as error:
        raise BadInput(" ".join(error.messages), advice="Choose a longer password.") from None
    account.set_password(chosen)
    account.save()
    return chosen
