"""The viewer in a real browser: a study in three planes with its segmentation, a slide, a photograph, a measurement kept.

Every request that the browser makes is noted: none may go to another host, and nothing of ours may complain.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.journey_demo import Demo

from midas.testing.demo.story import VERSION, Addresses

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = [pytest.mark.system("chromium"), pytest.mark.xdist_group("demo")]
SHOTS = Path(os.environ.get("MIDAS_SCREENSHOTS") or Path(__file__).parents[2] / ".state" / "screens")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SOON = 60_000
"""Milliseconds that a picture may take on a machine that does other work."""
BRIGHT = """() => {
  const read = canvas => {
    const copy = document.createElement('canvas');
    [copy.width, copy.height] = [96, 96];
    const pen = copy.getContext('2d');
    pen.drawImage(canvas, 0, 0, 96, 96);
    const dots = pen.getImageData(0, 0, 96, 96).data;
    const seen = new Set();
    for (let at = 0; at < dots.length; at += 4) {
      if (dots[at + 3]) seen.add((dots[at] >> 3) + 32 * (dots[at + 1] >> 3) + 1024 * (dots[at + 2] >> 3));
    }
    return seen.size;
  };
  return [...document.querySelectorAll('canvas')].filter(one => one.width > 200).map(read);
}"""
"""How many different colours each large canvas shows: an empty one has one or two."""


@dataclass
class Watched:
    """A page with what it asked for and what it complained of."""

    page: Page
    hub: str
    asked: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)

    def look(self, path: str) -> None:
        self.page.goto(self.hub + path)

    def pictures(self, number: int = 1) -> None:
        """Wait until `number` canvases show a picture."""
        self.page.wait_for_function(
            f"() => ({BRIGHT})().filter(n => n > 12).length >= {number}", timeout=SOON
        )

    def shot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"viewer-{name}.png")

    def is_well(self) -> None:
        """Hold the visit to its promises: only this hub was asked, and nothing went wrong."""
        here = urlsplit(self.hub).netloc
        others = {
            one for one in self.asked if one.startswith(("http", "ws")) and urlsplit(one).netloc != here
        }
        assert others == set()
        assert self.refused == []
        assert self.complaints == []


@pytest.fixture(scope="module")
def window() -> Iterator[BrowserContext]:
    """One window for all visits: what it has of the viewer's program it need not fetch again."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield chromium.new_context(viewport={"width": 1280, "height": 800})
        chromium.close()


@pytest.fixture
def visit(window: BrowserContext, sites: Addresses, demo: Demo) -> Iterator[Callable[[str], Watched]]:
    """Return a function that opens a page for a role's account, for nobody with `""`; the visit before has ended."""

    def opened(role: str) -> Watched:
        for before in window.pages:
            before.close()  # else a late answer of its would bring its cookies back
        window.clear_cookies()
        page = window.new_page()
        watched = Watched(page, sites.hub)
        page.on("request", lambda one: watched.asked.append(one.url))
        page.on("response", lambda one: _answered(watched, one))
        page.on("pageerror", lambda error: watched.complaints.append(str(error)))
        page.on(
            "console", lambda line: watched.complaints.append(line.text) if line.type == "error" else None
        )
        if role:
            account = demo.account(role)
            page.goto(f"{sites.hub}/sign-in")
            page.fill("input[name=username]", account["name"])
            page.fill("input[name=password]", account["password"])
            page.click("main form button")
            page.wait_for_url(lambda url: "/sign-in" not in url, wait_until="commit")
        return watched

    yield opened
    for page in window.pages:
        page.close()


def _answered(watched: Watched, answer: Any) -> None:
    if answer.status >= 400:
        watched.refused.append(f"{answer.status} {answer.url}")
    if answer.request.method == "POST" and "/dicomweb/" in answer.url:
        watched.stored.append(answer.status)


def cookies(watched: Watched) -> dict[str, str]:
    return {one["name"]: one["value"] for one in watched.page.context.cookies()}


def found(watched: Watched, root: str, **query: str) -> list[dict[str, Any]]:
    """Search by QIDO-RS with the session that the browser has."""
    answer = httpx.get(
        f"{watched.hub}/dicomweb/{root}", params=query, cookies=cookies(watched), timeout=60,
        headers={"accept": "application/dicom+json"},
    )  # fmt: skip
    assert answer.status_code in {200, 204}, answer.text
    return answer.json() if answer.status_code == 200 else []


def study(watched: Watched, root: str, modality: str) -> str:
    uid: str = found(watched, f"{root}/studies", ModalitiesInStudy=modality)[0]["0020000D"]["Value"][0]
    return uid


def test_a_volume_in_three_planes_with_its_segmentation(visit: Callable[[str], Watched]) -> None:
    seen = visit("curator")
    uid = study(seen, "drafts/meningioma", "SEG")
    seen.look(f"/viewer/drafts/meningioma/viewer?StudyInstanceUIDs={uid}&hangingProtocolId=mpr")
    seen.pictures(3)
    seen.page.get_by_text(re.compile("IMPORTED")).first.dblclick()
    seen.page.wait_for_function(
        "() => document.querySelector('[data-cy=\"segmentation-panel\"], [data-cy=\"data-row\"]')"
        " || [...document.querySelectorAll('svg path')].length > 0", timeout=SOON,
    )  # fmt: skip
    seen.page.wait_for_timeout(3000)
    seen.shot("planes-and-segmentation")
    assert seen.page.evaluate("self.crossOriginIsolated") is True
    seen.is_well()


def test_a_slide_under_the_microscope_from_its_release_in_one_click(visit: Callable[[str], Watched]) -> None:
    seen = visit("")
    seen.look(f"/studies/twins/oral-cancer@{VERSION}?modality=SM")
    seen.page.locator("main .thumbs a").first.click()
    seen.page.wait_for_url("**/microscopy?**")
    seen.pictures(1)
    seen.page.wait_for_timeout(2000)
    seen.shot("slide")
    seen.is_well()


def test_a_photograph(visit: Callable[[str], Watched]) -> None:
    seen = visit("curator")
    seen.look("/studies/drafts/oral-cancer?modality=XC")
    seen.page.locator("main .thumbs a").first.click()
    seen.pictures(1)
    seen.shot("photograph")
    seen.is_well()


def test_a_length_is_kept_as_a_report_and_found_again(visit: Callable[[str], Watched]) -> None:
    seen = visit("curator")
    uid = study(seen, "drafts/oral-cancer", "CT")
    before = found(seen, f"drafts/oral-cancer/studies/{uid}/series", Modality="SR")
    seen.look(f"/viewer/drafts/oral-cancer/viewer?StudyInstanceUIDs={uid}")
    seen.pictures(1)
    page = seen.page
    box = page.locator("[data-viewportid], .viewport-element").first.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.locator('[data-cy="MeasurementTools-split-button-primary"]').first.click()
    page.mouse.click(x - 100, y - 60)
    page.mouse.move(x, y)
    page.mouse.click(x + 100, y + 60)
    page.wait_for_timeout(1000)
    page.locator('[data-cy="trackedMeasurements-btn"]').first.click()
    page.get_by_text("Create SR").first.click(timeout=SOON)
    page.get_by_role("button", name="Save").last.click(timeout=SOON)
    page.wait_for_function("() => document.body.innerText.includes('saved')", timeout=SOON)
    seen.shot("length-as-report")
    assert seen.stored == [200]
    kept = found(seen, f"drafts/oral-cancer/studies/{uid}/series", Modality="SR")
    assert len(kept) == len(before) + 1
    seen.is_well()


def test_without_the_right_there_is_no_picture_and_no_link_but_the_way_to_ask(
    visit: Callable[[str], Watched],
) -> None:
    uid = study(visit("curator"), "drafts/meningioma", "MR")
    stranger = visit("admin")
    for root in ("drafts/meningioma", f"releases/meningioma@{VERSION}"):
        answer = stranger.page.goto(f"{stranger.hub}/viewer/{root}/viewer?StudyInstanceUIDs={uid}")
        assert answer
        assert answer.status == 403
        assert stranger.page.locator("canvas").count() == 0
        asked = httpx.get(
            f"{stranger.hub}/dicomweb/{root}/studies/{uid}/thumbnail", cookies=cookies(stranger)
        )
        assert asked.status_code == 403
    stranger.look(f"/datasets/meningioma/releases/{VERSION}")
    assert stranger.page.locator("main a[href^='/viewer/']").count() == 0
    assert stranger.page.locator("main a[href*='/ask']").count() >= 1
    nobody = visit("")
    nobody.look(f"/viewer/releases/meningioma@{VERSION}/viewer?StudyInstanceUIDs={uid}")
    assert "/sign-in?next=" in nobody.page.url
