"""How soon the viewer shows its first image, with the hub and with Orthanc behind it: the same study, the same browser.

    python -m benchmarks.dicomweb.viewer [--folder DIR] [--times 15]

Both servers hold the 11,000 instances of `benchmarks.dicomweb`. The page and the viewer's program come from the hub and
stand in the browser's cache; what is below /dicomweb goes through the browser's interception in both cases, to the hub or
to Orthanc. A time runs from the navigation to the first canvas with a picture, and again from the first question about
images, before which the browser only starts the program; the two take turns.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import httpx
from benchmarks.dicomweb.images import make
from benchmarks.dicomweb.servers import Root, fill, hub, orthanc

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Route

FLAGS = ["--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
         "--ignore-gpu-blocklist", "--disable-background-networking"]  # fmt: skip
SHOWN = """() => {
  for (const canvas of document.querySelectorAll('canvas')) {
    if (canvas.width < 300) continue;
    const copy = document.createElement('canvas');
    [copy.width, copy.height] = [48, 48];
    const pen = copy.getContext('2d');
    pen.drawImage(canvas, 0, 0, 48, 48);
    const seen = new Set(pen.getImageData(0, 0, 48, 48).data.filter((_, at) => at % 4 === 0));
    if (seen.size > 12) {
      const asked = performance.getEntriesByType('resource').filter(one => one.name.includes('/dicomweb/'));
      const now = performance.now();
      return [now / 1000, (now - Math.min(...asked.map(one => one.startTime))) / 1000];
    }
  }
  return null;
}"""
"""Seconds since the navigation began and since the first question about images, once a canvas shows a picture."""
Seconds = tuple[float, float]
ROOT = "/dicomweb/drafts/bench"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="where images and servers stand; kept, to be used again")
    parser.add_argument("--times", type=int, default=15, help="how often each is opened")
    asked = parser.parse_args()
    with ExitStack() as ends:
        folder = asked.folder or Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="midas-bench-")))
        images = make(folder.absolute() / "images")
        home = folder.absolute() / "hub-viewer"
        shutil.rmtree(home, ignore_errors=True)
        token = fill(home, folder.absolute() / "images", "")
        ours = ends.enter_context(hub(home, "", token))
        theirs = ends.enter_context(orthanc(folder.absolute() / "orthanc", images))
        for name, seconds in compare(ours, theirs, times=asked.times).items():
            for what, each in zip(
                ("the navigation", "the first question"), zip(*seconds, strict=True), strict=True
            ):
                told = ", ".join(f"{one:.2f}" for one in sorted(each))
                print(f"{name:8} first image {median(each):.2f} s after {what} (median of {told})")


def compare(ours: Root, theirs: Root, *, times: int) -> dict[str, list[Seconds]]:
    """Open one study `times` times with each behind the viewer; return the seconds."""
    from playwright.sync_api import sync_playwright

    address = ours.url.removesuffix(ROOT)
    headers = {"Authorization": f"Bearer {ours.token}"}
    asked = httpx.get(
        f"{ours.url}/studies", params={"PatientID": "P00001"}, headers=headers
    ).raise_for_status()
    uid = asked.json()[0]["0020000D"]["Value"][0]
    page = f"{address}/viewer/drafts/bench/viewer?StudyInstanceUIDs={uid}"
    found: dict[str, list[Seconds]] = {"hub": [], "Orthanc": []}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        window = chromium.new_context(viewport={"width": 1400, "height": 900})
        for turn in range(times + 1):
            for name, root in (("hub", ours), ("Orthanc", theirs)):
                seconds = opened(window, page, root, headers if name == "hub" else {}, headers)
                if turn:  # the first fills the browser's cache
                    found[name].append(seconds)
        chromium.close()
    return found


def opened(
    window: BrowserContext, address: str, root: Root, headers: dict[str, str], to_page: dict[str, str]
) -> Seconds:
    """Open the viewer with a server behind it; return the seconds to its first image."""

    def asked(route: Route) -> None:
        url = root.url + route.request.url.partition(ROOT)[2]
        if not headers:  # Orthanc knows no thumbnails
            url = url.replace("/thumbnail", "/rendered")
        route.continue_(url=url, headers={**route.request.headers, **headers})

    page = window.new_page()
    page.route(lambda url: ROOT in url, asked)
    page.route(
        lambda url: "/viewer/" in url and "static" not in url,
        lambda route: route.continue_(headers={**route.request.headers, **to_page}),
    )
    page.goto(address)
    total, asking = page.wait_for_function(SHOWN, timeout=120_000).json_value()
    page.close()
    return total, asking


if __name__ == "__main__":
    main()
