"""Look into a release's tables: choose subjects with live counts, save the choice, draft from it, ask in SQL.

All of it needs what downloading the release needs; who drafts releases of the dataset may too.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from midas.kernel import MidasError, NotFound, SystemClock, sha256_bytes
from midas.kernel.sheets import plain_cell
from midas.ledger import Deed, enter
from midas.people.models import Account
from midas.people.rule import Act, download_of
from midas.release import look, new_draft
from midas.release.asking import Answer, ask, tables
from midas.release.cohorts import PAIRS, TARGET, Counted, checked, count, save
from midas.release.models import Cohort, Release
from midas.web.bootstrap import store
from midas.web.guard import Place, needs
from midas.web.pages.frame import account_of, page
from midas.web.pages.protocols import protocol_of, said
from midas.web.standing import may

SHOWN = 200
"""Rows on the page; the file has as many as a question may have."""


@dataclass(frozen=True)
class Choice:
    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Facet:
    name: str
    title: str
    choices: tuple[Choice, ...]


def _release(dataset: str, version: str) -> Release:
    try:
        return look.release(dataset, version)
    except NotFound:
        raise Http404 from None


def _what(request: HttpRequest, dataset: str, version: str, number: int = 0) -> Place:
    del number
    act = download_of(_release(dataset, version).access)
    if not may(account_of(request), act, dataset, version) and may(account_of(request), Act.DRAFT, dataset):
        return Act.DRAFT, dataset
    return act, dataset, version


allowed = needs(Act.DOWNLOAD_OPEN, Act.DOWNLOAD, Act.DRAFT, choose=_what)


def _chosen(values: Any) -> dict[str, tuple[str, ...]]:
    names = [name for name in values if name in PAIRS or name.startswith(TARGET)]
    return checked({name: values.getlist(name) for name in names})


def _facets(counted: Counted, chosen: dict[str, tuple[str, ...]], release: Release) -> list[Facet]:
    protocol = protocol_of(release.draft.protocol)
    titles = {
        "sex": _("Sex"), "age": _("Age"), "spoke": _("Hospital"), "modality": _("Modality"), "item": _("Kind of image"),
        "site": _("Site"), "device": _("Device"), "part": _("Part of the split"),
    } | {f"{TARGET}{one.id}": said(one.title) for one in protocol.targets}  # fmt: skip
    words = {"F": _("Female"), "M": _("Male"), "O": _("Other"), "U": _("Not known")}
    items = {one.id: said(one.title) for one in protocol.items}
    by: dict[str, list[Choice]] = {}
    for one in counted.counts:
        label = words.get(one.value, one.value) if one.dimension == "sex" else items.get(one.value, one.value)
        picked = one.value in chosen.get(one.dimension, ())
        by.setdefault(one.dimension, []).append(Choice(one.value, label, one.subjects, picked))
    order = [*PAIRS, *sorted(name for name in by if name.startswith(TARGET))]
    return [
        Facet(name, titles.get(name, name.removeprefix(TARGET)), tuple(by[name]))
        for name in order
        if name in by
    ]


@allowed
def explore(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    """Show who fits the choice in the query; the form asks for itself again at each change."""
    release, account = _release(dataset, version), account_of(request)
    chosen = _chosen(request.GET)
    counted = count(release=release, chosen=chosen, store=store())
    context = {
        "dataset": dataset, "version": version, "title": release.summary["title"], "counted": counted,
        "facets": _facets(counted, chosen, release), "filtered": bool(chosen), "query": request.GET.urlencode(),
        "cohorts": [_line(one) for one in Cohort.objects.filter(account=account, release=release).order_by("-saved_at")],
        "may_draft": may(account, Act.DRAFT, dataset), "today": SystemClock().now().date().isoformat(),
    }  # fmt: skip
    return page(request, "explore", context, section="catalogue")


def _line(one: Cohort) -> dict[str, Any]:
    from django.http import QueryDict

    query = QueryDict(mutable=True)
    for name, values in one.chosen.items():
        query.setlist(name, values)
    said_of = "; ".join(
        f"{name.removeprefix(TARGET)}: {', '.join(values)}" for name, values in one.chosen.items()
    )
    return {
        "pk": one.pk, "name": one.name, "subjects": one.subjects, "saved_at": one.saved_at, "query": query.urlencode(),
        "words": said_of or _("everyone"),
    }  # fmt: skip


@allowed
@require_POST
def cohort_save(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    release, account = _release(dataset, version), account_of(request)
    back = f"{reverse('hub:explore', args=[dataset, version])}?{request.GET.urlencode()}"
    assert account is not None  # noqa: S101 - `allowed` needs a person
    try:
        save(
            account=account, release=release, name=request.POST.get("name", ""), chosen=_chosen(request.GET),
            store=store(), clock=SystemClock(),
        )  # fmt: skip
        messages.success(request, _("The cohort is saved."))
    except MidasError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(back)


@allowed
@require_POST
def cohort_forget(request: HttpRequest, dataset: str, version: str, number: int) -> HttpResponse:
    """Delete an own cohort that no draft was made from."""
    mine = Cohort.objects.filter(
        pk=number, account=account_of(request), release=_release(dataset, version)
    ).first()
    if mine is None:
        raise Http404
    from midas.release.models import Draft

    if Draft.objects.filter(cohort=mine).exists():
        messages.error(request, _("A draft was made from this cohort, so it stays."))
    else:
        mine.delete()
        messages.success(request, _("The cohort is gone."))
    return HttpResponseRedirect(reverse("hub:explore", args=[dataset, version]))


@needs(Act.DRAFT, dataset="dataset")
@require_POST
def cohort_draft(request: HttpRequest, dataset: str, version: str, number: int) -> HttpResponse:
    """Draft the next version from a cohort: only its subjects go in."""
    release = _release(dataset, version)
    mine = Cohort.objects.filter(pk=number, account=account_of(request), release=release).first()
    if mine is None:
        raise Http404
    back = HttpResponseRedirect(reverse("hub:explore", args=[dataset, version]))
    try:
        made = new_draft(
            dataset=release.dataset, version=request.POST.get("version", "").strip(), by=account_of(request),
            clock=SystemClock(), published_on=date.fromisoformat(request.POST.get("published_on", "")),
            notes=_("Cohort “%(name)s” of version %(version)s.") % {"name": mine.name, "version": version}, cohort=mine,
        )  # fmt: skip
    except ValueError:
        messages.error(request, _("The publication date is not a date. Choose one and send the form again."))
        return back
    except MidasError as error:
        messages.error(request, str(error))
        return back
    return HttpResponseRedirect(reverse("hub:draft", args=[dataset, made.version]))


# -- questions -------------------------------------------------------------------------------------------------


def answered(*, sql: str, release: Release, account: Account) -> Answer:
    """Answer a question and write down that it was asked: of the words only their digest."""
    with transaction.atomic():
        enter(
            Deed.QUERY, by=account, clock=SystemClock(), dataset=release.dataset.slug, version=release.version,
            target=sha256_bytes(sql.encode()),
        )  # fmt: skip
    return ask(sql=sql, release=release, store=store())


@allowed
def question(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    """Take one SELECT and show its rows, or give them as a file."""
    release, account = _release(dataset, version), account_of(request)
    sql = request.POST.get("sql", "").strip()
    answer, wrong = None, ""
    if request.method == "POST" and sql and account is not None:
        try:
            answer = answered(sql=sql, release=release, account=account)
        except MidasError as error:
            wrong = str(error)
    if answer is not None and request.POST.get("as") == "csv":
        return _csv(answer, f"{dataset}-{version}.csv")
    context = {
        "dataset": dataset, "version": version, "title": release.summary["title"], "sql": sql, "answer": answer,
        "rows": answer.rows[:SHOWN] if answer else (), "cut": answer is not None and len(answer.rows) > SHOWN,
        "wrong": wrong, "tables": list(tables(release)),
        "example": "select sex, count(*) as people\nfrom subjects\ngroup by sex\norder by people desc",
    }  # fmt: skip
    return page(request, "question", context, section="catalogue", status=400 if wrong else 200)


def _csv(answer: Answer, name: str) -> HttpResponse:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([plain_cell(value) for value in row] for row in (answer.columns, *answer.rows))
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
