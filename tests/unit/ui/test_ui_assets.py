"""What `tools/build_assets.py` needs is there, locked, and free of registry hosts; translations are whole."""

import importlib.util
import json
import re
from pathlib import Path

import polib
import pytest

from midas.protocol.duo import duo_terms

ROOT = Path(__file__).parents[3]
UI = ROOT / "src" / "midas" / "ui"
CATALOGUE = UI / "locale" / "hi" / "LC_MESSAGES" / "django.po"


def tool():
    spec = importlib.util.spec_from_file_location("build_assets", ROOT / "tools" / "build_assets.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def msgids() -> set[str]:
    found = set()
    for path in (UI / "templates").rglob("*.html"):
        text = path.read_text("utf-8")
        found |= set(re.findall(r'{%\s*trans\s+"([^"]+)"', text))
        for block in re.findall(r"{%\s*blocktrans[^%]*%}(.*?){%\s*endblocktrans", text, re.DOTALL):
            first = re.split(r"{%\s*plural\s*%}", block)[0]
            found.add(re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", first.replace("%", "%%")))
    for folder in (ROOT / "src/midas/web/pages", ROOT / "src/midas/spoke/site"):
        for path in folder.glob("*.py"):
            found |= set(re.findall(r'\b_\("([^"]+)"\)', path.read_text("utf-8")))
            found |= set(re.findall(r'ngettext\("([^"]+)"', path.read_text("utf-8")))
    return found | {term.label for term in duo_terms().values()}


def test_the_lock_file_names_no_registry_host() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
    assert all("integrity" in entry for name, entry in lock["packages"].items() if name)


def test_every_word_of_the_pages_has_its_hindi() -> None:
    catalogue = polib.pofile(str(CATALOGUE))
    translated = {entry.msgid for entry in catalogue.translated_entries()}
    assert msgids() - translated == set()


def test_the_catalogue_holds_no_word_that_no_page_says() -> None:
    assert {entry.msgid for entry in polib.pofile(str(CATALOGUE))} - msgids() == set()


def test_hindi_is_written_in_devanagari() -> None:
    latin = {
        entry.msgid
        for entry in polib.pofile(str(CATALOGUE))
        if entry.msgstr and not re.search(r"[ऀ-ॿ]", entry.msgstr)
    }
    assert latin == set()


def test_every_icon_of_the_pages_is_in_its_package() -> None:
    folder = UI / "static" / "vendor" / "icons"
    if not folder.is_dir():
        pytest.skip("front-end files are not built here: run tools/build_assets.py")
    assert [name for name in tool().icons_used() if not (folder / f"{name}.svg").is_file()] == []


def test_a_second_build_does_nothing() -> None:
    module = tool()
    if not (module.VENDOR / module.STAMP).is_file():
        pytest.skip("front-end files are not built here: run tools/build_assets.py")
    module.build()
    assert module.build() is False


def test_a_translation_that_lost_its_placeholder_stops_the_build(tmp_path: Path) -> None:
    catalogue = polib.POFile()
    catalogue.append(polib.POEntry(msgid="From %(spoke)s", msgstr="%(spok)s से"))
    catalogue.save(str(tmp_path / "bad.po"))
    with pytest.raises(SystemExit, match="placeholders"):
        tool()._same_placeholders(next(iter(polib.pofile(str(tmp_path / "bad.po")))), tmp_path / "bad.po")
