"""Seconds from an image's arrival in the spoke's folder to what the first look found, on the operator's screen.

    python benchmarks/quality/arrival.py [--images 50] [--once]

A spoke of its own with the tables of one person, its site served by `midas spoke serve`. One CT image of 512 x 512 after the
other is put into a folder, and `midas spoke receive` is started, as an operator or a timer does: the program's start counts.
Meanwhile the page of the newest batch is asked for over HTTP, signed in as an operator, until it names a finding. Goes out:
p50, p95 and the longest, in seconds of the clock; with `--once` all images lie in one folder, and the page must count them.
"""

from __future__ import annotations

import argparse
import csv
import json
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


def midas(*words: str | Path) -> str:
    done = subprocess.run([*MIDAS, *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"midas {' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


def tables(folder: Path) -> Path:
    folder.mkdir()
    for name, rows in TABLES.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(rows)
    return folder


def image(path: Path, number: int) -> None:
    """Write a CT image of the person, each in a study of its own, twice as noisy as it may be."""
    phantoms.SIDE = 512
    made = phantoms.ct(0, phantoms.ct_pixels(np.random.default_rng(number), noise=80))
    made.PatientID, made.PatientName, made.PatientBirthDate = "WR/24/1", "Demo^Ramesh", "19610305"
    made.StudyDate = made.SeriesDate = made.AcquisitionDate = made.ContentDate = "20240113"
    made.StudyInstanceUID, made.SeriesInstanceUID = f"1.2.3.{number}", f"1.2.3.{number}.1"
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}.1.1"
    made.save_as(path)


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

    def found(self, batch: int) -> int:
        """Return how many items the page says that one check found something in; 0 where it says nothing yet."""
        page = self.site.get(f"/batches/{batch}")
        told = re.search(r'id="seen".*?</table>', page.text, re.DOTALL)
        numbers = re.findall(r'<td class="num">([\d,]+)</td>', told[0]) if told else []
        return max((int(one.replace(",", "")) for one in numbers), default=0)

    def wait(self, batch: int, number: int) -> None:
        until = time.monotonic() + LONGEST
        while self.found(batch) < number:
            if time.monotonic() > until:
                raise SystemExit(f"batch {batch}: nothing on the screen after {LONGEST} s")
            time.sleep(EVERY)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def arrive(home: Path, folder: Path, numbers: range, batch: int, screen: Screen) -> float:
    """Put the images into the folder, receive it, and return the seconds until the screen tells of all of them."""
    folder.mkdir()
    for number in numbers:
        image(folder.parent / f"{number}.part", number)
    began = time.perf_counter()
    for number in numbers:
        (folder.parent / f"{number}.part").rename(folder / f"{number}.dcm")
    work = threading.Thread(target=midas, args=("spoke", "receive", folder, "--home", home))
    work.start()
    screen.wait(batch, len(numbers))
    took = time.perf_counter() - began
    work.join()
    return took


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--images", type=int, default=50)
    asked.add_argument("--once", action="store_true")
    words = asked.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        home, port = work / "home", free_port()
        midas(
            "spoke",
            "init",
            "--name",
            "wardha",
            "--protocol",
            "oral-cancer",
            "--home",
            home,
            "--port",
            str(port),
        )
        told = json.loads(midas("spoke", "user", "add", "asha", "--home", home, "--json"))
        midas("spoke", "receive", tables(work / "tables"), "--home", home)
        serving = subprocess.Popen([*MIDAS, "spoke", "serve", "--home", str(home)], stderr=subprocess.DEVNULL)
        try:
            screen = Screen(f"http://127.0.0.1:{port}", "asha", told["password"])
            if words.once:
                took = arrive(home, work / "all", range(words.images), 2, screen)
                print(f"{words.images} images at once: all on the screen after {took:.1f} s")
                return 0
            each = []
            for number in range(words.images):
                each.append(arrive(home, work / f"in{number}", range(number, number + 1), number + 2, screen))
                print(f"{number + 1:4} {each[-1]:6.2f} s", file=sys.stderr, flush=True)
        finally:
            serving.terminate()
            serving.wait()
    middle, high = np.percentile(each, [50, 95])
    print(f"{len(each)} images, one by one: p50 {middle:.2f} s, p95 {high:.2f} s, longest {max(each):.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
