"""A hospital's folder, watched by real programs: from a file put there to the operator's page, through stops and starts."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from tests.integration.test_hub_serves import commands, free_port
from tests.unit.quality import phantoms
from tests.unit.spoke.conftest import CONSENTS, LESIONS, PERSONS, VISITS, write_table

pytestmark = pytest.mark.xdist_group("watches")
LONGEST = 300


def slice_of(path: Path, number: int) -> bytes:
    """A CT slice of Ramesh, twice as noisy as it may be."""
    made: Any = phantoms.ct(0, phantoms.ct_pixels(np.random.default_rng(number), noise=80))
    made.PatientID, made.PatientName, made.PatientBirthDate = "WR/24/0001", "Deshmukhwar^Ramesh", "19610305"
    made.StudyDate = made.SeriesDate = made.AcquisitionDate = made.ContentDate = "20240113"
    made.StudyInstanceUID, made.SeriesInstanceUID = f"1.2.3.{number}", f"1.2.3.{number}.1"
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}.1.1"
    made.save_as(path)
    return path.read_bytes()


@dataclass(frozen=True)
class Place:
    """A spoke that knows its persons (so many items), an empty folder, the site's port and an operator's password."""

    home: Path
    watched: Path
    port: int
    password: str
    items: int


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("watched")
    home, watched, port = folder / "home", folder / "camera", free_port()
    watched.mkdir()
    for name, rows in {
        "Patients": PERSONS, "Consent register": CONSENTS, "OPD visits": VISITS, "lesions": LESIONS,
    }.items():  # fmt: skip
        write_table(folder / "tables" / f"{name}.csv", rows)
    where = ("--home", str(home))
    _, told, taken = commands(
        ("spoke", "init", "--name", "wardha", "--protocol", "oral-cancer", "--port", str(port), *where),
        ("spoke", "user", "add", "asha", "--role", "operator", *where),
        ("spoke", "receive", str(folder / "tables"), *where),
    )  # fmt: skip
    return Place(home, watched, port, told["password"], taken["in"])


@contextmanager
def running(*words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-W", "ignore", "-c", "from midas.cli import main; main()", "spoke", *words]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield program
    finally:
        if program.poll() is None:
            program.kill()
            program.wait()


def ended(program: subprocess.Popen[str]) -> str:
    """Press Ctrl-C; return what the program said. It ends well and says nothing of Python."""
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=LONGEST)
    assert program.returncode == 0, err
    assert "Traceback" not in err
    return out


def wait(seen: Any) -> Any:
    until = time.monotonic() + LONGEST
    while not (found := seen()):
        assert time.monotonic() < until, "nothing came"
        time.sleep(0.3)
    return found


def signed_in(port: int, password: str) -> httpx.Client:
    site = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, follow_redirects=True)

    def page() -> httpx.Response | None:
        with suppress(httpx.TransportError):
            return site.get("/sign-in")
        return None

    csrf = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', wait(page).text)
    assert csrf is not None
    words = {"username": "asha", "password": password, "csrfmiddlewaretoken": csrf[1]}
    assert "/sign-in" not in str(
        site.post("/sign-in", data=words, headers={"Referer": str(site.base_url)}).url
    )
    return site


def token(page: str) -> str:
    """Return what the page sends along when it asks for news."""
    found = re.search(r'"X-Seen": "([^"]+)"', page)
    assert found is not None
    return str(json.loads(f'"{found[1]}"'))


def asked_again(site: httpx.Client) -> int:
    """Open the page, and ask at once for news."""
    seen = token(site.get("/batches/2").text)
    return site.get("/batches/2", headers={"X-Seen": seen}).status_code


@pytest.mark.timeout(900)
def test_from_the_folder_to_the_operators_page_and_through_a_restart(place: Place, tmp_path: Path) -> None:
    watched, where = place.watched, ("--home", str(place.home))
    with running("serve", "--watch", str(watched), *where) as program:
        site = signed_in(place.port, place.password)
        whole = slice_of(tmp_path / "1.dcm", 1)
        (watched / "1.dcm.part").write_bytes(whole)
        (watched / "1.dcm.part").rename(watched / "1.dcm")
        page = wait(lambda: 'id="seen"' in (one := site.get("/batches/2").text) and one)
        assert 'hx-trigger="every 3s"' in page
        (watched / "torn.dcm").write_bytes(slice_of(tmp_path / "2.dcm", 2)[:9000])
        wait(lambda: "cut short" in site.get("/batches/2").text)
        assert site.get("/batches/2", headers={"X-Seen": token(page)}).status_code == 200, "there is news"
        assert wait(lambda: asked_again(site) == 204), "and then there is none"
        ended(program)
    slice_of(watched / "3.dcm", 3)
    Image.effect_noise((900, 700), 60).save(watched / "letter.jpg")
    with running("watch", "--json", *where) as program:
        assert program.stdout is not None
        told: list[dict[str, int]] = []
        while sum(one["files"] for one in told) < 2:
            told.append(json.loads(program.stdout.readline()))
        with running("watch", str(watched), *where) as second:
            assert second.wait(LONGEST) == 5, "one program watches at a time"
        ended(program)
    after, again = commands(("spoke", "status", *where), ("spoke", "receive", str(watched), *where))
    assert after["in"] == sum(after[state] for state in ("waiting", "held", "refused", "sent"))
    assert after["in"] == told[-1]["in"] == place.items + 4
    assert again["in"] == after["in"], "receiving the same folder finds nothing new"
    assert whole == (watched / "1.dcm").read_bytes()
