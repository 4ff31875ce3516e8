"""The blinding proof: by no route of the hub does anybody learn what a reader said before it is settled.

Every route of the pages, the API and DICOMweb is asked with the credentials of another reader (signed in, and with a
key), of the adjudicator before their time, and of the curator who set the task. Two things are held:

1. no answer contains the UIDs, the digest or a word of the object that the reader drew;
2. no answer depends on the value that the reader chose: two worlds that differ in nothing else give the same answers.
"""

from __future__ import annotations

import importlib.util
import io
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pydicom
import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern
from tests.hub_submission import CLOCK
from tests.reading_ward import PASSWORD, Ward, outline

from midas.annotate import submit_reading
from midas.annotate.models import Reading, Task
from midas.catalogue.models import Instance
from midas.ledger.models import Deed, Entry
from midas.people import issue_token
from midas.web import standing
from midas.web.dicomweb import app
from midas.web.dicomweb.routes import ROUTES

pages = Path(__file__).parent / "test_annotate_pages.py"
spec = importlib.util.spec_from_file_location("annotate_pages", pages)
assert spec
assert spec.loader
annotate_pages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(annotate_pages)
hub = annotate_pages.hub

WORD = "MargeVonRavi"
"""Stands in what the reader drew and nowhere else."""
OTHERS = ("asha", "meera", "curator", "auditor", "admin", "researcher")
CHANGES = ("sign-out", "account/", "people", "curation/tasks/set")
"""Writes that would end the session or change who may what: nothing comes back from them."""


@dataclass(frozen=True)
class Secret:
    """What nobody else may see of the reader's work."""

    task: Task
    values: Task
    reading: Reading
    data: bytes

    @property
    def marks(self) -> list[bytes]:
        row = self.reading
        return [one.encode() for one in (row.sop_instance_uid, row.series_uid, row.sha256, WORD)]


def stored(hub: Ward, task: Task, who: str, data: bytes) -> Any:
    """Store an object by STOW-RS, as the viewer does."""
    body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + data + b"\r\n--b--\r\n"
    scope = asked(hub, who, "POST", f"/dicomweb/tasks/{task.pk}/studies")
    scope["headers"].append((b"content-type", b'multipart/related; type="application/dicom"; boundary=b'))
    entered = app._guarded(app.enter, scope)
    return app._with_body(entered, io.BytesIO(body)) if isinstance(entered, app.Entered) else entered


def asked(hub: Ward, who: str, method: str, path: str) -> dict[str, Any]:
    token = tokens(hub, who)
    headers = [(b"host", b"testserver"), (b"authorization", f"Bearer {token}".encode()), (b"accept", b"*/*")]
    return {
        "type": "http", "method": method, "path": path, "query_string": b"", "headers": headers, "scheme": "http",
        "server": ("testserver", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip


_tokens: dict[tuple[int, str], str] = {}


def tokens(hub: Ward, who: str) -> str:
    key = (id(hub), who)
    if key not in _tokens:
        _tokens[key] = issue_token(title="t", clock=CLOCK, account=hub.people[who])
    return _tokens[key]


@pytest.fixture
def secret(hub: Ward) -> Secret:
    """Ravi has drawn and submitted an outline, and chosen a value; nobody else has read anything."""
    from midas.people import add_account, give_role

    for who in OTHERS:
        if who not in hub.people:
            hub.people[who] = add_account(name=who, password=PASSWORD)
            give_role(account=hub.people[who], role=who)
    hub.cut(hub.draft())
    task, values = hub.task("lesion-outlines"), hub.task("impressions")
    ds = pydicom.dcmread(io.BytesIO(outline(hub.image_of(task, 1), rows=(3, 9))))
    ds.SegmentSequence[0].SegmentDescription = WORD
    out = io.BytesIO()
    ds.save_as(out)
    answer = stored(hub, task, "ravi", out.getvalue())
    assert answer.status == 200, answer.body
    submit_reading(
        assignment=hub.of("ravi", task, 1), by=hub.people["ravi"], store=hub.store, clock=hub.clock
    )
    reading = Reading.objects.get()
    return Secret(task, values, reading, b"".join(hub.store.read(reading.sha256)))


# -- every route -----------------------------------------------------------------------------------------------


def django_paths(secret: Secret) -> list[str]:
    """Fill the arguments of every route of Django with what might lead to the secret."""
    row = secret.reading
    image = Instance.objects.exclude(preview="").first()
    assert image
    study, subject = image.series.study.uid, row.assignment.item.subject.pseudonym
    numbers = [str(secret.task.pk), str(secret.values.pk), "1"]
    known = {
        "dataset": ["oral-cancer"], "version": ["1.0.0"], "task": numbers, "item": ["1", "2"], "number": ["1"],
        "sha256": [row.sha256, image.preview, image.sha256], "slug": ["spdc-wardha"], "root": ["0" * 64],
        "path": ["readings.parquet", f"data/{subject}/{study}/{row.series_uid}/{row.sop_instance_uid}.dcm"],
        "name": ["readings.parquet"], "study": [study], "subject": [subject],
    }  # fmt: skip
    guesses = ["1", "oral-cancer", row.sop_instance_uid]
    found: list[str] = []
    for route in routes(get_resolver("midas.web.urls")):
        names = re.findall(r"<(?:(\w+):)?(\w+)>", route)
        choices = [known.get(name) or (["1"] if kind == "int" else guesses) for kind, name in names]
        for chosen in itertools.product(*choices):
            filled = iter(chosen)
            found.append("/" + re.sub(r"<[^>]+>", lambda _: next(filled), route))  # noqa: B023 - used at once
    for kind, name in roots(secret):
        found += [f"/studies/{kind}/{name}", f"/viewer/{kind}/{name}", f"/viewer/{kind}/{name}/viewer"]
    return [*found, "/reset/1-none"]


BY_HAND = {"studies", "viewer", "account_reset_password_from_key"}


def routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
    """Yield every route as it is written; those with a regular expression are filled by hand (`django_paths`)."""
    for one in resolver.url_patterns:
        if not isinstance(one.pattern, RoutePattern):
            if isinstance(one, URLPattern):
                assert one.name in BY_HAND, f"fill the route {one.pattern} by hand"
                continue
            yield from routes(one, before)
        elif isinstance(one, URLResolver):
            yield from routes(one, f"{before}{one.pattern}")
        else:
            yield f"{before}{one.pattern}"


def roots(secret: Secret) -> list[tuple[str, str]]:
    others = [str(one.pk) for one in (secret.task, secret.values)]
    own = f"{secret.task.pk}-{secret.reading.assignment.reader_id}"
    return [
        *(("tasks", name) for name in (*others, own)), ("drafts", "oral-cancer"), ("releases", "oral-cancer@1.0.0"),
        ("twins", "oral-cancer@1.0.0"),
    ]  # fmt: skip


def dicomweb_paths(secret: Secret) -> list[str]:
    """Fill the arguments of every DICOMweb route, below every root."""
    row = secret.reading
    source = Instance.objects.get(series__study__uid=row.study_uid)
    known = {
        "study": [row.study_uid], "series": [row.series_uid, source.series.uid],
        "instance": [row.sop_instance_uid, source.sop_instance_uid], "frames": ["1"], "path": ["7FE00010"],
    }  # fmt: skip
    found = []
    for kind, name in roots(secret):
        for route in ROUTES:
            plain, names = without_groups(route.path)
            paths = (plain.format(*one) for one in itertools.product(*(known[name] for name in names)))
            found += [f"/dicomweb/{kind}/{name}{path}".replace("/?", "/") for path in paths]
    return sorted(set(found))


def without_groups(pattern: str) -> tuple[str, list[str]]:
    """Return a path with `{}` for each named group, and the groups' names."""
    names: list[str] = []
    while (start := pattern.find("(?P<")) >= 0:
        depth, end = 0, start
        for end in range(start, len(pattern)):
            depth += {"(": 1, ")": -1}.get(pattern[end], 0)
            if depth == 0:
                break
        names.append(pattern[start + 4 : pattern.index(">", start)])
        pattern = f"{pattern[:start]}\0{pattern[end + 1 :]}"
    return pattern.replace("\0", "{}"), names


# -- asking ----------------------------------------------------------------------------------------------------


def answers(hub: Ward, who: str, secret: Secret) -> Iterator[tuple[str, bytes]]:
    """Ask every route as `who`, signed in and with a key; yield how it was asked and all that came back."""
    for path in django_paths(secret):
        for method, way, ask in ways(hub, who, path):
            with transaction.atomic():
                answer = ask(path)
                transaction.set_rollback(True)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            yield f"{who} {way} {method} {path}", str(answer.headers).encode() + body
    standing.forget()
    for path in dicomweb_paths(secret):
        answer = app.answered(asked(hub, who, "GET", path))
        body = answer.body
        whole = (
            body.read_bytes()
            if isinstance(body, Path)
            else body
            if isinstance(body, bytes)
            else b"".join(body)
        )
        yield f"{who} GET {path}", str(answer.headers).encode() + whole


def ways(hub: Ward, who: str, path: str) -> Iterator[tuple[str, str, Callable[[str], Any]]]:
    """Yield the ways to ask: pages signed in, the API with a key, reading and writing."""
    program = path.startswith("/api/")
    client = Client(raise_request_exception=False)
    if not program:
        client.force_login(hub.people[who])
    key = {"authorization": f"Bearer {tokens(hub, who)}"} if program else {}
    yield "get", "with a key" if program else "signed in", partial(client.get, headers=key)
    if not path.strip("/").startswith(CHANGES) and not path.endswith("/end"):
        yield "post", "with a key" if program else "signed in", partial(client.post, headers=key)


def read_now(answer: bytes) -> bytes:
    """Take out what differs in any two answers: tokens of forms, and ages of cookies."""
    answer = re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"', b"", answer)
    answer = re.sub(rb"(csrf|session)[^;]*;?", b"", answer)
    return re.sub(rb"\d\d:\d\d(:\d\d)?", b"", answer)


@pytest.fixture(autouse=True)
def nothing_goes_on_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cuts and looks at gates run in threads that outlive an answer, and would change the next one's."""
    monkeypatch.setattr("midas.web.pages.cutting.start", lambda *_, **__: False)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("who", OTHERS)
def test_no_route_shows_what_a_reader_drew(hub: Ward, secret: Secret, who: str) -> None:
    tokens(hub, who)
    told = 0
    for how, answer in answers(hub, who, secret):
        told += 1
        # a page that says "not found" or leads to sign-in may repeat the address that was asked for
        echoed = [mark for mark in secret.marks if mark.decode() in how]
        for mark in secret.marks:
            assert mark not in answer or mark in echoed, how
        assert secret.data[600:] not in answer, how
    assert told > 250


@pytest.mark.timeout(600)
@pytest.mark.parametrize("who", ["asha", "meera", "curator"])
def test_no_answer_depends_on_what_a_reader_chose(hub: Ward, secret: Secret, who: str) -> None:
    tokens(hub, who)
    worlds = []
    for value in ("opmd", "malignant"):
        with transaction.atomic():
            hub.read("ravi", secret.values, 1, value)
            worlds.append({how: read_now(answer) for how, answer in answers(hub, who, secret)})
            transaction.set_rollback(True)
    assert worlds[0].keys() == worlds[1].keys()
    differ = [how for how, answer in worlds[0].items() if answer != worlds[1][how]]
    # the head of the ledger is a digest over moments too; no row of a reading holds its value
    assert [how for how in differ if "/ledger/head" not in how] == []
    assert "opmd" not in str(list(Entry.objects.filter(deed=Deed.READ).values()))


def test_the_reader_sees_their_own_and_the_adjudicator_both_in_time(hub: Ward, secret: Secret) -> None:
    """The proof would pass on a hub that shows nothing to anybody: so who may see it, sees it by the same questions."""
    row = secret.reading
    where = f"/dicomweb/tasks/{secret.task.pk}/studies/{row.study_uid}/instances"

    def seen(who: str) -> bool:
        standing.forget()
        answer = app.answered(asked(hub, who, "GET", where))
        return row.sop_instance_uid.encode() in (
            answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
        )

    assert {who: seen(who) for who in ("ravi", "asha", "meera", "curator")} == {
        "ravi": True, "asha": False, "meera": False, "curator": False,
    }  # fmt: skip
    hub.read("asha", secret.task, 1, data=outline(hub.image_of(secret.task, 1), rows=(12, 15)))
    assert {who: seen(who) for who in ("ravi", "asha", "meera", "curator")} == {
        "ravi": True, "asha": False, "meera": True, "curator": False,
    }  # fmt: skip
    hub.settle(secret.task, 1, row)
    assert not seen("asha")
