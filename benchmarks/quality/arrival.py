"""Seconds from an image's arrival in a folder that the spoke watches to what the first look found, on the operator's screen.

    python benchmarks/quality/arrival.py [--images 50] [--settle 2] [--start]

A spoke of its own with the tables of one person, its site served by `midas spoke serve`, a folder watched by `midas spoke
watch`. One image after the other is renamed into it: by turns a CT slice of 512 x 512, twice as noisy as it may be, and a
photograph of 2 million pixels, out of focus. Meanwhile the page of the batch is asked for over HTTP, signed in as an
operator, until it counts one more image with that finding. Goes out: p50, p95 and the longest, in seconds of the clock,
for both and for each kind. With `--start` each image has a folder and a `midas spoke receive` of its own, as before there
were watched folders: the program's start counts.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import httpx
import numpy as np
from PIL import Image as Picture
from tests.unit.quality import phantoms

MIDAS = [sys.executable, "-W", "ignore", "-c", "from midas.cli import main; main()"]
EVERY = 0.05
"""Seconds between two looks at the page."""
LONGEST = 120
TABLES = {
    "Patients": [("UHID No", "Name", "DOB", "Gender", "State"), ("WR/24/1", "Ramesh Demo", "05/03/1961", "M", "MH")],
    "Consent register": [("UHID", "Basis", "Reference", "Given on"), ("WR/24/1", "consent", "consented", "10/01/2024")],
    "OPD visits": [("UHID", "Visit", "Visit Date", "Age"), ("WR/24/1", "baseline", "12/01/2024", "")],
    "lesions": [("UHID", "Visit", "Lesion No", "Site", "Side"), ("WR/24/1", "baseline", "A", "जीभ", "L")],
}  # fmt: skip
RULES = ("ct.noise", "photo.sharpness")
PHOTOS = ("File", "UHID", "Visit", "Lesion", "View")


def midas(*words: str | Path) -> str:
    done = subprocess.run([*MIDAS, *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"midas {' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


def tables(folder: Path, images: int) -> Path:
    folder.mkdir()
    photos = [
        (f"{number}.jpg", "WR/24/1", "baseline", "A", "lesion-close-up") for number in range(1, images, 2)
    ]
    for name, rows in {**TABLES, "photos": [PHOTOS, *photos]}.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(rows)
    return folder


def image(folder: Path, number: int) -> Path:
    """Write an image of the person: each CT slice in a study of its own, each photograph of other pixels."""
    random = np.random.default_rng(number)
    if number % 2:
        small = random.integers(60, 200, (30, 40, 3), dtype=np.uint8)
        Picture.fromarray(small).resize((1632, 1224), Picture.Resampling.BICUBIC).save(
            folder / f"{number}.jpg", quality=92
        )
        return folder / f"{number}.jpg"
    phantoms.SIDE = 512
    made = phantoms.ct(0, phantoms.ct_pixels(random, noise=80))
    made.PatientID, made.PatientName, made.PatientBirthDate = "WR/24/1", "Demo^Ramesh", "19610305"
    made.StudyDate = made.SeriesDate = made.AcquisitionDate = made.ContentDate = "20240113"
    made.StudyInstanceUID, made.SeriesInstanceUID = f"1.2.3.{number}", f"1.2.3.{number}.1"
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}.1.1"
    made.save_as(folder / f"{number}.dcm")
    return folder / f"{number}.dcm"


class Screen:
    """The operator's browser: signed in, on the page of the newest batch."""

    def __init__(self, address: str, name: str, password: str) -> None:
        self.site = httpx.Client(base_url=address, timeout=30, follow_redirects=True)
        for _ in range(600):
            with suppress(httpx.TransportError):
                page = self.site.get("/sign-in")
                break
            time.sleep(0.2)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        words = {"username": name, "password": password, "csrfmiddlewaretoken": token[1] if token else ""}
        asked = self.site.post("/sign-in", data=words, headers={"Referer": address})
        if asked.status_code != 200 or "/sign-in" in str(asked.url):
            raise SystemExit(f"signing in: {asked.status_code} at {asked.url}")

    def found(self, batch: int, rule: str) -> int:
        """Return in how many images a check found something, as the page of a batch says; 0 where it says nothing yet."""
        page = self.site.get(f"/batches/{batch}").text
        told = re.search(rf'seen={re.escape(rule)}".*?<td class="num">([\d,]+)</td>', page, re.DOTALL)
        return int(told[1].replace(",", "")) if told else 0

    def wait(self, batch: int, rule: str, number: int) -> None:
        until = time.monotonic() + LONGEST
        while self.found(batch, rule) < number:
            if time.monotonic() > until:
                raise SystemExit(f"batch {batch}: nothing on the screen after {LONGEST} s")
            time.sleep(EVERY)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def by_watching(work: Path, watched: Path, number: int, screen: Screen) -> float:
    """Rename an image into the watched folder; return the seconds until the screen tells of it."""
    made = image(work, number)
    began = time.perf_counter()
    made.rename(watched / made.name)
    screen.wait(2, RULES[number % 2], number // 2 + 1)
    return time.perf_counter() - began


def by_starting(work: Path, home: Path, number: int, screen: Screen) -> float:
    """Receive an image from a folder of its own by a program of its own; return the seconds until the screen tells."""
    folder = work / f"in{number}"
    folder.mkdir()
    made = image(work, number)
    began = time.perf_counter()
    made.rename(folder / made.name)
    starting = threading.Thread(target=midas, args=("spoke", "receive", folder, "--home", home))
    starting.start()
    screen.wait(number + 2, RULES[number % 2], 1)
    took = time.perf_counter() - began
    starting.join()
    return took


def measured(images: int, settle: float, start: bool) -> list[float]:
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        home, watched, port = work / "home", work / "watched", free_port()
        watched.mkdir()
        where = ("--home", home)
        midas("spoke", "init", "--name", "wardha", "--protocol", "oral-cancer", "--port", str(port), *where)
        told = json.loads(midas("spoke", "user", "add", "asha", "--json", *where))
        midas("spoke", "receive", tables(work / "tables", images), *where)
        programs = (
            [["spoke", "serve"]]
            if start
            else [["spoke", "serve"], ["spoke", "watch", str(watched), "--settle", str(settle)]]
        )
        running = [
            subprocess.Popen(
                [*MIDAS, *words, "--home", str(home)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            for words in programs
        ]
        try:
            screen = Screen(f"http://127.0.0.1:{port}", "asha", told["password"])
            each: list[float] = []
            for number in range(images):
                if start:
                    each.append(by_starting(work, home, number, screen))
                else:
                    each.append(by_watching(work, watched, number, screen))
                print(f"{number + 1:4} {each[-1]:6.2f} s", file=sys.stderr, flush=True)
        finally:
            for program in running:
                program.terminate()
            for program in running:
                program.wait()
    return each


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--images", type=int, default=50)
    asked.add_argument("--settle", type=float, default=2.0)
    asked.add_argument("--start", action="store_true")
    words = asked.parse_args()
    began, busy = time.perf_counter(), os.times()
    each = measured(words.images, words.settle, words.start)
    for name, some in (("all", each), ("CT slices", each[::2]), ("photographs", each[1::2])):
        if some:
            middle, high = np.percentile(some, [50, 95])
            print(
                f"{len(some)} {name}, one by one: p50 {middle:.2f} s, p95 {high:.2f} s, longest {max(some):.2f} s"
            )
    spent, took = sum(os.times()[:4]) - sum(busy[:4]), time.perf_counter() - began
    print(
        f"{spent:.0f} s of processor in {took:.0f} s; load of the machine at the end: {os.getloadavg()[0]:.1f}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
