"""Every route of the hub says which act it needs, and what it answers to whom."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import given
from hypothesis import strategies as st
from tests.hub_submission import CLOCK, NOW, spoke_key, welcome

from midas.access import give
from midas.access.models import Grant
from midas.access.terms import terms_of
from midas.catalogue.models import Dataset, ProtocolVersion
from midas.kernel import FixedClock, SystemClock, sha256_bytes
from midas.people import Act, add_account, give_role, issue_token
from midas.people.models import Account, Role
from midas.release.models import Draft, Release, ReleaseFile
from midas.web.answers import asked_range
from midas.web.guard import Need, needs
from midas.web.home import HubConfig, HubHome, create, open_home

DATA = bytes(range(256)) * 9


def routes(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in resolver.url_patterns:
        where = f"{before}{one.pattern}"
        if isinstance(one, URLResolver):
            yield from routes(one, where)
        else:
            yield where, one


def test_every_route_declares_the_act_that_it_needs() -> None:
    found = dict(routes(get_resolver("midas.web.urls")))
    assert len(found) > 10
    undeclared = [
        path for path, route in found.items() if not isinstance(getattr(route.callback, "need", None), Need)
    ]
    assert undeclared == []


def test_a_declared_dataset_is_an_argument_of_the_route() -> None:
    for path, route in routes(get_resolver("midas.web.urls")):
        where = route.callback.need.dataset  # type: ignore[attr-defined]
        assert where in {None, "*"} or f":{where}>" in path, path


def test_the_spokes_own_routes_need_its_token() -> None:
    found = dict(routes(get_resolver("midas.web.urls")))
    sending = [path for path in found if "blobs" in path or path.startswith("api/v1/submissions")]
    assert len(sending) == 4
    for path in sending:
        assert found[path].callback.need.acts == {Act.SUBMIT}  # type: ignore[attr-defined]


def test_a_view_cannot_be_declared_with_nothing() -> None:
    with pytest.raises(TypeError):
        needs()
    with pytest.raises(TypeError):
        needs(Act.CUT, Act.DRAFT)


def test_the_guard_keeps_the_views_own_name_and_arguments() -> None:
    @needs(Act.BROWSE)
    def view(request: HttpRequest, dataset: str) -> HttpResponse:
        return HttpResponse(dataset)

    assert view.__name__ == "view"
    assert list(inspect.signature(view).parameters) == ["request", "dataset"]


# -- ranges ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None), ("bytes=0-0", (0, 1)), ("bytes=5-", (5, 100)), ("bytes=-5", (95, 100)), ("bytes=-500", (0, 100)),
        ("bytes=0-999", (0, 100)), ("bytes=7-3", None), ("bytes=0-1,4-5", None), ("lines=1-2", None), ("bytes=-", None),
    ],
)  # fmt: skip
def test_ranges_are_read_as_rfc_9110_says(header: str, expected: tuple[int, int] | None) -> None:
    assert asked_range(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_ranges_outside_are_refused(header: str) -> None:
    with pytest.raises(ValueError, match=r"end|suffix"):
        asked_range(header, 100)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 200))
def test_a_range_never_leaves_the_file(first: int, last: int, size: int) -> None:
    try:
        found = asked_range(f"bytes={first}-{last}", size)
    except ValueError:
        assert first >= size
        return
    assert found is None or 0 <= found[0] < found[1] <= size


# -- reading a release -----------------------------------------------------------------------------------------


@pytest.fixture
def hub(tmp_path: Path, settings: Any) -> HubHome:
    create(tmp_path / "hub")
    home = open_home(tmp_path / "hub")
    settings.MIDAS_HUB = home
    settings.ROOT_URLCONF = "midas.web.urls"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "midas.web.answers.MidasErrors"]
    settings.AUTHENTICATION_BACKENDS = ["midas.web.throttle.ThrottledBackend"]
    cache.clear()
    return home


@pytest.fixture
def release(hub: HubHome, db: None) -> Release:
    from midas.web.bootstrap import store

    welcome(spoke_key(hub.path))
    dataset, protocol = Dataset.objects.get(), ProtocolVersion.objects.get()
    draft = Draft.objects.create(
        dataset=dataset, protocol=protocol, version="1.0.0", published_on=NOW.date(), created_at=NOW
    )
    made = Release.objects.create(
        dataset=dataset, draft=draft, version="1.0.0", key="0" * 64, seal={}, access="controlled",
        license="x", summary={"title": "t", "subjects": 0, "instances": 0, "bytes": 0}, whole_salt="0" * 64, cut_at=NOW,
    )  # fmt: skip
    ReleaseFile.objects.create(
        release=made, path="data/a b.dcm", sha256=store().put_chunks([DATA]), size=len(DATA)
    )
    return made


def grant(account: Account, release: Release, *, days: int = 30) -> Grant:
    clock = SystemClock()
    officer = add_account(name="leela", password="a long river of words")
    terms = terms_of("Cite it.", title="t", clock=clock)
    return give(
        account=account,
        release=release,
        purpose="HMB",
        terms=terms,
        by=officer,
        why="Signed.",
        clock=clock,
        days=days,
    )


URL = "/api/v1/releases/oral-cancer@1.0.0/files/data/a%20b.dcm"


def bearer(role: str, dataset: str = "", *, to: Release | None = None) -> dict[str, str]:
    """Return the header of a new account with a role and, with `to`, a grant to that release."""
    account = add_account(name=f"{role}-{dataset or 'all'}", password="a long river of words")
    give_role(account=account, role=role, dataset=dataset)
    if to is not None:
        grant(account, to)
    return {"authorization": f"Bearer {issue_token(title='t', clock=CLOCK, account=account)}"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "granted", "status"),
    [
        ("", False, 401), *((role, False, 403) for role in Role.values), ("researcher", True, 200),
        ("annotator", True, 200),
    ],
)  # fmt: skip
def test_only_who_has_a_grant_downloads(release: Release, role: str, granted: bool, status: int) -> None:
    headers = bearer(role, to=release if granted else None) if role else {}
    answer = Client().head(URL, headers=headers)
    assert answer.status_code == status
    card = Client().get("/api/v1/releases/oral-cancer@1.0.0", headers=headers).json()
    assert card["may_download"] is (status == 200)


@pytest.mark.django_db
def test_a_twin_is_open_and_an_open_release_needs_sign_in_only(release: Release) -> None:
    Release.objects.update(twin=True)
    assert Client().head(f"{URL}?twin=1").status_code == 200
    Release.objects.update(twin=False, access="open")
    assert Client().head(URL).status_code == 401
    assert Client().head(URL, headers=bearer("admin")).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_bytes_and_ranges_under_asgi(release: Release) -> None:
    from asgiref.sync import async_to_sync

    headers = bearer("researcher", to=release)

    async def get(**more: str) -> tuple[Any, bytes]:
        answer = await AsyncClient().get(URL, headers={**headers, **more})
        if not answer.streaming:
            return answer, answer.content
        return answer, b"".join([chunk async for chunk in answer.streaming_content])

    whole, body = async_to_sync(get)()
    assert (whole.status_code, body) == (200, DATA)
    assert whole.headers["ETag"] == f'"{sha256_bytes(DATA)}"'
    assert whole.headers["Content-Type"] == "application/dicom"
    assert "a b.dcm" in whole.headers["Content-Disposition"]
    part, body = async_to_sync(get)(range="bytes=10-19")
    assert (part.status_code, body, part.headers["Content-Range"]) == (
        206,
        DATA[10:20],
        f"bytes 10-19/{len(DATA)}",
    )
    outside, _ = async_to_sync(get)(range=f"bytes={len(DATA)}-")
    assert (outside.status_code, outside.headers["Content-Range"]) == (416, f"bytes */{len(DATA)}")
    fresh, _ = async_to_sync(get)(**{"if-none-match": f'"{sha256_bytes(DATA)}"'})
    assert fresh.status_code == 304
    stale, body = async_to_sync(get)(**{"range": "bytes=0-0", "if-range": '"other"'})
    assert (stale.status_code, len(body)) == (200, len(DATA))


# -- sign-in ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_guessing_closes_the_door_even_for_the_right_password(hub: HubHome) -> None:
    add_account(name="asha", password="a long river of words")
    request = RequestFactory().post("/sign-in")
    assert authenticate(request, username="asha", password="a long river of words")
    for _ in range(hub.config.sign_in_tries):
        assert authenticate(request, username="asha", password="wrong") is None
    assert authenticate(request, username="asha", password="a long river of words") is None
    elsewhere = RequestFactory().post("/sign-in", REMOTE_ADDR="10.1.1.1")
    assert authenticate(elsewhere, username="asha", password="a long river of words")


def test_safe_defaults_follow_from_the_address(tmp_path: Path) -> None:
    from midas.web.bootstrap import django_settings

    create(tmp_path / "hub", public_url="https://midas.example.org")
    made = django_settings(open_home(tmp_path / "hub"))
    assert made["SESSION_COOKIE_SECURE"]
    assert made["CSRF_COOKIE_SECURE"]
    assert made["SECURE_HSTS_SECONDS"] > 0
    assert made["DEBUG"] is False
    assert "*" not in made["ALLOWED_HOSTS"]
    assert made["SESSION_COOKIE_NAME"].startswith("__Host-")


def test_a_misspelt_setting_is_refused(tmp_path: Path) -> None:
    from midas.kernel import BadInput, Conflict

    create(tmp_path / "hub")
    with pytest.raises(Conflict):
        create(tmp_path / "hub")
    (tmp_path / "hub" / "config.toml").write_text('publik_url = "https://x.org"\n')
    with pytest.raises(BadInput, match="publik_url"):
        open_home(tmp_path / "hub")
    assert HubConfig().public_url == "http://127.0.0.1:8000"
    assert FixedClock(NOW).now() == NOW


@pytest.mark.django_db
def test_an_error_on_a_page_is_said_in_words(hub: HubHome, settings: Any) -> None:
    from midas.kernel import Conflict
    from midas.ui import project
    from midas.web.answers import MidasErrors

    settings.TEMPLATES, settings.STATIC_URL = project.TEMPLATES, "/static/"
    request = RequestFactory().get("/somewhere")
    request.user = None  # type: ignore[assignment]
    answer = MidasErrors(lambda _: HttpResponse()).process_exception(
        request, Conflict("It is <cut>.", advice="Draft.")
    )
    assert answer is not None
    assert answer.status_code == 409
    assert "It is &lt;cut&gt;." in answer.content.decode()


# -- what stops a transfer -------------------------------------------------------------------------------------


def test_a_stream_asks_again_and_breaks_off() -> None:
    import asyncio
    from collections.abc import AsyncIterator

    from midas.kernel import Forbidden
    from midas.web.answers import while_allowed

    answers, seen = [True, True, False], []

    async def chunks() -> AsyncIterator[bytes]:
        for number in range(9):
            yield bytes([number])

    async def may() -> bool:
        return answers.pop(0)

    async def take(every_s: float) -> None:
        async for chunk in while_allowed(chunks(), may, every_s=every_s):
            seen.append(chunk)  # noqa: PERF401 - what came before the end is looked at

    with pytest.raises(Forbidden):
        asyncio.run(take(0.0))
    assert (seen, answers) == ([b"\0", b"\1"], [])
    seen.clear()
    asyncio.run(take(60.0))
    assert len(seen) == 9, "a fresh answer is not asked for again"


@pytest.mark.django_db
def test_what_was_allowed_is_asked_again_of_the_record(release: Release) -> None:
    from midas.access import revoke
    from midas.people.accounts import set_active
    from midas.people.tokens import revoke_tokens
    from midas.web.guard import caller_of, still_may

    place = (Act.DOWNLOAD, "oral-cancer", "1.0.0")
    header = bearer("researcher", to=release)["authorization"]
    caller = caller_of(RequestFactory().get("/", headers={"authorization": header}))
    assert still_may(caller, *place)
    account, officer = Account.objects.get(username="researcher-all"), Account.objects.get(username="leela")
    set_active(account=account, active=False)
    assert not still_may(caller, *place)
    set_active(account=account, active=True)
    revoke_tokens(clock=SystemClock(), account=account)
    assert not still_may(caller, *place)
    again = caller_of(RequestFactory().get("/", headers={
        "authorization": f"Bearer {issue_token(title='t', clock=CLOCK, account=account)}"
    }))  # fmt: skip
    assert still_may(again, *place)
    revoke(grant=Grant.objects.get(), by=officer, why="Ended.", clock=SystemClock())
    assert not still_may(again, *place)
