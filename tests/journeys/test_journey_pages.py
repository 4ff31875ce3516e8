"""Each role signs in with a browser, at the hub and at both spokes, and sees its pages; a picture of each is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.journey_demo import Demo

from midas.testing.demo.story import DATASETS, VERSION, Addresses

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.system("chromium"), pytest.mark.xdist_group("demo")]
SHOTS = Path(os.environ.get("MIDAS_SCREENSHOTS") or Path(__file__).parents[2] / ".state" / "screens")

OPEN = ("/", "/datasets", "/hospitals", *(f"/datasets/{one}" for one in DATASETS))
RELEASES = tuple(f"/datasets/{one}/releases/{VERSION}{twin}" for one in DATASETS for twin in ("", "/twin"))
HUB = {
    "curator": (*OPEN, *RELEASES, "/hospitals/spdc-wardha", "/account", "/curation"),
    "researcher": (*OPEN, *RELEASES, "/account", "/access"),
    "access-officer": (*OPEN, *RELEASES, "/grants", "/grants/1", "/access"),
    "admin": (*OPEN, *RELEASES, "/hospitals/aiims-neuro", "/account", "/people"),
    "operator": (*OPEN, "/account"),
}
CLOSED = {
    "researcher": ("/people", "/curation", "/grants"),
    "access-officer": ("/people", "/curation"),
    "operator": ("/people", "/curation"),
    "curator": ("/people",),
}
SPOKE = ("/", "/batches", "/held", "/outbox")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    opened = context.new_page()
    opened.troubles = []  # type: ignore[attr-defined]
    opened.on("pageerror", lambda error: opened.troubles.append(str(error)))  # type: ignore[attr-defined]
    opened.on("console", lambda line: opened.troubles.append(line.text) if line.type == "error" else None)  # type: ignore[attr-defined]
    yield opened
    context.close()


def sign_in(page: Page, address: str, account: dict[str, str]) -> None:
    page.goto(f"{address}/sign-in")
    page.fill("input[name=username]", account["name"])
    page.fill("input[name=password]", account["password"])
    page.click("main form button")
    page.wait_for_load_state("networkidle")
    assert "/sign-in" not in page.url, "the demo account does not sign in"


def look(page: Page, address: str, path: str, *, as_: str) -> None:
    """Open one page, keep a picture of it, and hold it to being whole: 200, a heading, no error in the console."""
    answer = page.goto(address + path, wait_until="networkidle")
    assert answer is not None
    name = path.strip("/").replace("/", "_") or "home"
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{as_}-{name}.png", full_page=True)
    assert answer.status == 200, f"{as_} at {path}: {answer.status}"
    assert page.locator("h1").count() == 1, f"{path} has one heading"
    width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert width <= 1, f"{path} scrolls sideways by {width} pixels"
    assert page.troubles == [], f"{as_} at {path}"  # type: ignore[attr-defined]


@pytest.mark.parametrize("role", HUB)
def test_each_role_signs_in_at_the_hub(demo: Demo, sites: Addresses, page: Page, role: str) -> None:
    sign_in(page, sites.hub, demo.account(role))
    for path in HUB[role]:
        look(page, sites.hub, path, as_=role)


@pytest.mark.parametrize("role", CLOSED)
def test_what_is_not_theirs_stays_closed(demo: Demo, sites: Addresses, page: Page, role: str) -> None:
    sign_in(page, sites.hub, demo.account(role))
    for path in CLOSED[role]:
        answer = page.goto(sites.hub + path)
        assert answer is not None
        assert answer.status in {403, 404}, f"{role} at {path}: {answer.status}"


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_operator_signs_in_at_the_spoke(demo: Demo, sites: Addresses, page: Page, dataset: str) -> None:
    spoke = demo.truths[dataset].spoke
    sign_in(page, sites.spokes[spoke], demo.account(f"operator at {spoke}"))
    for path in SPOKE:
        look(page, sites.spokes[spoke], path, as_=spoke)
    page.goto(f"{sites.spokes[spoke]}/held")
    reason = page.locator("main a[href*='/held/']").first.get_attribute("href")
    assert reason
    look(page, sites.spokes[spoke], reason, as_=spoke)


@pytest.mark.parametrize("dataset", DATASETS)
def test_nothing_of_a_person_is_on_the_hubs_pages(
    demo: Demo, sites: Addresses, page: Page, dataset: str
) -> None:
    sign_in(page, sites.hub, demo.account("admin"))
    truth = demo.truths[dataset]
    for path in (
        f"/datasets/{dataset}",
        f"/hospitals/{truth.spoke}",
        f"/datasets/{dataset}/releases/{VERSION}",
    ):
        page.goto(sites.hub + path)
        text = page.content().casefold()
        assert [one for one in truth.planted if len(one) > 6 and one.casefold() in text] == []


def test_a_stranger_sees_the_twin_and_signs_in_for_the_rest(sites: Addresses, page: Page) -> None:
    twin = f"{sites.hub}/datasets/oral-cancer/releases/{VERSION}/twin"
    answer = page.goto(twin)
    assert answer is not None
    assert answer.status == 200
    page.goto(f"{sites.hub}/people")
    assert "/sign-in" in page.url
