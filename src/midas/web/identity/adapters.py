# ruff: noqa: ARG002, A002 - the signatures are allauth's
"""Where allauth asks this hub: what may be tried, whom a provider's person is, what is written down and mailed.

In come requests in the middle of signing in; out go accounts, redirects and rows of the ledger. A provider's word counts
only for an address that it has verified, and only for an account or invitation that stands already.
"""

from __future__ import annotations

import re
from threading import Thread
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazily
from django.utils.translation import override

from midas.kernel import SystemClock
from midas.ledger import Deed, enter
from midas.people.invitations import invitation_to
from midas.people.models import Account
from midas.people.sessions import BEGUN, DEVICE, device_of
from midas.web.identity.deeds import Hand, accept, note
from midas.web.throttle import address_of

_CLOCK = SystemClock()


def notice(what: str) -> str:
    """Return the sentence for a change that allauth names, or "" for one that needs none."""
    return {
        "password_changed": _("The password was changed."),
        "password_set": _("A password was set."),
        "password_reset": _("The password was set anew with a link."),
        "totp_activated": _("An authenticator app was added."),
        "totp_deactivated": _("The authenticator app was removed."),
        "webauthn_added": _("A passkey was added."),
        "webauthn_removed": _("A passkey was removed."),
        "recovery_codes_generated": _("New recovery codes were made; earlier ones no longer count."),
        "account_connected": _("Sign-in through a provider was added."),
    }.get(what, "")


def send(to: str, subject: str, text: str) -> None:
    """Send a mail once what it tells is kept, beside the request: its time tells nobody whether there was one to send."""
    mail = EmailMessage(subject=" ".join(subject.split()), body=text, to=[to])
    transaction.on_commit(lambda: Thread(target=mail.send, kwargs={"fail_silently": True}).start())


class Accounts(DefaultAccountAdapter):  # type: ignore[misc]
    """Passwords, sessions, mail."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": lazily(
            "Name and password do not belong together. Check both and try again."
        ),
        "too_many_login_attempts": lazily("Too many tries. Wait a few minutes."),
        "incorrect_code": lazily("This code is not right, or it has been used."),
        "rate_limited": lazily("Too many tries. Wait a few minutes."),
        "enter_current_password": lazily("This is not your password."),
        "incorrect_password": lazily("This is not your password."),
        "invalid_password_reset": lazily("This link is not valid."),
        "password_reset_token_expired": lazily("This link has been used, or it has expired."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False  # accounts are made by invitation, never by allauth's form

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count nothing here: the throttle does, for sign-in and for confirming a password alike."""

    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request)

    def is_safe_url(self, url: str | None) -> bool:
        """Only this very host, and only encrypted where this request is."""
        host = {self.request.get_host()}
        return bool(url) and url_has_allowed_host_and_scheme(
            url, host, require_https=self.request.is_secure()
        )

    def login(self, request: HttpRequest, user: Account) -> None:
        with transaction.atomic():
            super().login(request, user)
            request.session[DEVICE] = device_of(request.headers.get("User-Agent", ""))
            request.session[BEGUN] = _CLOCK.now().isoformat()
            ways = [one["method"] for one in request.session.get("account_authentication_methods", [])]
            enter(Deed.SIGN_IN, by=user, clock=_CLOCK, with_=" + ".join(dict.fromkeys(ways)))

    def logout(self, request: HttpRequest) -> None:
        if isinstance(request.user, Account):
            enter(Deed.SIGN_OUT, by=request.user, clock=_CLOCK)
        super().logout(request)

    def set_password(self, user: Account, password: str) -> None:
        user.set_password(password)
        with transaction.atomic():
            user.save(update_fields=["password"])
            note(Hand(by=user, clock=_CLOCK), "password changed", user)

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        del message_context
        text = message or notice(_stem(message_template or ""))
        if text:
            messages.add_message(request, level, text, extra_tags=extra_tags)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: Account,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell its owner what was done to an account; allauth calls this for each change."""
        del context, email
        if user.email:
            with override(user.language):
                told = {
                    "account": user,
                    "what": notice(_stem(template_prefix)),
                    "address": self.request.get_host(),
                }
                send(
                    user.email,
                    _("Your MIDAS account was changed"),
                    render_to_string("mail/changed.txt", told),
                )

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send the one other mail that is used: the link that sets a new password."""
        account = context["user"]
        with override(account.language):
            told = {
                "account": account,
                "link": context["password_reset_url"],
                "address": self.request.get_host(),
            }
            send(email, _("Set a new password for MIDAS"), render_to_string("mail/reset.txt", told))


class Factors(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors. What an authenticator app shares with the hub is kept encrypted with the hub's own key."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": lazily("This code is not right, or it has been used."),
        "cannot_generate_recovery_codes": lazily("There are no recovery codes without a second factor."),
    }

    def get_totp_label(self, user: Account) -> str:
        return str(user.username)

    def _get_user_identifier(self, user: Account) -> str:
        return str(user.username)

    def encrypt(self, text: str) -> str:
        return str(_box().encrypt(text.encode()).decode())

    def decrypt(self, encrypted_text: str) -> str:
        return str(_box().decrypt(encrypted_text.encode()).decode())

    def generate_authenticator_name(self, user: Account, type: Any) -> str:
        return device_of(self.request.headers.get("User-Agent", "")) or _("Passkey")


class Providers(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """People who come from a provider."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find whose this is: known already, an account or an invitation with the verified address, or nobody's.

        What else the provider told is not kept.
        """
        sociallogin.account.extra_data = {}
        if sociallogin.is_existing:
            return
        account = self._meant(_verified(sociallogin))
        if account is None:
            raise ImmediateHttpResponse(_stranger(request, sociallogin))
        with transaction.atomic():
            sociallogin.connect(request, account)
            note(
                Hand(by=account, clock=_CLOCK),
                "provider added",
                account,
                provider=sociallogin.account.provider,
            )

    @staticmethod
    @transaction.atomic
    def _meant(email: str) -> Account | None:
        if not email:
            return None
        found = list(Account.objects.filter(email__iexact=email)[:2])
        if found:
            return found[0] if len(found) == 1 else None
        invitation = invitation_to(email, now=_CLOCK.now())
        if invitation is None:
            return None
        return accept(
            Hand(by=None, clock=_CLOCK), invitation=invitation, name=_free_name(email), password=None
        )

    def send_notification_mail(self, template_prefix: str, user: Account, **rest: Any) -> None:
        Accounts(self.request).send_notification_mail(template_prefix, user)


def _verified(sociallogin: SocialLogin) -> str:
    """Return the one address that the provider says it has verified, or ""."""
    told = {one.email.lower() for one in sociallogin.email_addresses if one.verified is True}
    return told.pop() if len(told) == 1 else ""


def _stranger(request: HttpRequest, sociallogin: SocialLogin) -> Any:
    from midas.web.pages.frame import page

    name = sociallogin.account.get_provider().name
    return page(request, "stranger", {"provider": name}, status=403)


def _free_name(email: str) -> str:
    """Return a user name made of an address's first part that no account has yet."""
    base = re.sub(r"[^\w.@+-]", "", email.partition("@")[0])[:60] or "person"
    name, number = base, 1
    while Account.objects.filter(username__iexact=name).exists():
        number += 1
        name = f"{base}-{number}"
    return name


def _stem(template: str) -> str:
    return template.rpartition("/")[2].removesuffix(".txt")


def _box() -> Any:
    import base64
    import hashlib

    from cryptography.fernet import Fernet

    key = hashlib.sha256(b"midas second factors\0" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
