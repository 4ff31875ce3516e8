"""Every page of a filled hub in Chromium: WCAG 2.2 AA in both themes and at phone width, keyboard, print, weight, calm."""

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
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LOOKS = (("light", 1280), ("dark", 1280), ("light", 390))
SHOTS = Path(os.environ.get("MIDAS_SCREENSHOTS") or ROOT / ".state" / "screens")

RUN_AXE = """async (tags) => {
  const found = await axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]});
  return found.violations.map(v => `${v.id}: ` + v.nodes.slice(0, 4).map(n => n.target.join(" ") + " " + n.html.slice(0, 140)
    + " " + (n.any[0] || n.all[0] || n.none[0] || {message: ""}).message).join(" | "));
}"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The filled hub's address. `MIDAS_GALLERY_HUB` names one that runs already, for looking at pages one by one."""
    if running := os.environ.get("MIDAS_GALLERY_HUB"):
        yield running
        return
    with site.served(tmp_path_factory.mktemp("gallery") / "hub") as address:
        yield address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, locale="en-IN", reduced_motion="reduce"
    )
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def sign_in(page: Page, hub: str, who: str) -> None:
    if not who:
        return
    page.goto(f"{hub}/sign-in")
    page.fill("#username", who)
    page.fill("#password", site.PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)


def go(page: Page, hub: str, place: str) -> None:
    """Open an address, or the first link of a page that starts so."""
    first, _, start = place.partition(" > ")
    page.goto(hub + first, wait_until="load")
    if start:
        link = page.locator(f'main a[href^="{start}"]').first.get_attribute("href")
        assert link, f"{first} has no link to {start}…"
        page.goto(hub + link, wait_until="load")


@pytest.mark.parametrize("who", site.PAGES)
def test_no_page_breaks_wcag_in_any_theme_or_width(hub: str, page: Page, who: str) -> None:
    sign_in(page, hub, who)
    wrong = []
    for place in site.PAGES[who]:
        go(page, hub, place)
        page.evaluate(AXE.read_text("utf-8"))  # by the browser's tools: the pages' own policy lets no script in
        for theme, width in LOOKS:
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            wrong += [f"{place} {theme} {width}: scrolls sideways by {wide}"] if wide > 1 else []
            wrong += [f"{place} {theme} {width}: {one}" for one in page.evaluate(RUN_AXE, TAGS)]
        page.set_viewport_size({"width": 1280, "height": 900})
    assert wrong == []
