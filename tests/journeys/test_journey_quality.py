"""A curator decides on findings by keyboard, one reason for all that are chosen; and the same by mouse without a script."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("gallery_site", ROOT / "tests" / "gallery" / "site.py")
assert spec is not None
assert spec.loader is not None
site: Any = importlib.util.module_from_spec(spec)
sys.modules["gallery_site"] = site
spec.loader.exec_module(site)

pytestmark = [pytest.mark.system("chromium"), pytest.mark.xdist_group("gallery")]
QUEUE = "/curation/quality/queue"
SHOTS = Path(os.environ.get("MIDAS_SCREENSHOTS") or ROOT / ".state" / "screens")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The filled hub's address. `MIDAS_GALLERY_HUB` names one that runs already."""
    if running := os.environ.get("MIDAS_GALLERY_HUB"):
        yield running
        return
    with site.served(tmp_path_factory.mktemp("gallery") / "hub") as address:
        yield address


def curator(browser: Browser, hub: str, *, script: bool = True) -> tuple[Page, list[str]]:
    """Return a page that the curator signed in on, and what its console complained of."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=script)
    context.set_default_timeout(60_000)
    page, said = context.new_page(), list[str]()
    page.on("console", lambda one: said.append(one.text) if one.type in {"error", "warning"} else None)
    page.goto(f"{hub}/sign-in")
    page.fill("#username", "curator")
    page.fill("#password", site.PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    return page, said


def focused(page: Page) -> str:
    return str(
        page.evaluate("document.activeElement.closest('[data-card]')?.querySelector('.open').pathname ?? ''")
    )


def number_of(page: Page, hub: str, state: str) -> int:
    page.goto(f"{hub}{QUEUE}?state={state}")
    return page.locator("[data-card]").count()


def test_findings_are_decided_by_keyboard_for_one_reason(browser: Browser, hub: str) -> None:
    page, said = curator(browser, hub)
    before = number_of(page, hub, "excluded")
    page.goto(f"{hub}{QUEUE}")
    cards = page.locator("[data-card] .open").evaluate_all("all => all.map(one => one.pathname)")
    page.keyboard.press("j")
    assert focused(page) == cards[0]
    page.keyboard.press("ArrowRight")
    assert focused(page) == cards[1]
    page.keyboard.press(" ")
    page.keyboard.press("j")
    page.keyboard.press(" ")
    page.keyboard.press("k")
    assert focused(page) == cards[1]
    assert page.locator("#chosen").inner_text() == "2 chosen"
    page.keyboard.press("x")
    assert page.evaluate("document.activeElement.name") == "why", "the reason is asked for"
    assert page.locator("#note").inner_text() == "Exclude from the next draft: Write why and press Enter."
    page.keyboard.type("The lesion cannot be seen.")
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "quality-gallery.png")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=2 findings decided.")
    assert focused(page) == cards[0], "the keys go on where they were"
    assert set(cards[1:3]).isdisjoint(
        page.locator("[data-card] .open").evaluate_all("all => all.map(one => one.pathname)")
    )
    assert number_of(page, hub, "excluded") == before + 2
    page.goto(f"{hub}{cards[1]}")
    assert page.get_by_text("The lesion cannot be seen.").is_visible()
    assert said == []
    page.context.close()


def test_a_reason_typed_first_waits_for_a_key_and_one_card_needs_no_choice(
    browser: Browser, hub: str
) -> None:
    page, said = curator(browser, hub)
    page.goto(f"{hub}{QUEUE}?shape=list")
    page.keyboard.press("w")
    page.keyboard.type("Meant to be so.")
    page.keyboard.press("Enter")
    assert page.locator(".notice.good").count() == 0, "Enter alone decides nothing"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    here = focused(page)
    page.keyboard.press("a")
    page.wait_for_selector("text=1 finding decided.")
    page.goto(f"{hub}{here}")
    assert "accepted it" in page.locator(".timeline").inner_text()
    assert said == []
    page.context.close()


def test_the_same_by_mouse_without_a_script(browser: Browser, hub: str) -> None:
    page, _ = curator(browser, hub, script=False)
    page.goto(f"{hub}{QUEUE}")
    page.locator("[data-card] input").first.check()
    page.fill("#why", "Is the rest at hand?")
    page.get_by_role("button", name="Ask the hospital").click()
    assert page.get_by_text("1 finding decided.").is_visible()
    page.context.close()
