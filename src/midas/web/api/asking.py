"""Questions in SQL over a release's tables, for programs. The same rule and the same cell as on the page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from midas.people.rule import Act, download_of
from midas.release import look
from midas.web import answers
from midas.web.api.describe import body_of, operation
from midas.web.guard import Caller, Place, needs
from midas.web.pages.exploring import answered
from midas.wire.v1 import Question, Rows


def _what(request: HttpRequest, dataset: str, version: str) -> Place:
    caller: Caller = request.caller  # type: ignore[attr-defined]
    act = download_of(look.release(dataset, version).access)
    if not caller.may(act, dataset, version) and caller.may(Act.DRAFT, dataset):
        return Act.DRAFT, dataset
    return act, dataset, version


@operation("POST", "Ask one SELECT over a release's tables", gives=Rows, takes=Question)
@needs(Act.DOWNLOAD_OPEN, Act.DOWNLOAD, Act.DRAFT, choose=_what)
def question(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    release, caller = look.release(dataset, version), request.caller  # type: ignore[attr-defined]
    found = answered(sql=body_of(Question, request).sql, release=release, account=caller.account)
    return answers.wire(Rows(columns=found.columns, types=found.types, rows=found.rows, more=found.more))
