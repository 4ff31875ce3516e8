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
        page.evaluate(
            AXE.read_text("utf-8")
        )  # by the browser's tools: the pages' own policy lets no script in
        for theme, width in LOOKS:
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            wrong += [f"{place} {theme} {width}: scrolls sideways by {wide}"] if wide > 1 else []
            wrong += [f"{place} {theme} {width}: {one}" for one in page.evaluate(RUN_AXE, TAGS)]
        page.set_viewport_size({"width": 1280, "height": 900})
    assert wrong == []


MAIN = (
    "/",
    "/datasets",
    "/datasets/oral-cancer",
    site.RELEASE,
    f"{site.RELEASE}/twin",
    "/hospitals",
    "/hospitals/spdc-wardha",
)
HEAVIEST = 300_000
"""Bytes of one page with its styles, fonts, scripts and pictures, nothing cached."""
CALMEST = 0.02
SHIFT = """() => { window.shifted = 0; new PerformanceObserver(list => { for (const one of list.getEntries())
  if (!one.hadRecentInput) window.shifted += one.value; }).observe({type: "layout-shift", buffered: true}); }"""


@pytest.mark.parametrize("width", [1280, 390])
def test_main_pages_are_light_and_hold_still(hub: str, page: Page, width: int) -> None:
    wrong = []
    for path in MAIN:
        page.context.clear_cookies()
        page.set_viewport_size({"width": width, "height": 900})
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        sizes: list[float] = []
        session.on(
            "Network.loadingFinished", lambda told, sizes=sizes: sizes.append(told["encodedDataLength"])
        )
        page.goto(hub + path, wait_until="networkidle")
        page.evaluate(SHIFT)
        page.wait_for_timeout(300)
        shifted = page.evaluate("window.shifted")
        session.detach()
        wrong += [f"{path} {width}: {sum(sizes):.0f} bytes"] if sum(sizes) > HEAVIEST else []
        wrong += [f"{path} {width}: shifts by {shifted:.3f}"] if shifted > CALMEST else []
    assert wrong == []


def focused(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = (
        page.evaluate("""() => { const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();
      return {tag: e.tagName, id: e.id, text: e.textContent.trim().slice(0, 60), href: e.getAttribute("href") || "",
        shown: b.width > 0 && b.height > 0, ring: s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2}; }""")
    )
    return found


def tab_to(page: Page, what: str, most: int = 60) -> None:
    """Press Tab until what has the focus fits, and hold each stop to being seen."""
    for _ in range(most):
        page.keyboard.press("Tab")
        here = focused(page)
        assert here["shown"], f"focus on something unseen: {here}"
        assert here["ring"], f"no ring of focus: {here}"
        if page.evaluate("what => document.activeElement.matches(what)", what):
            return
    raise AssertionError(f"{what} is not reached in {most} steps at {page.url}")


def test_from_sign_in_to_a_release_by_keyboard_alone(hub: str, page: Page) -> None:
    page.goto(f"{hub}/sign-in")
    page.keyboard.press("Tab")
    assert focused(page)["href"] == "#main", "the first stop skips to the content"
    page.keyboard.press("Enter")
    tab_to(page, "#username")
    page.keyboard.type("researcher")
    tab_to(page, "#password")
    page.keyboard.type(site.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    tab_to(page, ".nav a[href='/datasets']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/datasets")
    tab_to(page, "main a[href='/datasets/oral-cancer']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/datasets/oral-cancer")
    tab_to(page, f"main a[href='{site.RELEASE}']", most=120)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{site.RELEASE}")
    assert page.locator("h1").inner_text()


def test_menus_open_by_keyboard_and_close_with_escape(hub: str, page: Page) -> None:
    page.goto(hub)
    tab_to(page, "details.menu > summary")
    page.keyboard.press("Enter")
    assert page.locator("details.menu[open]").count() == 1
    tab_to(page, "details.menu button")
    page.keyboard.press("Escape")
    assert page.locator("details.menu[open]").count() == 0
    assert focused(page)["tag"] == "SUMMARY", "the focus goes back to what opened it"


def test_every_table_that_scrolls_is_reached_and_moved_by_keyboard(hub: str, page: Page) -> None:
    sign_in(page, hub, "curator")
    page.set_viewport_size({"width": 390, "height": 900})
    moved = 0
    for path in (site.RELEASE, "/hospitals/spdc-wardha", "/curation"):
        page.goto(hub + path)
        for box in page.locator(".table-box").all():
            if box.evaluate("e => e.scrollWidth - e.clientWidth") <= 1 or not box.is_visible():
                continue
            box.focus()
            assert page.evaluate("document.activeElement.classList.contains('table-box')"), path
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(400)  # scrolling is smooth
            assert box.evaluate("e => e.scrollLeft") > 0, path
            moved += 1
    assert moved > 0


@pytest.mark.parametrize("path", ["/datasets/oral-cancer", site.RELEASE, "/credit/hospitals/spdc-wardha"])
def test_pages_print_black_on_white_without_menus(hub: str, page: Page, path: str) -> None:
    import pypdfium2

    page.emulate_media(color_scheme="dark")
    page.goto(hub + path, wait_until="networkidle")
    heading = page.locator("h1").inner_text()
    menu = page.locator(".nav a").first.inner_text()
    SHOTS.mkdir(parents=True, exist_ok=True)
    kept = SHOTS / f"print-{path.strip('/').replace('/', '_')}.pdf"
    page.pdf(path=kept, format="A4", print_background=True, prefer_css_page_size=True)
    paper = pypdfium2.PdfDocument(kept)
    text = "".join(one.get_textpage().get_text_range() for one in paper)
    assert 1 <= len(paper) <= 12
    assert heading.split(",")[0].split("\n")[0] in text.replace("\r\n", " ")
    assert f"{menu}\r\nHospitals" not in text, "menus stay off the paper"
    drawn = paper[0].render(scale=0.5).to_pil().convert("L")
    histogram = drawn.histogram()
    assert sum(histogram[250:]) > 0.5 * drawn.width * drawn.height, (
        "the paper stays white, in the dark theme too"
    )


def test_a_certificate_is_signed_checked_and_printed_on_one_page(hub: str, page: Page) -> None:
    import pypdfium2

    sign_in(page, hub, "curator")
    page.goto(f"{hub}/credit/hospitals/spdc-wardha")
    page.click("main form button")
    page.wait_for_url("**/credit/verify/*")
    assert page.locator(".notice.good").is_visible()
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "certificate.png", full_page=True)
    kept = SHOTS / "certificate.pdf"
    page.pdf(path=kept, format="A4", print_background=True, prefer_css_page_size=True)
    paper = pypdfium2.PdfDocument(kept)
    code = page.url.rsplit("/", 1)[1]
    assert len(paper) == 1
    assert code in paper[0].get_textpage().get_text_range()
    page.context.clear_cookies()
    page.goto(f"{hub}/credit/verify/{code.lower()}")
    assert page.locator(".notice.good").is_visible(), "anyone can check it"


def test_long_words_break_no_page_at_phone_width(tmp_path: Path, browser: Browser) -> None:
    """A language half as long again, in brackets, in the place of Hindi: nothing overflows, nothing is left in English."""
    import polib

    folder = tmp_path / "locale" / "hi" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    pseudo = polib.pofile(str(ROOT / "src/midas/ui/locale/django.pot"))
    pseudo.metadata["Plural-Forms"] = "nplurals=2; plural=(n > 1);"

    def longer(text: str) -> str:
        return f"⟦{text}{' ñandúes' * (1 + len(text) // 20)}⟧"

    for one in pseudo:
        if one.msgid_plural:
            one.msgstr_plural = {0: longer(one.msgid), 1: longer(one.msgid_plural)}
        else:
            one.msgstr = longer(one.msgid)
    pseudo.save_as_mofile(str(folder / "django.mo"))
    with site.served(
        tmp_path / "hub", environment={"MIDAS_GALLERY_LOCALE": str(tmp_path / "locale")}
    ) as address:
        for who in ("", "curator", "researcher"):
            context = browser.new_context(viewport={"width": 390, "height": 844})
            host = address.rsplit("/", 1)[1]
            context.add_cookies([{"name": "django_language", "value": "hi", "url": f"http://{host}"}])
            page = context.new_page()
            sign_in(page, address, who)
            wrong = []
            for place in site.PAGES[who]:
                go(page, address, place)
                assert "⟦" in page.content(), f"{place} is not translated"
                wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
                wrong += [f"{place}: scrolls sideways by {wide}"] if wide > 1 else []
            context.close()
            assert wrong == []
