"""Pictures for the README and the guides: the running demo's pages, a spoke with held images, a hub at work.

In come the demo that `make demo` built, a spoke filled with screens of synthetic persons, and a hub as it is after some
weeks; out go PNG files of 256 colours under `docs/pictures/`. Persons are invented, pictures are drawn or ship in packages.

    python tools/screenshots.py [NAME …]     all pictures, or those whose name begins so

`MIDAS_GALLERY_HUB` names a filled hub (`tests/gallery/serve_hub.py`) that runs already.
"""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "pictures"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PATIENCE_MS = 180_000
VERSION = "1.0.0"
PASSWORD = "look-and-see-1"  # pragma: allowlist secret
"""Of everybody in a filled hub or spoke."""


@dataclass(frozen=True)
class Shot:
    """One picture: where, as seen how. `whole` takes the page to its end, else what fits the window is shown."""

    name: str
    path: str
    size: tuple[int, int] = (1280, 860)
    dark: bool = False
    language: str = "en"
    whole: bool = False


HUB = (
    Shot("home", "/"),
    Shot("dataset", "/datasets/oral-cancer"),
    Shot("release", f"/datasets/oral-cancer/releases/{VERSION}/twin"),
)
SPOKE = (
    Shot("spoke-grid", "/review"),
    Shot("spoke-review", "/items/{item}?reason=masked-unseen", size=(1440, 1000)),
    Shot("spoke-review-dark", "/items/{item}?reason=masked-unseen", size=(1440, 1000), dark=True),
    Shot("spoke-review-hindi", "/items/{item}?reason=masked-unseen", size=(1440, 1000), language="hi"),
    Shot("spoke-review-phone", "/items/{item}?reason=masked-unseen", size=(390, 844), language="hi"),
)


AT_WORK = (
    Shot("hub-grade", "/grading/3"),
    Shot("hub-gallery", "/curation/quality/queue"),
    Shot("hub-coverage", "/datasets/oral-cancer/coverage", size=(1280, 1180)),
)


def open_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def filled(what: str) -> Iterator[str]:
    """Fill and serve a `hub` or a `spoke` for as long as the block lasts."""
    if what == "hub" and (running := os.environ.get("MIDAS_GALLERY_HUB")):
        yield running
        return
    port = open_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [
            sys.executable, str(ROOT / f"tests/gallery/serve_{what}.py"), f"{folder}/{what}", str(port)
        ]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as served:
            try:
                for _ in range(900):
                    with socket.socket() as tried:
                        if tried.connect_ex(("127.0.0.1", port)) == 0:
                            break
                    time.sleep(0.2)
                yield f"http://127.0.0.1:{port}"
            finally:
                served.terminate()


def take(
    browser: Any, address: str, shots: tuple[Shot, ...], *, account: tuple[str, str] | None = None
) -> None:
    for shot in shots:
        context = browser.new_context(
            viewport={"width": shot.size[0], "height": shot.size[1]}, locale=shot.language,
            color_scheme="dark" if shot.dark else "light",
        )  # fmt: skip
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        if account:
            page.goto(f"{address}/sign-in")
            page.fill("input[name=username]", account[0])
            page.fill("input[name=password]", account[1])
            page.click("main form button")
        path = shot.path
        if "{item}" in path:
            page.goto(f"{address}/review?reason=masked-unseen")
            path = str(page.locator(".held-card .open").first.get_attribute("href"))
        page.goto(address + path, wait_until="networkidle")
        OUT.mkdir(parents=True, exist_ok=True)
        keep(OUT / f"{shot.name}.png", page.screenshot(full_page=shot.whole))
        print(f"{shot.name}.png")
        context.close()


def keep(path: Path, taken: bytes) -> None:
    """Keep a picture with 256 colours of its own: a page has few, and the file is a third as large."""
    from PIL import Image

    with Image.open(io.BytesIO(taken)) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def main(names: list[str]) -> None:
    from playwright.sync_api import sync_playwright

    from midas.testing.demo import story
    from midas.testing.demo.place import Place

    def wanted(shots: tuple[Shot, ...]) -> tuple[Shot, ...]:
        return tuple(shot for shot in shots if not names or shot.name.startswith(tuple(names)))

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        if shots := wanted(SPOKE):
            with filled("spoke") as address:
                take(browser, address, shots, account=("asha", PASSWORD))
        if shots := wanted(AT_WORK):
            with filled("hub") as address:
                take(browser, address, shots, account=("curator", PASSWORD))
        if shots := wanted(HUB):
            place = Place(ROOT / ".demo")
            done = place.kept("done.json")
            if not done:
                sys.exit("The demo is not built here: run `make demo ONCE=1` first.")
            addresses = story.Addresses(done["hub"], done["spokes"])
            with story.served(place, addresses):
                take(browser, addresses.hub, shots)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
