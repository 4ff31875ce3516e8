"""Signing in as people do: through a real OpenID provider, and with a passkey in a real browser."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.integration.test_hub_serves import commands, free_port

PASSWORD = "seven rivers meet here"
USERS = (
    {"sub": "asha", "email": "asha@example.org", "email_verified": True},
    {"sub": "invited", "email": "new@example.org", "email_verified": True},
    {"sub": "liar", "email": "curator@example.org", "email_verified": False},
    {"sub": "silent", "email": "curator@example.org"},
    {"sub": "stranger", "email": "stranger@example.org", "email_verified": True},
    {"sub": "left", "email": "left@example.org", "email_verified": True},
)


@dataclass(frozen=True)
class Site:
    home: Path
    address: str
    provider: str


@contextmanager
def running(words: list[str], address: str, log: Path) -> Iterator[None]:
    with log.open("wb") as stream:
        process = subprocess.Popen(
            words, stderr=stream, stdout=stream, start_new_session=True, env=os.environ.copy()
        )
        try:
            for _ in range(600):
                assert process.poll() is None, log.read_text()
                try:
                    httpx.get(address, timeout=2)
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("identity")
    home, port, other = folder / "home", free_port(), free_port()
    where, address, provider = ("--home", str(home)), f"http://localhost:{port}", f"http://127.0.0.1:{other}"
    commands(("hub", "init", *where, "--url", address))
    (home / "keys" / "oidc.secret").write_text("a secret of the test")
    (home / "keys" / "oidc.secret").chmod(0o600)
    with (home / "config.toml").open("a") as config:
        config.write(
            f'\n[[oidc]]\nid = "test"\nname = "The Institute"\nissuer = "{provider}"\nclient_id = "midas"\n'
            'secret_file = "keys/oidc.secret"\n'
        )
    people = (("asha", "researcher"), ("curator", "curator"), ("left", "researcher"))
    add = [
        ("hub", "user", "add", name, "--role", role, "--email", f"{name}@example.org", *where)
        for name, role in people
    ]
    commands(
        *add, ("hub", "user", "close", "left", *where),
        ("hub", "user", "invite", "--email", "new@example.org", "--role", "auditor", *where),
        env={"MIDAS_PASSWORD": PASSWORD},
    )  # fmt: skip
    claims = [word for user in USERS for word in ("--user-claims", json.dumps(user))]
    serve = [
        sys.executable,
        "-c",
        "from midas.cli import main; main()",
        "hub",
        "serve",
        "--port",
        str(port),
        *where,
    ]
    at = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", str(other), *claims]
    with (
        running(at, f"{provider}/.well-known/openid-configuration", folder / "provider.log"),
        running(serve, address, folder / "hub.log"),
    ):
        yield Site(home, address, provider)


def through(site: Site, sub: str, *, next_: str = "/account") -> tuple[httpx.Client, httpx.Response]:
    """Sign in through the provider as `sub`; return the browser and the hub's last answer."""
    browser = httpx.Client(base_url=site.address, timeout=30)
    begun = browser.get("/sign-in/with/test", params={"next": next_})
    assert begun.status_code == 302, begun.text
    asked = httpx.URL(begun.headers["location"])
    assert str(asked).startswith(site.provider)
    assert asked.params["code_challenge_method"] == "S256"
    agreed = httpx.post(asked, data={"sub": sub}, timeout=30)
    assert agreed.status_code in {302, 303}, agreed.text
    answer = browser.get(agreed.headers["location"])
    return browser, answer


def test_a_verified_address_signs_its_account_in(site: Site) -> None:
    browser, answer = through(site, "asha")
    assert (answer.status_code, answer.headers["location"]) == (302, "/account")
    page = browser.get("/account").text
    assert "asha" in page
    again, answer = through(site, "asha", next_="https://evil.example/")
    assert answer.headers["location"] == "/"
    assert again.get("/account").status_code == 200


def test_a_verified_address_takes_up_its_invitation(site: Site) -> None:
    browser, answer = through(site, "invited")
    assert answer.status_code == 302
    assert "Auditor" in browser.get("/account").text
    assert "first" in browser.get("/account/password", follow_redirects=True).url.path


@pytest.mark.parametrize("sub", ["liar", "silent", "stranger"])
def test_nobody_else_comes_in(site: Site, sub: str) -> None:
    browser, answer = through(site, sub)
    assert answer.status_code == 403
    assert "No account here" in answer.text
    assert browser.get("/account").status_code == 302


def test_a_closed_account_stays_closed(site: Site) -> None:
    browser, answer = through(site, "left")
    assert answer.headers["location"] == "/sign-in/closed"
    assert browser.get("/account").status_code == 302


def test_an_answer_that_nobody_asked_for_is_refused(site: Site) -> None:
    begun = httpx.get(f"{site.address}/sign-in/with/test", timeout=30)
    agreed = httpx.post(begun.headers["location"], data={"sub": "asha"}, timeout=30)
    other = httpx.Client(timeout=30)  # another browser: the state is not its own
    answer = other.get(agreed.headers["location"])
    assert answer.status_code in {401, 403}
    assert other.get(f"{site.address}/account").status_code == 302


def test_another_site_signs_nobody_in(site: Site) -> None:
    there = {"sec-fetch-site": "cross-site"}
    begun = httpx.get(f"{site.address}/sign-in/with/test", headers=there, timeout=30)
    assert begun.headers["location"] == "/sign-in"
    assert httpx.get(f"{site.address}/sign-in/with/test?process=connect", timeout=30).status_code == 404


def test_what_signing_in_costs_beside_the_hash(site: Site) -> None:
    browser = httpx.Client(base_url=site.address, timeout=30)
    page = browser.get("/sign-in").text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page).group(1)
    took = []
    for _ in range(5):
        began = time.monotonic()
        browser.get("/sign-in")
        took.append(time.monotonic() - began)
    assert sorted(took)[2] < 0.2
    told = {"csrfmiddlewaretoken": token, "username": "curator", "password": PASSWORD}
    assert browser.post("/sign-in", data=told).headers["location"] == "/"


@pytest.mark.system("chromium")
def test_a_passkey_is_added_and_signs_in_alone(site: Site) -> None:
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        page = chromium.new_context(locale="en").new_page()
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        devices = page.context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        kind = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        }  # fmt: skip
        number = devices.send("WebAuthn.addVirtualAuthenticator", {"options": kind})["authenticatorId"]
        page.goto(f"{site.address}/sign-in")
        page.fill("#username", "curator")
        page.fill("#password", PASSWORD)
        page.click("main form button")
        page.wait_for_url(f"{site.address}/")
        page.goto(f"{site.address}/account/second/passkeys/add")
        page.fill("#password", PASSWORD)
        page.click("main form button")
        page.wait_for_url(re.compile("passkeys/add"))
        page.click("button[data-ask]")
        page.wait_for_url(re.compile("/account/second/codes"))
        assert page.locator("#codes").inner_text().count("\n") >= 9
        assert len(devices.send("WebAuthn.getCredentials", {"authenticatorId": number})["credentials"]) == 1
        page.context.clear_cookies()
        page.goto(f"{site.address}/sign-in?next=/account")
        page.click("form[data-passkey] button[data-ask]")
        page.wait_for_url(f"{site.address}/account")
        assert "curator" in page.locator("main").inner_text()
        page.context.clear_cookies()
        page.goto(f"{site.address}/sign-in")
        page.fill("#username", "curator")
        page.fill("#password", PASSWORD)
        page.click("main form button")
        page.wait_for_url(re.compile("/sign-in/second"))
        page.click("form[data-passkey] button[data-ask]")
        page.wait_for_url(f"{site.address}/")
        assert complaints == []
        chromium.close()


def test_each_way_in_is_in_the_ledger(site: Site) -> None:
    """Runs last: the rows of the sign-ins above."""
    through(site, "asha")
    look = (
        "import sys, json; from pathlib import Path; from midas.web.bootstrap import configure; "
        "configure(Path(sys.argv[1])); from midas.ledger.models import Entry; "
        "print(json.dumps([[e.deed, e.who, e.details.get('with_', '')] for e in Entry.objects.all()]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", look, str(site.home)], capture_output=True, text=True, check=True
    )
    rows = [tuple(row) for row in json.loads(run.stdout)]
    assert ("sign-in", "asha", "socialaccount") in rows
    assert not any(who in {"liar", "silent", "stranger"} for _deed, who, _with in rows)
