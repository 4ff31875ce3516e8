"""allauth's views in this hub's frame: each with the act that it needs, its own address and the menus of every page.

Where a page changes an account, the change and its row of the ledger are one transaction. Signing in is not wrapped: a
password takes a while to check, and the database must not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as factors
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from allauth.socialaccount import views as social
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from midas.people.rule import Act
from midas.web.bootstrap import current_home
from midas.web.guard import needs
from midas.web.identity.deeds import Hand, note
from midas.web.pages.frame import account_of, around
from midas.web.throttle import is_throttled

View = Callable[..., HttpResponseBase]


def framed(view: Any, act: Act, *, guards: bool = False) -> View:
    """Return an allauth view that declares `act` and knows what stands around every page.

    With `guards`, what it does to second factors is written down in its own transaction.
    """

    class Framed(view):  # type: ignore[misc]
        def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
            return {**around(self.request), **super().get_context_data(**kwargs)}

    Framed.__name__ = view.__name__
    shown: View = Framed.as_view()
    return needs(act)(_one_transaction(_written_down(shown) if guards else shown))


def _written_down(view: View) -> View:
    @wraps(view)
    def watched(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        before, answer = _factors(request), view(request, *args, **kwargs)
        after, hand = _factors(request), Hand(by=account_of(request))
        for factor in sorted({*before, *after}):
            if before.get(factor) != after.get(factor):
                done = "added" if factor not in before else "made anew" if factor in after else "removed"
                note(hand, f"{factor[0]} {done}", hand.by)
        return answer

    return watched


def _factors(request: HttpRequest) -> dict[tuple[str, int], str]:
    mine = Authenticator.objects.filter(user_id=request.user.pk)
    return {(one.type, one.pk): str(one.data) for one in mine}


def _one_transaction(view: View) -> View:
    @wraps(view)
    def whole(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        with transaction.atomic():
            return view(request, *args, **kwargs)

    return whole


class _SignIn(account.LoginView):  # type: ignore[misc]
    """The one page to sign in at. A wrong name and a wrong password look the same."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        config = current_home().config
        more = {"providers": config.oidc, "open": config.registration == "open"}
        return {**around(self.request), **super().get_context_data(**kwargs), **more}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_throttled(request, request.POST.get("username", "").strip()[:150]):
            return render(request, "429.html", status=429)
        answer: HttpResponseBase = super().post(request, *args, **kwargs)
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_invalid(form)
        answer.status_code = 400
        return answer


class _Reset(account.PasswordResetView):  # type: ignore[misc]
    """Ask for a link by mail. Where the hub sends none, an administrator hands one over."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **around(self.request),
            **super().get_context_data(**kwargs),
            "mail": current_home().config.mail,
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if current_home().config.mail is None:
            asked: HttpResponseBase = self.get(request, *args, **kwargs)
            return asked
        answer: HttpResponseBase = super().post(request, *args, **kwargs)
        return answer


@needs(Act.SIGN_IN)
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    from allauth.account.adapter import get_adapter
    from allauth.account.internal.stagekit import clear_login

    clear_login(request)
    get_adapter(request).logout(request)
    return HttpResponseRedirect("/")


@needs(Act.SIGN_IN)
def with_provider(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Go to a provider, from this site's own page only: another site must not sign anybody in (Fetch Metadata)."""
    if request.GET.get("process", "login") != "login":
        raise Http404
    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        return HttpResponseRedirect(reverse("account_login"))
    answer: HttpResponseBase = oidc.login(request, provider_id=provider_id)
    return answer


@needs(Act.SIGN_IN)
def back_from_provider(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    answer: HttpResponseBase = oidc.callback(request, provider_id=provider_id)
    return answer


sign_in = needs(Act.SIGN_IN)(_SignIn.as_view())
second_step = framed(factors.AuthenticateView, Act.SIGN_IN)
with_passkey = framed(passkeys.LoginWebAuthnView, Act.SIGN_IN)
closed = framed(account.AccountInactiveView, Act.SIGN_IN)
cancelled = framed(social.LoginCancelledView, Act.SIGN_IN)
refused = framed(social.LoginErrorView, Act.SIGN_IN)
reset = needs(Act.SIGN_IN)(_one_transaction(_Reset.as_view()))
reset_sent = framed(account.PasswordResetDoneView, Act.SIGN_IN)
reset_link = framed(account.PasswordResetFromKeyView, Act.SIGN_IN)
reset_done = framed(account.PasswordResetFromKeyDoneView, Act.SIGN_IN)
confirm = framed(account.ReauthenticateView, Act.OWN_ACCOUNT)
confirm_code = framed(factors.ReauthenticateView, Act.OWN_ACCOUNT)
confirm_passkey = framed(passkeys.ReauthenticateWebAuthnView, Act.OWN_ACCOUNT)
password_change = framed(account.PasswordChangeView, Act.OWN_ACCOUNT)
password_set = framed(account.PasswordSetView, Act.OWN_ACCOUNT)
second_factors = framed(factors.IndexView, Act.OWN_ACCOUNT)
app_add = framed(totp.ActivateTOTPView, Act.OWN_ACCOUNT, guards=True)
app_remove = framed(totp.DeactivateTOTPView, Act.OWN_ACCOUNT, guards=True)
passkey_add = framed(passkeys.AddWebAuthnView, Act.OWN_ACCOUNT, guards=True)
passkey_remove = framed(passkeys.RemoveWebAuthnView, Act.OWN_ACCOUNT, guards=True)
codes_show = framed(codes.ViewRecoveryCodesView, Act.OWN_ACCOUNT)
codes_make = framed(codes.GenerateRecoveryCodesView, Act.OWN_ACCOUNT, guards=True)
