"""The demo's hub is set as the story needs it: its settings file still has the lines that the story changes."""

from __future__ import annotations

from pathlib import Path

from midas.testing.demo import story
from midas.testing.demo.place import Place
from midas.web.home import create, open_home


def test_the_hub_asks_for_grades_and_reads_no_counters(tmp_path: Path) -> None:
    place = Place(tmp_path)
    create(place.hub)
    story.measure_nothing(place)
    story.ask_for_grades(place)
    config = open_home(place.hub).config
    assert (config.footprint.counters, config.release_needs_grade) == (False, True)
