"""Coming in by invitation: an administrator's link or, where registration is open, one mailed to an address that answers.

In come a key and the name and password that a person chose; out goes an account with what it was invited for. Whether
an address has an account is told to nobody but its owner.
"""

from __future__ import annotations

from allauth.core.internal import ratelimit
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from midas.kernel import Conflict, Forbidden, MidasError, SystemClock
from midas.people.invitations import standing_invitation
from midas.people.rule import Act
from midas.web.bootstrap import current_home
from midas.web.guard import needs
from midas.web.identity.adapters import send
from midas.web.identity.deeds import Hand, accept, invite
from midas.web.pages.frame import page

CLOCK = SystemClock()


@needs(Act.SIGN_IN)
def ask(request: HttpRequest) -> HttpResponseBase:
    """Where registration is open, mail an invitation to the address; the answer is the same for every address."""
    config = current_home().config
    if config.registration != "open":
        raise Forbidden(
            "This hub is joined by invitation.", advice="Ask an administrator of the hub for one."
        )
    if request.method != "POST":
        return page(request, "join_ask")
    if not ratelimit.consume(request, app="allauth.account", action="reset_password", key="join"):
        return render(request, "429.html", status=429)
    email = request.POST.get("email", "").strip()[:254]
    try:
        validate_email(email)
    except ValidationError:
        return page(
            request, "join_ask", {"problem": _("This is not an e-mail address."), "email": email}, status=400
        )
    with transaction.atomic():
        mail_invitation(request, email, days=config.invitation_days)
    return page(request, "join_ask", {"sent": True})


def mail_invitation(request: HttpRequest, email: str, *, days: int) -> None:
    """Mail a link to an address, or to its owner that there is an account already."""
    told = {
        "address": request.get_host(),
        "days": days,
        "link": request.build_absolute_uri(reverse("account_login")),
    }
    try:
        key = invite(Hand(by=None, who="registration"), email=email, days=days)
        told["link"] = request.build_absolute_uri(reverse("join", args=[key]))
        send(email, _("Your invitation to MIDAS"), render_to_string("mail/invited.txt", told))
    except Conflict:
        send(email, _("You have a MIDAS account"), render_to_string("mail/known.txt", told))


@needs(Act.SIGN_IN)
@sensitive_post_parameters("password")
def join(request: HttpRequest, key: str) -> HttpResponse:
    """Make the account that a link invites to."""
    invitation = standing_invitation(key, now=CLOCK.now())
    told = {name: request.POST.get(name, "").strip() for name in ("username", "full_name")}
    if request.method != "POST":
        return page(request, "join", {"invitation": invitation})
    try:
        accept(
            Hand(by=None, clock=CLOCK), invitation=invitation, name=told["username"][:150],
            password=request.POST.get("password", ""), full_name=told["full_name"], language=get_language() or "en",
        )  # fmt: skip
    except MidasError as error:
        return page(request, "join", {"invitation": invitation, "problem": str(error), **told}, status=400)
    messages.success(request, _("Your account is ready. Sign in with the name and password that you chose."))
    return HttpResponseRedirect(reverse("account_login"))
