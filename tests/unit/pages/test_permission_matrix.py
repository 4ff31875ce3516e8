"""The matrix of permissions: the committed file, the code's declarations and a filled hub's real answers are one."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from midas.kernel import SystemClock
from midas.people.rule import Act

ROOT = Path(__file__).parents[3]
spec = importlib.util.spec_from_file_location("permission_matrix", ROOT / "tools" / "permission_matrix.py")
matrix = importlib.util.module_from_spec(spec)
sys.modules["permission_matrix"] = matrix
spec.loader.exec_module(matrix)


@dataclass(frozen=True)
class Example:
    """A real request to an address; who may do any of `acts` is let in. Without acts: the address's only one."""

    url: str
    acts: frozenset[Act] = frozenset()
    method: str = "get"
    told: dict[str, str] = field(default_factory=dict)
    shows: int = 0
    """A status that the address shows to whom it lets in, where that looks like a refusal."""


def get(url: str, *acts: Act) -> Example:
    return Example(url, frozenset(acts))


def post(url: str, *acts: Act, **told: str) -> Example:
    return Example(url, frozenset(acts), "post", told)


def of_the_tables(rest: str, make: Any) -> tuple[Example, ...]:
    """Return a page's requests about a release's tables: of an open one, and of one under a grant or by a curator."""
    return (
        make(f"/datasets/{OPEN}{rest}", Act.DOWNLOAD_OPEN), make(f"/datasets/{HELD}{rest}", Act.DOWNLOAD, Act.DRAFT),
    )  # fmt: skip


OPEN, HELD = "oral-cancer/releases/1.0.0", "oral-cancer/releases/1.1.0"
OPEN_API, HELD_API = "/api/v1/releases/oral-cancer@1.0.0", "/api/v1/releases/oral-cancer@1.1.0"
ROOT_OF_NONE = "0" * 64


def of_a_release(rest: str) -> tuple[Example, ...]:
    """Return the requests of an API address that a twin, an open and a controlled release answer differently."""
    return (
        get(f"{HELD_API}{rest}?twin=1", Act.GET_TWIN), get(f"{OPEN_API}{rest}", Act.DOWNLOAD_OPEN),
        get(f"{HELD_API}{rest}", Act.DOWNLOAD),
    )  # fmt: skip


def of_the_places(before: str) -> tuple[Example, ...]:
    """Return the requests for studies of a twin, an open release, one under a grant, and a draft."""
    return (
        get(f"{before}/twins/oral-cancer@1.1.0", Act.GET_TWIN),
        get(f"{before}/releases/oral-cancer@1.0.0", Act.DOWNLOAD_OPEN),
        get(f"{before}/releases/oral-cancer@1.1.0", Act.DOWNLOAD),
        get(f"{before}/drafts/oral-cancer", Act.READ_DATASET),
    )


# Each address of the matrix → requests that ask for each of its acts. A new address needs an entry here.
EXAMPLES: dict[str, tuple[Example, ...]] = {
    "/api/v1/openapi.json": (get("/api/v1/openapi.json"),),
    "/api/v1/datasets": (get("/api/v1/datasets"),),
    "/api/v1/datasets/{dataset}": (get("/api/v1/datasets/oral-cancer"),),
    "/api/v1/releases/{dataset}@{version}": (get(HELD_API),),
    "/api/v1/releases/{dataset}@{version}/seal": of_a_release("/seal"),
    "/api/v1/releases/{dataset}@{version}/tree": of_a_release("/tree"),
    "/api/v1/releases/{dataset}@{version}/files/{name}": of_a_release("/files/manifest.parquet"),
    "/api/v1/releases/{dataset}@{version}/question": (
        post(f"{OPEN_API}/question", Act.DOWNLOAD_OPEN), post(f"{HELD_API}/question", Act.DOWNLOAD, Act.DRAFT),
    ),
    "/api/v1/datasets/{dataset}/coverage": (get("/api/v1/datasets/oral-cancer/coverage"),),
    "/api/v1/asked": (get("/api/v1/asked"),),
    "/api/v1/asked/{number}/answer": (post("/api/v1/asked/1/answer"),),
    "/api/v1/blobs/missing": (post("/api/v1/blobs/missing"),),
    "/api/v1/blobs/{sha256}": (Example(f"/api/v1/blobs/{ROOT_OF_NONE}", method="put"),),
    "/api/v1/submissions": (post("/api/v1/submissions"),),
    "/api/v1/submissions/{root}": (get(f"/api/v1/submissions/{ROOT_OF_NONE}"),),
    "/sign-in": (get("/sign-in"), post("/sign-in", username="x", password="y")),
    "/sign-in/second": (get("/sign-in/second"),),
    "/sign-in/passkey": (get("/sign-in/passkey"),),
    "/sign-in/closed": (get("/sign-in/closed"),),
    "/sign-in/cancelled": (get("/sign-in/cancelled"),),
    "/sign-in/refused": (Example("/sign-in/refused", shows=401),),
    "/sign-in/with/{provider_id}": (get("/sign-in/with/none"),),
    "/sign-in/with/{provider_id}/back": (get("/sign-in/with/none/back"),),
    "/sign-out": (post("/sign-out"),),
    "/join": (get("/join"),),
    "/join/{key}": (get("/join/none"),),
    "/reset": (get("/reset"), post("/reset", email="nobody@example.org")),
    "/reset/sent": (get("/reset/sent"),),
    "/reset/done": (get("/reset/done"),),
    "/reset/{uidb36}-{key}": (get("/reset/1-none"),),
    "/account/confirm": (get("/account/confirm"),),
    "/account/confirm/code": (get("/account/confirm/code"),),
    "/account/confirm/passkey": (get("/account/confirm/passkey"),),
    "/account/password": (get("/account/password"),),
    "/account/password/first": (get("/account/password/first"),),
    "/account/second": (get("/account/second"),),
    "/account/second/app": (get("/account/second/app"),),
    "/account/second/app/remove": (get("/account/second/app/remove"),),
    "/account/second/passkeys": (get("/account/second/passkeys"),),
    "/account/second/passkeys/add": (get("/account/second/passkeys/add"),),
    "/account/second/passkeys/{pk}/remove": (get("/account/second/passkeys/0/remove"),),
    "/account/second/codes": (get("/account/second/codes"),),
    "/account/second/codes/make": (get("/account/second/codes/make"),),
    "/": (get("/"),),
    "/programs": (get("/programs"),),
    "/preferences": (post("/preferences"),),
    "/datasets": (get("/datasets"),),
    "/datasets/{dataset}": (get("/datasets/oral-cancer"),),
    "/datasets/{dataset}/releases/{version}": (get(f"/datasets/{HELD}"),),
    "/datasets/{dataset}/releases/{version}/files/{path}": (
        get(f"/datasets/{OPEN}/files/manifest.parquet", Act.DOWNLOAD_OPEN),
        get(f"/datasets/{HELD}/files/manifest.parquet", Act.DOWNLOAD),
    ),
    "/datasets/{dataset}/releases/{version}/explore": of_the_tables("/explore", get),
    "/datasets/{dataset}/releases/{version}/explore/save": of_the_tables("/explore/save", post),
    "/datasets/{dataset}/releases/{version}/explore/{number}/forget": of_the_tables("/explore/0/forget", post),
    "/datasets/{dataset}/releases/{version}/explore/{number}/draft": (post(f"/datasets/{HELD}/explore/0/draft"),),
    "/datasets/{dataset}/releases/{version}/question": of_the_tables("/question", get),
    "/datasets/{dataset}/releases/{version}/papers/{path}": (
        get(f"/datasets/{HELD}/papers/protocol.yaml", Act.BROWSE),
        get(f"/datasets/{HELD}/papers/DATASHEET.html", Act.DOWNLOAD, Act.DRAFT),
    ),
    "/datasets/{dataset}/releases/{version}/twin": (get(f"/datasets/{HELD}/twin"),),
    "/datasets/{dataset}/releases/{version}/twin/files/{path}": (get(f"/datasets/{HELD}/twin/files/manifest.parquet"),),
    "/datasets/{dataset}/releases/{version}/twin/papers/{path}": (get(f"/datasets/{HELD}/twin/papers/README.md"),),
    "/datasets/{dataset}/releases/{version}/twin/pictures/{sha256}": (
        get(f"/datasets/{HELD}/twin/pictures/{ROOT_OF_NONE}"),
    ),
    "/pictures/{sha256}": (
        get("/pictures/PREVIEW", Act.DOWNLOAD, Act.DRAFT),
    ),
    "/hospitals": (get("/hospitals"),),
    "/hospitals/{slug}": (get("/hospitals/spdc-wardha"),),
    "/account": (get("/account"),),
    "/account/credit": (post("/account/credit"),),
    "/account/sessions/end": (post("/account/sessions/end", number="none"),),
    "/account/keys": (post("/account/keys", title="x", scope="none"),),
    "/account/keys/{number}/revoke": (post("/account/keys/0/revoke"),),
    "/curation": (get("/curation"),),
    "/curation/submissions/{root}": (get(f"/curation/submissions/{ROOT_OF_NONE}"),),
    "/curation/drafts": (post("/curation/drafts"),),
    "/curation/drafts/{dataset}/{version}": (get("/curation/drafts/meningioma/1.0.0"),),
    "/curation/drafts/{dataset}/{version}/gates": (post("/curation/drafts/meningioma/1.0.0/gates"),),
    "/curation/drafts/{dataset}/{version}/approval": (post("/curation/drafts/meningioma/1.0.0/approval"),),
    "/curation/drafts/{dataset}/{version}/pair": (post("/curation/drafts/meningioma/1.0.0/pair"),),
    "/curation/drafts/{dataset}/{version}/progress": (get("/curation/drafts/meningioma/1.0.0/progress"),),
    "/people": (get("/people"),),
    "/people/invite": (post("/people/invite", role="none"),),
    "/people/add": (post("/people/add"),),
    "/people/roles/give": (post("/people/roles/give", account="none"),),
    "/people/roles/take": (post("/people/roles/take", account="none"),),
    "/people/{name}/account": (get("/people/visitor/account"),),
    "/people/{name}/place": (post("/people/none/place"),),
    "/people/{name}/state": (post("/people/none/state"),),
    "/people/{name}/reset": (post("/people/none/reset"),),
    "/people/{name}/factors": (post("/people/none/factors"),),
    "/people/{name}/keys": (post("/people/none/keys"),),
    "/datasets/{dataset}/releases/{version}/ask": (get(f"/datasets/{HELD}/ask"),),
    "/access": (get("/access"),),
    "/access/terms/{sha256}": (get(f"/access/terms/{ROOT_OF_NONE}"),),
    "/grants": (get("/grants"),),
    "/grants/{number}": (get("/grants/GRANT", Act.SEE_GRANTS), post("/grants/GRANT", Act.GRANT)),
    "/grants/requests/{number}": (get("/grants/requests/ASKED", Act.SEE_GRANTS), post("/grants/requests/ASKED", Act.GRANT)),
    "/account/noted": (get("/account/noted"),),
    "/ledger": (get("/ledger"),),
    "/ledger/export.{kind}": (get("/ledger/export.csv"),),
    "/ledger/head": (get("/ledger/head"),),
    "/ledger/head.json": (get("/ledger/head.json"),),
    "/api/v1/datasets/{dataset}/access": (get("/api/v1/datasets/oral-cancer/access"),),
    "/api/v1/access": (get("/api/v1/access"),),
    "/api/v1/releases/{dataset}@{version}/terms": (get(f"{HELD_API}/terms"),),
    "/api/v1/releases/{dataset}@{version}/requests": (post(f"{HELD_API}/requests"),),
    "/institutions": (get("/institutions"),),
    "/institutions/add": (post("/institutions/add"),),
    "/institutions/{slug}": (get("/institutions/spdc-wardha"),),
    "/institutions/{slug}/token": (post("/institutions/none/token"),),
    "/credit/hospitals/{slug}": (get("/credit/hospitals/spdc-wardha"),),
    "/credit/hospitals/{slug}/certificate": (post("/credit/hospitals/spdc-wardha/certificate"),),
    "/credit/readers/{number}": (get("/credit/readers/0"),),
    "/credit/certificate": (post("/credit/certificate"),),
    "/credit/verify/{code}": (get("/credit/verify/none"),),
    "/datasets/{dataset}/releases/{version}/citations": (post(f"/datasets/{HELD}/citations"),),
    "/datasets/{dataset}/croissant.json": (get("/datasets/oral-cancer/croissant.json"),),
    "/catalogue.jsonld": (get("/catalogue.jsonld"),),
    "/sitemap.xml": (get("/sitemap.xml"),),
    "/robots.txt": (get("/robots.txt"),),
    "/datasets/{dataset}/coverage": (get("/datasets/oral-cancer/coverage", Act.READ_DATASET, Act.SEE_SPOKE),),
    "/datasets/{dataset}/people": (get("/datasets/oral-cancer/people"),),
    "/datasets/{dataset}/people/{person}": (get("/datasets/oral-cancer/people/none"),),
    "/datasets/{dataset}/people/{person}/{study}": (get("/datasets/oral-cancer/people/none/1.2"),),
    "/datasets/{dataset}/releases/{version}/people": of_the_tables("/people", get),
    "/datasets/{dataset}/releases/{version}/people/{person}": of_the_tables("/people/none", get),
    "/datasets/{dataset}/releases/{version}/people/{person}/{study}": of_the_tables("/people/none/1.2", get),
    "/datasets/{dataset}/releases/{version}/tables/{dimension}.csv": (
        get(f"/datasets/{HELD}/tables/sex.csv", Act.BROWSE), *of_the_tables("/tables/sex.csv?exact=1", get),
    ),
    "/datasets/{dataset}/releases/{version}/tables/{dimension}.png": (
        get(f"/datasets/{HELD}/tables/sex.png", Act.BROWSE), *of_the_tables("/tables/sex.png?exact=1", get),
    ),
    "/studies/{kind}/{name}": of_the_places("/studies"),
    "/viewer/{kind}/{name}(?:/{rest})?": of_the_places("/viewer"),
    "/curation/tasks": (get("/curation/tasks"),),
    "/curation/tasks/set": (post("/curation/tasks/set"),),
    "/curation/tasks/{task}": (get("/curation/tasks/TASK"),),
    "/curation/tasks/{task}/end": (post("/curation/tasks/TASK/end"),),
    "/grading": (get("/grading", Act.ASSESS, Act.VALIDATE),),
    "/grading/open": (post("/grading/open"),),
    "/grading/{number}": (get("/grading/ASSESSMENT", Act.ASSESS, Act.VALIDATE),),
    "/grading/{number}/write": (
        post("/grading/ASSESSMENT/write", Act.ASSESS, what="x"),
        post("/grading/ASSESSMENT/write", Act.VALIDATE, what="validate"),
    ),
    "/grading/{number}/documents/{kind}": (get("/grading/ASSESSMENT/documents/x", Act.ASSESS, Act.VALIDATE),),
    "/grading/rubric": (get("/grading/rubric", Act.ASSESS, Act.VALIDATE),),
    "/grading/delphi": (get("/grading/delphi", Act.ASSESS, Act.VALIDATE),),
    "/grading/delphi/rate": (post("/grading/delphi/rate", Act.ASSESS, Act.VALIDATE),),
    "/grading/delphi/table": (post("/grading/delphi/table", Act.ASSESS, Act.VALIDATE),),
    "/grading/{number}/{form}.pdf": (get("/grading/ASSESSMENT/lite.pdf", Act.ASSESS, Act.VALIDATE),),
    "/grading/{number}/forms.json": (get("/grading/ASSESSMENT/forms.json", Act.ASSESS, Act.VALIDATE),),
    "/curation/quality": (get("/curation/quality"),),
    "/curation/quality/queue": (get("/curation/quality/queue"),),
    "/curation/quality/decide": (post("/curation/quality/decide"),),
    "/curation/quality/findings/{number}": (get("/curation/quality/findings/0"),),
    "/curation/quality/findings/{number}/correct": (post("/curation/quality/findings/0/correct"),),
    "/readings": (get("/readings"),),
    "/readings/{task}": (get("/readings/TASK"),),
    "/readings/{task}/{item}": (get("/readings/TASK/0"),),
    "/readings/{task}/{item}/pictures/{sha256}": (get(f"/readings/TASK/0/pictures/{ROOT_OF_NONE}"),),
    "/api/v1/datasets/{dataset}/tasks": (post("/api/v1/datasets/oral-cancer/tasks"),),
    "/api/v1/tasks": (get("/api/v1/tasks"),),
    "/api/v1/tasks/{task}": (get("/api/v1/tasks/TASK"),),
    "/api/v1/tasks/{task}/agreement": (get("/api/v1/tasks/TASK/agreement"),),
    "/api/v1/tasks/{task}/items": (get("/api/v1/tasks/TASK/items"),),
    "/api/v1/tasks/{task}/items/{item}": (get("/api/v1/tasks/TASK/items/0"),),
    "/api/v1/tasks/{task}/items/{item}/reading": (post("/api/v1/tasks/TASK/items/0/reading"),),
    "/api/v1/tasks/{task}/items/{item}/readings": (get("/api/v1/tasks/TASK/items/0/readings"),),
    "/api/v1/tasks/{task}/items/{item}/settlement": (post("/api/v1/tasks/TASK/items/0/settlement"),),
}  # fmt: skip
ASKED_ELSEWHERE = {
    "/studies/{kind}/{name}": {Act.READ, Act.SET_READING},
    "/viewer/{kind}/{name}(?:/{rest})?": {Act.READ, Act.SET_READING},
    "/pictures/{sha256}": {Act.BROWSE},
}
"""What needs a task with readers (the proof of blinding asks), or a dataset of open access (the tests of pictures do)."""


def test_the_committed_matrix_is_what_the_code_says(settings) -> None:
    settings.ROOT_URLCONF = "midas.web.urls"
    assert matrix.FILE.read_text("utf-8") == matrix.text(), "run python tools/permission_matrix.py"


def test_a_view_that_declares_nothing_is_an_error(monkeypatch) -> None:
    from django.urls import path

    from midas.web import urls

    monkeypatch.setattr(urls, "urlpatterns", [*urls.urlpatterns, path("secret", lambda request: None)])
    from django.urls import clear_url_caches

    clear_url_caches()
    try:
        with pytest.raises(TypeError, match="/secret"):
            matrix.rows()
    finally:
        monkeypatch.undo()
        clear_url_caches()


def test_each_address_and_act_has_a_request_that_asks_for_it() -> None:
    rows = [row for row in matrix.rows() if row.part != "DICOMweb"]
    assert {row.address for row in rows} == set(EXAMPLES)
    for address, examples in EXAMPLES.items():
        declared = {row.act for row in rows if row.address == address}
        asked = {act for one in examples for act in one.acts or declared}
        assert asked | ASKED_ELSEWHERE.get(address, set()) == declared, address


def _callers(store: Any) -> dict[str, tuple[Any, str]]:
    """Return an account and a key for each column of the matrix: without the grants that the gallery has given."""
    from midas.access.models import Grant
    from midas.access.terms import terms_of_release
    from midas.people.models import Account, Institution, Membership, Role
    from midas.people.tokens import issue_token
    from midas.release.models import Release

    clock, found = SystemClock(), {"nobody": (None, "")}
    for name in ("visitor", *Role.values, "grant"):
        account = Account.objects.create(username=f"matrix-{name}")
        if name in Role.values:
            Membership.objects.create(account=account, role=name)
        found[name] = (account, issue_token(title="t", clock=clock, account=account, scope=frozenset(Act)))
    spoke = Institution.objects.get(slug="spdc-wardha")
    found["spoke"] = (None, issue_token(title="t", clock=clock, spoke=spoke))
    held = Release.objects.get(dataset__slug="oral-cancer", version="1.1.0", twin=False)
    old = Grant.objects.filter(release=held).first()
    Grant.objects.create(
        account=found["grant"][0], release=held, purpose="HMB", terms=terms_of_release(held, store=store, clock=clock),
        given_by=old.given_by, given_at=clock.now(), why="matrix", expires_at=old.expires_at,
    )  # fmt: skip
    return found


def _task() -> Any:
    """Return a reading task of nobody's: who may read is let in and finds no item of their own."""
    from midas.annotate.models import Task
    from midas.catalogue.models import Dataset, ProtocolVersion
    from midas.people.models import Account

    dataset = Dataset.objects.get(slug="oral-cancer")
    return Task.objects.create(
        dataset=dataset, protocol=ProtocolVersion.objects.filter(dataset=dataset).first(), annotation="x", name="x",
        title={"en": "x"}, target="x", level="series", kind="category", values=["a", "b"], readers_per_item=2,
        adjudication="third-reader", set_by=Account.objects.get(username="curator"), set_at=SystemClock().now(),
    )  # fmt: skip


def _assessment() -> Any:
    """Return a Lite form that its centre submitted."""
    from midas.catalogue.models import Dataset
    from midas.grading import open_lite, submit
    from midas.people.models import Account

    by, clock = Account.objects.get(username="curator"), SystemClock()
    dataset = Dataset.objects.get(slug="oral-cancer")
    made = open_lite(dataset=dataset, version="9.9.9", evidence=[], by=by, clock=clock)
    return submit(assessment=made, by=by, clock=clock)


def _browser(account: Any) -> Client:
    client = Client(raise_request_exception=False)
    if account is not None:
        client.force_login(account)
    return client


def _let_in(name: str, token: str, client: Client, one: Example, real: dict[str, str]) -> bool:
    url = one.url
    for word, there in real.items():
        url = url.replace(word, there)
    headers = (
        {"authorization": f"Bearer {token}"} if token and (url.startswith("/api/") or name == "spoke") else {}
    )
    answer = getattr(client, one.method)(url, one.told, headers=headers)
    to_sign_in = answer.status_code == 302 and answer.headers["Location"].startswith("/sign-in?next=")
    return answer.status_code == one.shows or not (answer.status_code in {401, 403} or to_sign_in)


def _prepare(settings: Any) -> None:
    """Make release 1.0.0 open and all releases sealed, and let one address ask as often as a test does."""
    from midas.manifest import sign
    from midas.release.models import Release
    from midas.web import bootstrap

    home = settings.MIDAS_HUB
    told = {
        "registration": "open",
        "api_per_minute": 10**6,
        "api_per_minute_unknown": 10**6,
        "sign_in_tries": 10**6,
    }
    settings.MIDAS_HUB = home.model_copy(update={"config": home.config.model_copy(update=told)})
    signed = sign({"note": "of the test"}, bootstrap.signer())
    Release.objects.update(seal=signed.model_dump())
    Release.objects.filter(version="1.0.0", twin=False).update(access="open")


@pytest.mark.timeout(900)  # some 1,200 requests
def test_a_filled_hub_answers_as_the_matrix_says(hub, settings) -> None:
    from midas.access.models import Grant, Request
    from midas.catalogue.models import Instance
    from midas.web import bootstrap

    _prepare(settings)
    callers = _callers(bootstrap.store())
    here = Instance.objects.exclude(preview="").filter(series__study__subject__dataset__slug="oral-cancer")
    real = {
        "TASK": str(_task().pk), "PREVIEW": here.first().preview,
        "GRANT": str(Grant.objects.first().pk), "ASKED": str(Request.objects.first().pk),
        "ASSESSMENT": str(_assessment().pk),
    }  # fmt: skip
    declared: dict[str, set[Act]] = {}
    for row in matrix.rows():
        declared.setdefault(row.address, set()).add(row.act)
    wrong = []
    for name, (account, token) in callers.items():
        client = _browser(account)
        for address, examples in EXAMPLES.items():
            for one in examples:
                expected = any(matrix.may(name, act) for act in one.acts or declared[address])
                browser = _browser(account) if address == "/sign-out" else client
                if _let_in(name, token, browser, one, real) is not expected:
                    wrong.append((name, one.method, one.url, expected))
    assert wrong == [], "\n".join(map(str, wrong))


IMAGES = {
    ("releases", Act.DOWNLOAD_OPEN): "oral-cancer@1.0.0", ("releases", Act.DOWNLOAD): "oral-cancer@1.1.0",
    ("twins", Act.GET_TWIN): "oral-cancer@1.1.0", ("drafts", Act.READ_DATASET): "oral-cancer",
    ("drafts", Act.DRAFT): "oral-cancer",
}  # fmt: skip
"""The root that asks for an act. Roots of reading tasks are in the proof of blinding, which has tasks with readers."""
NAMED = {"study": "1.2", "series": "1.2.3", "instance": "1.2.3.4", "frames": "1", "path": "7FE00010"}


def test_images_of_a_filled_hub_are_open_as_the_matrix_says(hub, settings) -> None:
    from tests.scopes import ask

    from midas.web import bootstrap

    _prepare(settings)
    rows = [row for row in matrix.rows() if row.part == "DICOMweb" and "/tasks/" not in row.address]
    wrong = []
    for name, (_, token) in _callers(bootstrap.store()).items():
        for row in rows:
            method, _, address = row.address.partition(" ")
            root = IMAGES[address.split("/")[2], row.act]
            path = address.removeprefix("/dicomweb/").format(name=root, **NAMED)
            status = ask(path, token=token, method=method).status
            assert status < 500, (name, row.address)
            if (status not in {401, 403}) is not matrix.may(name, row.act):
                wrong.append((name, row.address, root, status))
    assert wrong == [], "\n".join(map(str, wrong))
