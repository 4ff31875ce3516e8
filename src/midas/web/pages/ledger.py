"""The ledger's pages: rows and exports for the auditor, a signed head for anyone, and what was noted about oneself."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from midas.catalogue.models import Dataset
from midas.kernel import SystemClock
from midas.ledger import Deed, enter, head
from midas.ledger.exporting import ndjson, sheet
from midas.ledger.models import Check, Head, Refusal, Waiting
from midas.ledger.reading import Page, Wanted, sealed
from midas.ledger.reading import page as rows_of
from midas.ledger.sealing import before_first, end
from midas.people.rule import Act
from midas.web import answers
from midas.web.bootstrap import signer
from midas.web.guard import needs
from midas.web.pages.frame import account_of, page

DAYS_SHOWN = 31
COUNTS_SHOWN = 20


def deed_titles() -> dict[str, str]:
    """Return every deed of the closed list in the reader's words."""
    return {
        "sign-in": _("signed in"), "sign-in-refused": _("was refused at sign-in"), "sign-out": _("signed out"),
        "account": _("changed an account"), "protocol": _("registered a protocol"), "submit": _("sent a submission"),
        "register": _("checked a submission"), "check": _("ran the quality checks"),
        "judge": _("decided on a finding"), "draft": _("drafted a release"), "cut": _("cut a release"),
        "withdraw": _("withdrew a subject"), "task": _("set a reading task"), "read": _("kept a reading"),
        "settle": _("settled a disagreement"), "ask": _("asked for access"),
        "credit": _("recorded a citation or issued a certificate"), "grant": _("gave access"),
        "decline": _("declined access"), "revoke": _("took access back"), "view": _("looked at a study"),
        "query": _("asked the tables"), "download": _("downloaded"), "denied": _("was denied"),
        "prune": _("pruned the ledger"), "assess": _("worked on an assessment"),
        "validate": _("decided about an assessment"), "pair": _("noted persons with the same picture"),
        "approve": _("approved a draft"), "rate": _("rated statements of a rubric"),
        "answer": _("answered a question about a finding"),
    }  # fmt: skip


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _wanted(request: HttpRequest) -> Wanted:
    asked = {name: request.GET.get(name, "").strip()[:150] for name in ("who", "deed", "dataset")}
    asked["deed"] = asked["deed"] if asked["deed"] in Deed.values else ""
    return Wanted(**asked, since=_day(request.GET.get("since", "")), until=_day(request.GET.get("until", "")))


def _lines(found: Page) -> list[dict[str, Any]]:
    titles = deed_titles()
    return [
        {
            "at": one.at, "who": one.who, "deed": one.deed, "title": titles.get(one.deed, one.deed),
            "dataset": one.dataset, "version": one.version, "target": one.target, "why": one.why,
            "details": [(name, value) for name, value in sorted(one.details.items()) if value not in ("", None)],
            "number": one.number, "digest": one.digest, "bad": one.deed in {Deed.DENIED, Deed.SIGN_IN_REFUSED},
        }
        for one in found.rows
    ]  # fmt: skip


@needs(Act.AUDIT)
@never_cache
def ledger(request: HttpRequest) -> HttpResponse:
    wanted, titles = _wanted(request), deed_titles()
    found = rows_of(wanted, before=request.GET.get("before", ""))
    number, digest = end()
    counts = Refusal.objects.order_by("-hour", "-times")[:COUNTS_SHOWN]
    query = request.GET.copy()
    query.pop("before", None)
    context = {
        "rows": _lines(found), "older": found.older, "is_newest": "before" not in request.GET,
        "wanted": wanted, "filtered": wanted != Wanted(), "query": query.urlencode(),
        "deeds": [{"value": one, "title": titles[one]} for one in Deed.values],
        "datasets": list(Dataset.objects.order_by("slug").values_list("slug", flat=True)),
        "number": number, "digest": digest, "waiting": Waiting.objects.count(), "pruned": before_first()[0],
        "check": Check.objects.order_by("-at").first(),
        "counts": [
            {"hour": one.hour, "who": one.who, "title": titles[one.deed], "act": one.act, "dataset": one.dataset,
             "times": one.times}
            for one in counts
        ] if not wanted.who and "before" not in request.GET else [],
    }  # fmt: skip
    return page(request, "ledger", context, section="ledger")


@needs(Act.AUDIT)
def export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Stream the linked rows that are asked for; that they went out is a row itself, written first."""
    if kind not in {"ndjson", "csv"}:
        raise Http404
    wanted, clock = _wanted(request), SystemClock()
    asked = {name: str(one) for name, one in vars(wanted).items() if one}
    enter(Deed.DOWNLOAD, by=account_of(request), clock=clock, target="ledger", form=kind, **asked)
    rows = sealed(wanted)
    if kind == "ndjson":
        lines = ndjson(rows, asked=asked, whole=wanted.by_day_only, signer=signer(), clock=clock)
    else:
        lines = sheet(rows)
    name = f"ledger-{timezone.localdate(clock.now()):%Y-%m-%d}.{kind}"
    return StreamingHttpResponse(
        answers.streamed(lines),
        content_type="application/x-ndjson" if kind == "ndjson" else "text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


@needs(Act.BROWSE)
@never_cache
def head_page(request: HttpRequest) -> HttpResponse:
    """Show the chain's end, signed now, and those of earlier days: whoever keeps one can hold it against a later chain."""
    signed = head(signer=signer(), clock=SystemClock())
    context = {
        "head": json.loads(signed.payload), "signed": signed,
        "kept": Head.objects.order_by("-day")[:DAYS_SHOWN],
        "address": request.build_absolute_uri(reverse("hub:ledger-head-json")),
    }  # fmt: skip
    return page(request, "ledger_head", context)


@needs(Act.BROWSE)
@never_cache
def head_json(request: HttpRequest) -> HttpResponse:
    """Return the signed head as it is now, or with `day=2026-11-22` the last one of that day."""
    if "day" not in request.GET:
        return answers.wire(head(signer=signer(), clock=SystemClock()))
    day = _day(request.GET["day"])
    kept = Head.objects.filter(day=day).first() if day else None
    if kept is None:
        raise Http404
    return answers.wire(kept.signed)


@needs(Act.OWN_ACCOUNT)
@never_cache
def noted(request: HttpRequest) -> HttpResponse:
    """Show a person what the hub noted of their own deeds, in the same words as the auditor sees them."""
    found = rows_of(Wanted(), by=account_of(request), before=request.GET.get("before", ""))
    context = {"rows": _lines(found), "older": found.older, "is_newest": "before" not in request.GET}
    return page(request, "noted", context)
