"""Two readers and an adjudicator through to labels in a release: in Chromium, and what is drawn by STOW-RS over HTTP.

The curator sets two tasks in two clicks each. Impressions are read by keyboard; outlines are drawn by a DICOMweb client
on images that it fetched from the task's own root, and found again there by who drew them and by nobody else.
"""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient
from tests.reading_ward import PASSWORD, outline

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.system("chromium"), pytest.mark.xdist_group("readings")]
ROOT = Path(__file__).parents[2]
SHOTS = Path(os.environ.get("MIDAS_SCREENSHOTS") or ROOT / ".state" / "screens")
FILL = """
import json, sys
from pathlib import Path
from midas.web import bootstrap
bootstrap.initialise(Path(sys.argv[1]), public_url=sys.argv[2])
from midas.kernel import SystemClock
from midas.people import issue_token
from tests.reading_ward import open_ward
ward = open_ward(Path(sys.argv[1]), number=4, store=bootstrap.store())
clock = SystemClock()
print(json.dumps({name: issue_token(title="journey", clock=clock, account=one) for name, one in ward.people.items()}))
"""
TABLES = """
import io, json, sys
from pathlib import Path
from midas.web import bootstrap
bootstrap.configure(Path(sys.argv[1]))
import polars as pl
from midas.release.models import ReleaseFile
def table(name):
    held = ReleaseFile.objects.get(path=f"{name}.parquet", release__twin=False)
    return pl.read_parquet(io.BytesIO(b"".join(bootstrap.store().read(held.sha256)))).to_dicts()
files = list(ReleaseFile.objects.filter(release__twin=False).values_list("path", flat=True))
print(json.dumps({"labels": table("labels"), "readings": table("readings"), "files": files}))
"""


@dataclass(frozen=True)
class Hub:
    home: Path
    address: str
    tokens: dict[str, str]

    def root(self, task: int, who: str) -> DICOMwebClient:
        return DICOMwebClient(
            url=f"{self.address}/dicomweb/tasks/{task}",
            headers={"Authorization": f"Bearer {self.tokens[who]}"},
        )

    def api(self, who: str, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        return httpx.request(method, f"{self.address}/api/v1{path}", headers=headers, timeout=60, **options)


def asked_of_python(code: str, *words: str) -> Any:
    found = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr[-3000:]
    return json.loads(found.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("readings")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    address = f"http://127.0.0.1:{port}"
    tokens = asked_of_python(FILL, str(folder / "home"), address)
    serve = ("hub", "serve", "--port", str(port), "--home", str(folder / "home"))
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", "from midas.cli import main; main()", *serve], stderr=log, stdout=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        for _ in range(300):
            assert server.poll() is None, (folder / "log").read_text()[-3000:]
            try:
                if httpx.get(f"{address}/api/v1/datasets", timeout=5).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield Hub(folder / "home", address, tokens)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def person(browser: Browser, hub: Hub, name: str) -> Page:
    """Return a page of a browser in which this person has signed in."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"{hub.address}/sign-in")
    page.fill("input[name=username], input[name=login]", name)
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button")
    page.wait_for_load_state("networkidle")
    return page


def shot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"readings-{name}.png", full_page=True)


def set_task(page: Page, hub: Hub, annotation: str) -> int:
    """Two clicks from the curator's desk: the list of tasks, then the task."""
    page.goto(f"{hub.address}/curation")
    page.click("a[href='/curation/tasks']")
    page.click(f"form:has(input[value='{annotation}']) button")
    page.wait_for_url("**/curation/tasks/*")
    return int(page.url.rpartition("/")[2])


def read_all(page: Page, hub: Hub, task: int, keys: list[str]) -> None:
    """Read a task by keyboard: a digit, then Enter, item after item."""
    page.goto(f"{hub.address}/readings")
    page.click(f"a[href='/readings/{task}/1']")
    for number, key in enumerate(keys, start=1):
        page.wait_for_url(f"**/readings/{task}/{number}")
        page.keyboard.press(key)
        page.wait_for_selector(f"input[id='value-{key}']:checked")
        if number == 2:
            shot(page, f"item-{page.locator('summary span').first.inner_text()}")
        page.keyboard.press("Enter")
    page.wait_for_url("**/readings")


def draw(hub: Hub, task: int, who: str, item: int, rows: tuple[int, int]) -> str:
    """Fetch an item's image over DICOMweb, draw on it, store what was drawn, submit it; return its UID."""
    shown = hub.api(who, "GET", f"/tasks/{task}/items/{item}").json()
    client = hub.root(task, who)
    found = client.search_for_instances(search_filters={"SOPInstanceUID": shown["sop_instance_uids"][0]})
    study, series, sop = (found[0][tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))
    image = io.BytesIO()
    client.retrieve_instance(study, series, sop).save_as(image, enforce_file_format=True)
    made = pydicom.dcmread(io.BytesIO(outline(image.getvalue(), rows=rows, creator="Rao^Ravi")))
    client.store_instances([made])
    answer = hub.api(who, "POST", f"/tasks/{task}/items/{item}/reading", json={"submit": True})
    assert answer.status_code == 200, answer.text
    return str(made.SOPInstanceUID)


def holds(hub: Hub, task: int, who: str, sop: str) -> bool:
    return bool(hub.root(task, who).search_for_instances(search_filters={"SOPInstanceUID": sop}))


def test_from_a_question_to_labels_in_a_release(hub: Hub, browser: Browser) -> None:
    curator, meera = person(browser, hub, "curator"), person(browser, hub, "meera")
    # 1 the curator sets two tasks
    impressions = set_task(curator, hub, "impressions")
    outlines = set_task(curator, hub, "lesion-outlines")
    # 2 two readers read, blinded, by keyboard; they differ on the third item
    read_all(person(browser, hub, "asha"), hub, impressions, ["3", "4", "1", "3"])
    curator.goto(f"{hub.address}/curation/tasks/{impressions}")
    assert "Nothing is settled yet" in curator.content()
    read_all(person(browser, hub, "ravi"), hub, impressions, ["3", "4", "4", "3"])
    # 3 the adjudicator sees both, without names, and settles with a reason
    meera.goto(f"{hub.address}/readings")
    meera.click(f"a[href='/readings/{impressions}/3']")
    said = {one.lower() for one in meera.locator(".said .answer").all_inner_texts()}
    assert said == {"normal", "malignant"}
    assert "ravi" not in meera.content()
    meera.keyboard.press("4")
    meera.fill("#why", "An ulcer with a raised edge.")
    shot(meera, "settle")
    meera.click("#answer button")
    meera.wait_for_url("**/readings")
    curator.reload()
    assert "κ" in curator.content()
    shot(curator, "task")
    # 4 outlines by a DICOMweb client: one item agrees, one does not
    first = {who: draw(hub, outlines, who, 1, (4, 12)) for who in ("asha", "ravi")}
    second = draw(hub, outlines, "asha", 2, (0, 5))
    assert holds(hub, outlines, "asha", second)
    assert not holds(hub, outlines, "ravi", second)
    assert not holds(hub, outlines, "meera", second)
    other = draw(hub, outlines, "ravi", 2, (9, 15))
    time.sleep(2.1)
    assert holds(hub, outlines, "meera", second)
    assert holds(hub, outlines, "meera", other)
    meera.goto(f"{hub.address}/readings/{outlines}/2")
    meera.check("#reading-A")
    meera.fill("#why", "It follows the margin.")
    meera.click("#answer button")
    meera.wait_for_url("**/readings")
    # 5 the curator cuts a release
    curator.goto(f"{hub.address}/curation")
    curator.fill("#version", "1.0.0")
    curator.click("form[action='/curation/drafts'] button")
    curator.check("input[name=sure]")
    curator.uncheck("input[name=twin]")
    curator.click("form:has(input[name=sure]) button")
    curator.wait_for_url("**/releases/1.0.0", timeout=120_000)
    # 6 the labels stand in it, with every reading and what was drawn
    held = asked_of_python(TABLES, str(hub.home))
    labels = {(one["source"], one["subject"]): one for one in held["labels"]}
    assert (
        sorted(source for source, _ in labels)
        == ["reading:impressions"] * 4 + ["reading:lesion-outlines"] * 2
    )
    settled = next(one for one in labels.values() if one["agreement"] == 0 and one["value"] == "malignant")
    assert len(settled["readers"]) == 3
    assert len(held["readings"]) == 4 * 2 + 1 + 2 * 2
    drawn = {one["object_uid"] for one in held["readings"] if one["object_uid"]}
    assert drawn == {*first.values(), second, other}
    assert all(one["object_path"] in held["files"] for one in held["readings"] if one["object_uid"])
    assert all(one.startswith("R-") for row in labels.values() for one in row["readers"])
