"""Credit: a page per hospital and per reader who chose to be named, certificates and what checks them, citations."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from midas.kernel import BrokenPromise, MidasError, NotFound, SystemClock
from midas.manifest import verify_signature
from midas.people.models import Account, Institution
from midas.people.rule import Act
from midas.release import credit as deeds
from midas.release import look
from midas.release.contributors import named
from midas.release.models import Certificate
from midas.web.bootstrap import address, signer
from midas.web.guard import ANYWHERE, needs
from midas.web.pages.datasets import title_of
from midas.web.pages.frame import account_of, page
from midas.web.standing import may_anywhere
from midas.wire.v1 import Signed


def _hospital(slug: str) -> Institution:
    found: Institution | None = Institution.objects.filter(slug=slug).first()
    if found is None:
        raise Http404
    return found


def _reader(number: int) -> Account:
    found: Account | None = Account.objects.filter(pk=number).first()
    if found is None or not named(found):
        raise Http404
    return found


def _credit(found: deeds.Credit) -> dict[str, Any]:
    return {
        "subjects": found.subjects, "images": found.images, "readings": found.readings,
        "releases": [
            {"slug": one.dataset.slug, "title": title_of(one.dataset.slug), "version": one.version, "cut_at": one.cut_at}
            for one in found.releases
        ],
        "citations": [
            {"title": one.title, "url": one.url, "release": f"{one.release.dataset.slug} {one.release.version}"}
            for one in found.citations
        ],
    }  # fmt: skip


@needs(Act.BROWSE)
def credit_hospital(request: HttpRequest, slug: str) -> HttpResponse:
    one = _hospital(slug)
    return page(request, "credit", {
        "who": {"name": one.name, "place": ", ".join(part for part in (one.city, one.state) if part),
                "identifier": one.ror, "hospital": slug},
        "credit": _credit(deeds.of_institution(one)), "years": deeds.years_of(one),
        "may_certify": may_anywhere(account_of(request), Act.SEE_SPOKE),
        "certify_url": reverse("hub:certify-hospital", args=[slug]),
    }, section="spokes")  # fmt: skip


@needs(Act.BROWSE)
def credit_reader(request: HttpRequest, number: int) -> HttpResponse:
    one, me = _reader(number), account_of(request)
    return page(request, "credit", {
        "who": {"name": one.full_name, "place": one.institution.name if one.institution else "",
                "identifier": f"https://orcid.org/{one.orcid}" if one.orcid else "", "hospital": ""},
        "credit": _credit(deeds.of_reader(one)), "years": deeds.years_of(one),
        "may_certify": me is not None and me.pk == one.pk, "certify_url": reverse("hub:certify-reader"),
    })  # fmt: skip


def _certify(request: HttpRequest, who: Institution | Account, back: str) -> HttpResponse:
    me: Any = account_of(request)
    try:
        made = deeds.certify(
            who=who, year=int(request.POST.get("year", "0") or 0), signer=signer(), clock=SystemClock(), by=me
        )
    except (MidasError, ValueError) as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(back)
    return HttpResponseRedirect(reverse("hub:credit-verify", args=[made.code]))


@needs(Act.SEE_SPOKE, dataset=ANYWHERE)
@require_POST
def certify_hospital(request: HttpRequest, slug: str) -> HttpResponse:
    return _certify(request, _hospital(slug), reverse("hub:credit-hospital", args=[slug]))


@needs(Act.OWN_ACCOUNT)
@require_POST
def certify_reader(request: HttpRequest) -> HttpResponse:
    me: Any = account_of(request)
    return _certify(request, me, reverse("hub:account"))


def _holds(found: Certificate) -> bool:
    """Say whether this hub's key signed the statement and its code is the right one."""
    signed = Signed.model_validate(found.signed)
    try:
        verify_signature(signed, trusted=signer().public_hex)
    except BrokenPromise:
        return False
    return deeds.code_of(signed.payload) == found.code


@needs(Act.BROWSE)
def credit_verify(request: HttpRequest, code: str) -> HttpResponse:
    """The certificate itself, as it prints, and whether its signature holds."""
    try:
        found = deeds.certificate(code)
    except NotFound:
        return page(request, "certificate", {"code": code[:40], "said": None}, status=404)
    said = json.loads(found.signed["payload"])
    if found.account is not None and not named(found.account):
        said["name"], said["identifier"] = "", ""
    return page(request, "certificate", {
        "code": found.code, "said": said, "holds": _holds(found), "key": found.signed["public_key"],
        "releases": said["releases"], "address": address(reverse("hub:credit-verify", args=[found.code])),
    })  # fmt: skip


@needs(Act.DRAFT, dataset="dataset")
@require_POST
def citation_add(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    me: Any = account_of(request)
    try:
        deeds.cite(
            release=look.release(dataset, version), url=request.POST.get("url", ""),
            title=request.POST.get("title", ""), by=me, clock=SystemClock(),
        )  # fmt: skip
        messages.success(request, _("The work is on the list."))
    except MidasError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("hub:release", args=[dataset, version]) + "#used")
