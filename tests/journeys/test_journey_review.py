"""A reviewer at the spoke decides by keyboard, corrects a box by mouse, takes it back; and all of it without a script."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.system("chromium"), pytest.mark.xdist_group("demo")]
GALLERY = Path(__file__).parents[1] / "gallery" / "serve_spoke.py"
QUEUE = "/review?reason=masked-unseen"
PATIENCE_MS = 180_000


@dataclass(frozen=True)
class Site:
    address: str
    home: Path

    def ask(self, question: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.home / 'spoke.sqlite3'}?mode=ro", uri=True)) as database:
            return database.execute(question).fetchall()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A spoke with held screens of synthetic persons, served."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    home = tmp_path_factory.mktemp("review") / "spoke"
    command = [sys.executable, str(GALLERY), str(home), str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as served:
        for _ in range(900):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield Site(f"http://127.0.0.1:{port}", home)
        served.terminate()


def reviewer(browser: Browser, site: Site, *, script: bool = True) -> Page:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, java_script_enabled=script)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{site.address}/sign-in")
    page.fill("#username", "asha")
    page.fill("#password", "look-and-see-1")
    page.click("main form button")
    return page


def press(page: Page, key: str) -> None:
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press(key)


def boxes(page: Page) -> list[list[int]]:
    found: list[list[int]] = json.loads(page.input_value("#boxes"))
    return found


def test_keys_alone_lead_from_the_grid_to_a_decision_and_back(browser: Browser, site: Site) -> None:
    page = reviewer(browser, site)
    page.goto(site.address + QUEUE)
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('[data-card]') !== null"), "the focus is to be seen"
    press(page, "Enter")
    whole = boxes(page)
    page.keyboard.press("]")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Alt+Shift+ArrowRight")
    assert boxes(page)[0] == [whole[0][0] + 1, whole[0][1], whole[0][2] + 10, whole[0][3]]
    page.keyboard.press("d")
    assert boxes(page) == whole[1:]
    for _ in range(3):
        page.keyboard.press("Control+z")
    assert boxes(page) == whole
    page.keyboard.press("a")
    assert "M masks them" in page.inner_text("#note"), "proposed boxes are never let through by accepting"
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    number = int(page.url.split("/items/")[1].split("?")[0])
    page.keyboard.press("s")
    assert "together.png?scope=series" in str(page.locator(".stage img").first.get_attribute("src"))
    press(page, "m")
    assert "3 items decided." in page.inner_text("main")
    assert int(page.url.split("/items/")[1].split("?")[0]) != number
    press(page, "u")
    assert "3 items are held again." in page.inner_text("main")
    assert site.ask(f"SELECT state, reason FROM intake_item WHERE id = {number}") == [
        ("held", "masked-unseen")
    ]
    assert site.ask("SELECT standing, by_name FROM intake_decision ORDER BY id DESC LIMIT 1") == [
        ("revoked", "asha")
    ]
    page.context.close()


def test_a_box_is_drawn_moved_and_resized_with_the_mouse(browser: Browser, site: Site) -> None:
    page = reviewer(browser, site)
    page.goto(site.address + QUEUE)
    page.locator(".held-card .open").first.click()
    page.wait_for_selector("[data-stage] rect")
    before, place = boxes(page), page.locator("[data-stage] svg").bounding_box()
    assert place
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2

    def drag(start: tuple[float, float], end: tuple[float, float]) -> list[int]:
        page.mouse.move(*start)
        page.mouse.down()
        page.mouse.move(*end, steps=4)
        page.mouse.up()
        return boxes(page)[-1]

    drawn = drag((x, y), (x + 90, y + 40))
    assert len(boxes(page)) == len(before) + 1
    moved = drag((x + 45, y + 20), (x + 75, y + 20))
    assert (moved[0] > drawn[0], moved[1:]) == (True, drawn[1:])
    larger = drag((x + 120, y + 40), (x + 150, y + 70))
    assert (larger[:2], larger[2] > moved[2], larger[3] > moved[3]) == (moved[:2], True, True)
    assert page.locator("#after rect").count() == len(before) + 1, "what would leave follows at once"
    page.context.close()


def test_without_a_script_boxes_are_ticked_and_verdicts_are_buttons(browser: Browser, site: Site) -> None:
    page = reviewer(browser, site, script=False)
    page.goto(site.address + QUEUE + "&each=1")
    page.locator(".held-card .open").last.click()
    number = int(page.url.split("/items/")[1].split("?")[0])
    page.locator("input[name=keep]").first.uncheck()
    page.fill("#typed", "300,300,40,20")
    page.click("#mask-button")
    assert "1 item decided." in page.inner_text("main")
    kept = site.ask(
        "SELECT d.boxes, json_array_length(d.dropped) FROM intake_decision d JOIN intake_decision_items i"
        f" ON i.decision_id = d.id WHERE i.item_id = {number}"
    )
    assert kept == [("[[300, 300, 40, 20]]", 1)]
    page.click("#undo button")
    assert "1 item is held again." in page.inner_text("main")
    page.context.close()
