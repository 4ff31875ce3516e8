"""Minutes of human work for 100 held images: a scripted first-time reviewer in Chromium, timed as people work.

In comes nothing; a spoke with 100 held images of synthetic persons is made, its site is served, and a script decides each
image as a careful person would: it opens it, looks at both pictures, checks every box, draws what the machine left out.
The machine's own time is measured; a person's time is added to it by the Keystroke-Level Model (Card, Moran and Newell,
1980: keystroke of an average non-secretary typist 0.28 s, pointing 1.1 s, mouse button 0.1 s, homing 0.4 s, mental act
1.35 s), and for a first-time reader as said at `LOOK_S`. Decisions are checked against the truth. Prints a table and JSON.

    python benchmarks/review.py [--json FILE] [--images 100]
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
KEY_S, POINT_S, BUTTON_S, HOME_S, MENTAL_S = 0.28, 1.1, 0.1, 0.4, 1.35
"""Operators of the Keystroke-Level Model in seconds: K, P, B, H, M."""
LOOK_S = 2.5
"""Seconds for a first glance at a picture that was not seen before, beyond one mental act: two to three fixations for each
corner where devices write, at about a quarter of a second each: an assumption, to be replaced by a measured person."""
CHECK_S = 1.0
"""Seconds to compare one box with the words under it, before and after."""
LEARN_S = 90.0
"""Seconds that a first-time reviewer spends with the key help and the first screen; counted once."""
NAMES = (
    ("Sunita Deshmukh", "WR/24/0117"), ("Meenakshi Subramaniam", "WR/24/0233"), ("Farida Bano", "WR/23/8812"),
    ("Lata Waghmare", "WR/24/0458"), ("Gurpreet Kaur", "WR/22/1009"),
)  # fmt: skip
PASSWORD = "look-and-see-1"
NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
LAID_PX = 6
"""Pixels by which the same line begins elsewhere on another screen of the same device."""
MISSED, FALSE_BOX = 7, 9
"""Every seventh image lacks one box that it needs, every ninth has one too many: worse than the engine does."""


@dataclass
class Work:
    """What a person did, counted by operator; `machine_s` is what pages took to answer."""

    keys: int = 0
    points: int = 0
    buttons: int = 0
    homes: int = 0
    mental: int = 0
    looks: int = 0
    checks: int = 0
    machine_s: float = 0.0
    acts: dict[str, int] = field(default_factory=dict)

    @property
    def human_s(self) -> float:
        return (
            self.keys * KEY_S + self.points * POINT_S + self.buttons * BUTTON_S + self.homes * HOME_S
            + self.mental * MENTAL_S + self.looks * LOOK_S + self.checks * CHECK_S
        )  # fmt: skip


def fill(home: Any, images: int) -> dict[int, list[list[int]]]:
    """Hold `images` ultrasound screens with the boxes that a machine would propose; return the true boxes by item."""
    from django.contrib.auth import get_user_model

    from midas.deid.model import Region
    from midas.spoke.inks import inks
    from midas.spoke.intake import screens, store
    from midas.spoke.intake.models import Batch, Item, Reviewer
    from midas.spoke.vault.models import Person
    from midas.spoke.vault.projects import desk
    from midas.testing.hospital import ultrasound

    work = desk(home=home)
    Reviewer.objects.create(account=get_user_model().objects.create_user(username="asha", password=PASSWORD))
    person = Person.objects.create(
        project=work.project, pseudonym="P-7K3QX-M2W9D", shift_days=-211, created_at=NOW
    )
    batch = Batch.objects.create(
        project=work.project, origin=work.vault.seal("x", about="batch"), started_at=NOW
    )
    truth: dict[int, list[list[int]]] = {}
    for number in range(images):
        device = ultrasound.DEVICES[number % 3]
        name, uhid = NAMES[number // 3 % 5]
        path = home.scratch / f"{number}.dcm"
        boxes = ultrasound.screen(
            device,
            path,
            name=name,
            uhid=uhid,
            born=date(1971, 3, 9),
            on=date(2024, 3, 1 + number % 28),
            seed=number,
        )
        left, top, size, _words = device.harmless[0]
        proposed = [
            Region(*box, rule="not-technical-text", evidence="found 0.97, read 0.96") for box in boxes
        ]
        if number % MISSED == MISSED - 1:
            proposed = proposed[1:]
        if number % FALSE_BOX == FALSE_BOX - 1:
            proposed.append(
                Region(left - 3, top - 2, 130, size + 8, "not-technical-text", "found 0.91, read 0.62")
            )
        kept = store.keep(home, path)
        item = Item.objects.create(
            batch=batch, kind="dicom", name=work.vault.seal(f"usg/{uhid}/{number:03d}.dcm", about="item"),
            lookup=str(number), state="held", reason="masked-unseen", person=person, definition="face-neck-ct",
            changed_at=NOW, group=f"s{number // 15}-{number % 3}", sha256=kept.sha256, stored=kept.place, size=kept.size,
            regions=screens.as_json(work, proposed, inks(path, proposed)),
        )  # fmt: skip
        item.screen = screens.screen_of(work, item, proposed)
        item.save(update_fields=["screen"])
        truth[item.pk] = [list(box) for box in boxes]
    return truth


class Reviewer:
    """A person at the review page. Each method is what hands and eyes do, counted and carried out."""

    def __init__(self, page: Any, base: str, truth: dict[int, list[list[int]]]) -> None:
        self.page, self.base, self.truth, self.work = page, base, truth, Work()

    def waiting(self, act: Any) -> None:
        began = time.monotonic()
        with self.page.expect_navigation(wait_until="load"):
            act()
        self.work.machine_s += time.monotonic() - began

    def press(self, key: str, *, leads_on: bool = False) -> None:
        self.work.keys += 1
        if leads_on:
            self.waiting(lambda: self.page.keyboard.press(key))
        else:
            self.page.keyboard.press(key)

    def sign_in(self) -> None:
        page = self.page
        page.goto(f"{self.base}/sign-in")
        page.fill("#username", "asha")
        page.fill("#password", PASSWORD)
        self.waiting(lambda: page.click("main form button"))
        self.waiting(lambda: page.goto(f"{self.base}/review?reason=masked-unseen&each=1"))
        self.press("j")
        self.press("Enter", leads_on=True)

    def number(self) -> int:
        return int(self.page.url.split("/items/")[1].split("?")[0])

    def boxes(self) -> list[list[int]]:
        found: list[list[int]] = json.loads(self.page.input_value("#boxes"))
        return found

    def draw(self, box: list[int]) -> None:
        """Drag a box over a line of text: home to the mouse, point twice, press and release, home back."""
        sheet = self.page.locator("[data-stage] svg")
        place = sheet.bounding_box()
        width, height = (int(side) for side in sheet.get_attribute("viewBox").split()[2:])
        scale = min(place["width"] / width, place["height"] / height)
        x0 = place["x"] + (place["width"] - width * scale) / 2
        y0 = place["y"] + (place["height"] - height * scale) / 2
        mouse = self.page.mouse
        mouse.move(x0 + (box[0] - 4) * scale, y0 + (box[1] - 4) * scale)
        mouse.down()
        mouse.move(x0 + (box[0] + box[2] + 5) * scale, y0 + (box[1] + box[3] + 5) * scale, steps=5)
        mouse.up()
        self.work.homes += 2
        self.work.points += 2
        self.work.buttons += 2
        self.work.mental += 1

    def laid_over(self, true: list[int]) -> list[int]:
        """Return what a line reaches on all images that the page lays over each other: whatever begins at its place."""
        alike = [
            box for boxes in self.truth.values() for box in boxes
            if abs(box[0] - true[0]) < LAID_PX and abs(box[1] - true[1]) < LAID_PX
        ]  # fmt: skip
        right, bottom = max(box[0] + box[2] for box in alike), max(box[1] + box[3] for box in alike)
        left, top = min(box[0] for box in alike), min(box[1] for box in alike)
        return [left, top, right - left, bottom - top]

    def decide(self, *, layouts: bool) -> None:
        """Look at one image, put its boxes right, and decide it, or all that look the same."""
        truth = self.truth[self.number()]
        self.work.looks += 1
        self.work.mental += 1
        for place, box in reversed(list(enumerate(self.boxes()))):
            self.work.checks += 1
            if not any(_overlap(box, true) for true in truth):
                for _ in range(place + 1):
                    self.press("]")
                self.press("d")
                self.work.mental += 1
        whole = layouts and self.page.locator("#scope-layout").count() > 0
        if whole:
            self.work.mental += 1
            self.press("l")
        for true in truth:
            if not any(_covers(box, true) for box in self.boxes()):
                self.draw(self.laid_over(true) if whole else true)
        self.press("m", leads_on=True)
        name = "layouts" if whole else "images"
        self.work.acts[name] = self.work.acts.get(name, 0) + 1


def _overlap(box: list[int], other: list[int]) -> bool:
    return (
        min(box[0] + box[2], other[0] + other[2]) > max(box[0], other[0])
        and min(box[1] + box[3], other[1] + other[3]) > max(box[1], other[1])
    )  # fmt: skip


def _covers(box: list[int], other: list[int], *, slack: int = 3) -> bool:
    return (
        box[0] <= other[0] + slack and box[1] <= other[1] + slack
        and box[0] + box[2] >= other[0] + other[2] - slack and box[1] + box[3] >= other[1] + other[3] - slack
    )  # fmt: skip


def open_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def review(home: Any, truth: dict[int, list[list[int]]], *, layouts: bool) -> Work:
    """Serve the site, let the reviewer decide everything, and check each decision."""
    from playwright.sync_api import sync_playwright

    port = open_port()
    command = [
        str(Path(sys.executable).with_name("midas")),
        "spoke",
        "serve",
        "--home",
        str(home.path),
        "--port",
        str(port),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as site:
        try:
            _wait_for(port)
            with sync_playwright() as play:
                browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
                page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
                page.set_default_timeout(300_000)
                person = Reviewer(page, f"http://127.0.0.1:{port}", truth)
                person.sign_in()
                while "/items/" in page.url:
                    person.decide(layouts=layouts)
                browser.close()
                return person.work
        finally:
            site.terminate()


def _wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SystemExit("The site did not start.")


def left_open(truth: dict[int, list[list[int]]]) -> tuple[int, int]:
    """Return how many true boxes the decisions leave uncovered, and how many images are still held."""
    from midas.spoke.intake.models import Item
    from midas.spoke.reviewing import boxes_for, standing

    bare = held = 0
    for item in Item.objects.filter(pk__in=truth):
        decision = standing(item)
        if decision is None:
            held += 1
            continue
        boxes = [list(box) for box in boxes_for(decision, item)]
        bare += sum(not any(_covers(box, true) for box in boxes) for true in truth[item.pk])
    return bare, held


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--json", type=Path)
    told.add_argument("--images", type=int, default=100)
    told.add_argument("--way", choices=["images", "layouts"], default="images")
    asked = told.parse_args()
    from midas.protocol import load_named
    from midas.spoke import bootstrap
    from midas.spoke.home import Config

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        config = Config(name="spdc-wardha", project="oral-cancer")
        home = bootstrap.initialise(
            path=Path(folder) / "spoke", config=config, loaded=load_named("oral-cancer")
        )
        truth = fill(home, asked.images)
        work = review(home, truth, layouts=asked.way == "layouts")
        bare, held = left_open(truth)
    whole = (work.human_s + work.machine_s) * 100 / asked.images + LEARN_S
    made = {
        "way": asked.way, "images": asked.images, "acts": work.acts, "human_s": round(work.human_s, 1),
        "machine_s": round(work.machine_s, 1), "learning_s": LEARN_S,
        "minutes_per_100": round(whole / 60, 1), "boxes_left_bare": bare, "still_held": held,
        "operators": {name: value for name, value in asdict(work).items() if name not in {"acts", "machine_s"}},
    }  # fmt: skip
    print(json.dumps(made, indent=1))
    if asked.json:
        asked.json.write_text(json.dumps(made, indent=1), "utf-8")


if __name__ == "__main__":
    main()
