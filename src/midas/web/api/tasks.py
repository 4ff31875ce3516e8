"""Reading tasks for programs: set one, read one's own items, settle what readers differ on, ask how far they agree.

What is not settled is told to its own reader, and to its adjudicator once all readers submitted; to nobody else.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from midas.annotate import Setting, assignment_of, keep_reading, look, set_task, settle, submit_reading
from midas.annotate.models import Assignment, Reading, Settlement, Task
from midas.annotate.reading import latest, ripe
from midas.annotate.settling import readings_of
from midas.catalogue.models import Dataset
from midas.kernel import BadInput, NotFound, SystemClock
from midas.people.accounts import account_named
from midas.people.models import Account
from midas.people.rule import Act
from midas.web import answers
from midas.web.api.describe import body_of, operation, query_of
from midas.web.bootstrap import store
from midas.web.guard import ANYWHERE, Caller, needs
from midas.wire import v1

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_UIDS = 1000


def _caller(request: HttpRequest) -> Caller:
    return request.caller  # type: ignore[attr-defined, no-any-return]


def account_in(caller: Caller) -> Account:
    if caller.account is None:
        raise NotFound("There is no such reading task.", advice="See the list of tasks.")
    return caller.account


def of_dataset(act: Act) -> Any:
    """Choose `act` on the dataset of the task that the address names."""

    def choose(request: HttpRequest, *, task: int, **_: Any) -> tuple[Act, str]:
        del request
        return act, look.task(task).dataset.slug

    return choose


def _reader_or_setter(request: HttpRequest, *, task: int, **_: Any) -> tuple[Act, str]:
    """Reading is asked for, unless only setting tasks is allowed."""
    dataset = look.task(task).dataset.slug
    return (Act.SET_READING if _caller(request).may(Act.SET_READING, dataset) else Act.READ), dataset


def _card(task: Task, caller: Caller) -> v1.TaskCard:
    account = account_in(caller)
    mine = list(look.worklist(task.pk, account))
    told = None
    if caller.may(Act.SET_READING, task.dataset.slug):
        counted = look.progress(task.pk)
        told = v1.TaskProgress(**{name: getattr(counted, name) for name in v1.TaskProgress.model_fields})
    return v1.TaskCard(
        task=task.pk, dataset=task.dataset.slug, name=task.name, title=task.title["en"], target=task.target,
        kind=task.kind, level=task.level, values=tuple(task.values), ordinal=task.ordinal,
        instructions=task.instructions, readers_per_item=task.readers_per_item, adjudication=task.adjudication,
        agree_at=task.agree_at, closed=task.closed_at is not None, items=len(mine),
        done=sum(look.is_done(one) for one in mine), dicomweb=f"/dicomweb/tasks/{task.pk}", progress=told,
    )  # fmt: skip


@operation("GET", "Reading tasks in which you read, or that you may set", gives=v1.TaskList)
@needs(Act.READ, Act.SET_READING, choose=lambda request: (
    (Act.READ if _caller(request).may(Act.READ, ANYWHERE) else Act.SET_READING), ANYWHERE
))  # fmt: skip
def mine(request: HttpRequest) -> HttpResponse:
    caller = _caller(request)
    account = account_in(caller)
    found = {one.pk: one for one in look.tasks_for(account) if caller.may(Act.READ, one.dataset.slug)}
    slugs = [
        slug for slug in Dataset.objects.values_list("slug", flat=True) if caller.may(Act.SET_READING, slug)
    ]
    found |= {one.pk: one for one in look.tasks_of(slugs)}
    return answers.wire(
        v1.TaskList(tasks=tuple(_card(found[pk], caller) for pk in sorted(found, reverse=True)))
    )


@operation(
    "POST",
    "Set a reading task of the protocol",
    gives=v1.TaskCard,
    takes=v1.TaskSent,
    status=201,
    idempotent=True,
)
@needs(Act.SET_READING, dataset="dataset")
def set_one(request: HttpRequest, dataset: str) -> HttpResponse:
    sent = body_of(v1.TaskSent, request)
    where = Dataset.objects.filter(slug=dataset).first()
    if where is None:
        raise NotFound(f"There is no dataset {dataset}.", advice="See the list of datasets.")
    setting = Setting(
        annotation=sent.annotation, readers=[account_named(one) for one in sent.readers],
        adjudicators=[account_named(one) for one in sent.adjudicators], ordinal=sent.ordinal, agree_at=sent.agree_at,
        most=sent.most,
    )  # fmt: skip
    made = set_task(dataset=where, setting=setting, by=account_in(_caller(request)), clock=SystemClock())
    return answers.wire(_card(made, _caller(request)), status=201)


@operation("GET", "One reading task", gives=v1.TaskCard)
@needs(Act.READ, Act.SET_READING, choose=_reader_or_setter)
def card(request: HttpRequest, task: int) -> HttpResponse:
    found, caller = look.task(task), _caller(request)
    account = account_in(caller)
    if (
        not caller.may(Act.SET_READING, found.dataset.slug)
        and not look.tasks_for(account).filter(pk=task).exists()
    ):
        raise NotFound("There is no such reading task.", advice="See the list of tasks.")
    return answers.wire(_card(found, caller))


@operation("GET", "How far the readers of a task agree, over what is settled", gives=v1.AgreementAnswer)
@needs(Act.SET_READING, choose=of_dataset(Act.SET_READING))
def agreement(request: HttpRequest, task: int) -> HttpResponse:
    del request
    found = look.task(task)
    pairs = tuple(
        v1.PairLine(
            first=pair.first, second=pair.second,
            coefficients=tuple(
                v1.CoefficientLine(**{name: getattr(one, name) for name in v1.CoefficientLine.model_fields})
                for one in pair.coefficients
            ),
        )
        for pair in look.agreement(found, store())
    )  # fmt: skip
    return answers.wire(v1.AgreementAnswer(task=task, settled=look.progress(task).settled, pairs=pairs))


# -- readers ---------------------------------------------------------------------------------------------------


def _line(row: Assignment) -> v1.ReadingItem:
    kept = latest(row)
    shown = look.images(row.item).values_list("series__study__uid", "sop_instance_uid")[:MOST_UIDS]
    return v1.ReadingItem(
        task=row.item.task_id, item=row.item.number, role=row.role, subject=row.item.subject.pseudonym,
        study_uids=tuple(sorted({study for study, _ in shown})), sop_instance_uids=tuple(sop for _, sop in shown),
        value=kept.value if kept else None, object_uid=(kept.sop_instance_uid or None) if kept else None,
        revision=kept.revision if kept else 0, submitted=row.submitted_at is not None,
    )  # fmt: skip


@operation("GET", "Your items of a task, a page at a time", gives=v1.ReadingItemPage, query=v1.ItemQuery)
@needs(Act.READ, choose=of_dataset(Act.READ))
def items(request: HttpRequest, task: int) -> HttpResponse:
    asked = query_of(v1.ItemQuery, request)
    rows = look.worklist(task, account_in(_caller(request))).filter(item__number__gt=asked.after)[
        : asked.limit + 1
    ]
    lines = tuple(_line(row) for row in rows[: asked.limit])
    more = lines[-1].item if len(rows) > asked.limit else None
    return answers.wire(v1.ReadingItemPage(items=lines, next=more))


@operation("GET", "One of your items", gives=v1.ReadingItem)
@needs(Act.READ, choose=of_dataset(Act.READ))
def item(request: HttpRequest, task: int, item: int) -> HttpResponse:
    return answers.wire(_line(assignment_of(task_id=task, number=item, account=account_in(_caller(request)))))


@operation(
    "POST",
    "Keep a value, submit what is kept, or both",
    gives=v1.ReadingItem,
    takes=v1.ReadingSent,
    idempotent=True,
)
@needs(Act.READ, choose=of_dataset(Act.READ))
def read(request: HttpRequest, task: int, item: int) -> HttpResponse:
    sent, account, clock = body_of(v1.ReadingSent, request), account_in(_caller(request)), SystemClock()
    row = assignment_of(task_id=task, number=item, account=account)
    if sent.value is not None or not sent.submit:
        keep_reading(assignment=row, by=account, value=sent.value, clock=clock)
    if sent.submit:
        row = submit_reading(assignment=row, by=account, store=store(), clock=clock)
    return answers.wire(_line(row))


# -- adjudicators, and curators once it is settled -------------------------------------------------------------


def _said(row: Reading) -> dict[str, Any]:
    return {"value": row.value, "object_uid": row.sop_instance_uid or None}


def _settled(made: Settlement) -> v1.SettlementLine:
    return v1.SettlementLine(**_said(made.reading), how=made.how, agreement=made.agreement, why=made.why)


def _adjudicator_or_setter(request: HttpRequest, *, task: int, **_: Any) -> tuple[Act, str]:
    dataset = look.task(task).dataset.slug
    return (Act.SET_READING if _caller(request).may(Act.SET_READING, dataset) else Act.ADJUDICATE), dataset


@operation("GET", "What readers said of an item, and what stands", gives=v1.ItemSaid)
@needs(Act.ADJUDICATE, Act.SET_READING, choose=_adjudicator_or_setter)
def said(request: HttpRequest, task: int, item: int) -> HttpResponse:
    row, caller = look.item(task, item), _caller(request)
    made = look.outcome(row)
    may_see = made is not None and caller.may(Act.SET_READING, row.task.dataset.slug)
    if not may_see and not look.may_adjudicate(row, account_in(caller)):
        raise NotFound("Nothing can be told of this item yet.", advice="Come back when it is settled.")
    shown = zip(LETTERS, readings_of(row), strict=False)
    lines = tuple(v1.SaidLine(reader=letter, **_said(one)) for letter, one in shown)
    return answers.wire(
        v1.ItemSaid(task=task, item=item, readings=lines, settlement=_settled(made) if made else None)
    )


@operation(
    "POST", "Settle an item on which readers differ", gives=v1.SettlementLine, takes=v1.SettlementSent, status=201,
    idempotent=True,
)  # fmt: skip
@needs(Act.ADJUDICATE, choose=of_dataset(Act.ADJUDICATE))
def settle_one(request: HttpRequest, task: int, item: int) -> HttpResponse:
    sent, account = body_of(v1.SettlementSent, request), account_in(_caller(request))
    if sent.value is not None and sent.reading is not None:
        raise BadInput("Give a value or a reading, not both.", advice="Leave one of them out.")
    row = assignment_of(task_id=task, number=item, account=account)
    choice: str | float | Reading | None = sent.value
    if sent.reading is not None:
        choice = by_letter(row, sent.reading)
    made = settle(assignment=row, by=account, why=sent.why, store=store(), clock=SystemClock(), choice=choice)
    return answers.wire(_settled(made), status=201)


def by_letter(row: Assignment, letter: str) -> Reading:
    """Return the reading that an adjudicator was shown under a letter; `BadInput` where there is none."""
    shown = dict(zip(LETTERS, readings_of(row.item), strict=False)) if ripe(row) else {}
    if letter not in shown:
        raise BadInput("There is no such reading.", advice="Choose one of those that are shown.")
    return shown[letter]
