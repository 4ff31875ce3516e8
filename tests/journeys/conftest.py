"""One demo for all journeys: built once a session by the very command that `make demo` runs, then only looked at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.journey_demo import BUILD_S, Demo, run_demo

from midas.testing.demo import story
from midas.testing.demo.place import Place
from midas.testing.demo.story import DATASETS, Addresses
from midas.testing.hospital import Truth

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give all journeys time enough for the build; their modules put them in one group: one worker builds one demo."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.journey)
            item.add_marker(pytest.mark.timeout(BUILD_S + 60))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The built demo. `MIDAS_JOURNEY_HOME` names a folder to keep it in, for looking at journeys one by one."""
    kept = os.environ.get("MIDAS_JOURNEY_HOME")
    home = Path(kept) if kept else tmp_path_factory.mktemp("journey") / "demo"
    code, said, seconds = run_demo(home)
    place = Place(home.resolve())
    assert place.kept("done.json"), f"the demo was not built:\n{said[-6000:]}"
    truths = {dataset: Truth.read(place.truth(dataset)) for dataset in DATASETS}
    return Demo(place, code, said, seconds, truths)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, which asks nobody outside for anything."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def sites(demo: Demo) -> Iterator[Addresses]:
    """The hub and both spokes' sites, running."""
    with story.served(demo.place, demo.addresses):
        yield demo.addresses


@pytest.fixture
def hub_copy(demo: Demo, tmp_path: Path) -> Path:
    """A copy of the hub's home that a test may change."""
    return shutil.copytree(demo.place.hub, tmp_path / "hub")
