"""What `tools/build_assets.py` needs is there, locked, and free of registry hosts; translations are whole."""

import importlib.util
import json
import re
from functools import cache
from pathlib import Path

import polib
import pytest

ROOT = Path(__file__).parents[3]
UI = ROOT / "src" / "midas" / "ui"
CATALOGUE = UI / "locale" / "hi" / "LC_MESSAGES" / "django.po"


def tool():
    spec = importlib.util.spec_from_file_location("build_assets", ROOT / "tools" / "build_assets.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def catalogues():
    spec = importlib.util.spec_from_file_location("catalogues", ROOT / "tools" / "catalogues.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def msgids() -> set[str]:
    return set(catalogues().messages())


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


def test_a_language_is_offered_as_soon_as_its_catalogue_is_complete_enough() -> None:
    from midas.ui.project import LANGUAGES

    tool = catalogues()
    assert (tool.LOCALE / "django.pot").read_text("utf-8") == str(tool.template(tool.messages()))
    for language in tool.NAMES:
        found = polib.pofile(str(tool.LOCALE / language / "LC_MESSAGES" / "django.po"))
        assert {one.msgid for one in found} == msgids(), f"run tools/catalogues.py ({language})"
        share = 100 * len(found.translated_entries()) // len(found)
        assert (language in dict(LANGUAGES)) == (share >= tool.READY)


LITERAL = re.compile(r"[A-Za-z\u0900-\u097f]{2,}")
NAMES_AS_THEY_ARE = {
    "MIDAS", "SHA", "Python", "DOI", "PDF", "CSV", "PNG", "JSON", "SQL", "OHIF", "DICOM", "ORCID", "ROR", "API", "UID",
    "nbsp", "middot", "CQI", "PRS", "CVI", "Ave"}  # fmt: skip


def literals(text: str) -> set[str]:
    """Return the words that stand in a template outside tags, variables and translations."""
    text = re.sub(r"{%\s*blocktrans.*?{%\s*endblocktrans\s*%}", " ", text, flags=re.DOTALL)
    text = re.sub(r"{%\s*comment.*?endcomment\s*%}|{#.*?#}|{%.*?%}|{{.*?}}", " ", text, flags=re.DOTALL)
    text = re.sub(r"<(code|script|style|kbd|pre)\b.*?</\1>|<!--.*?-->", " ", text, flags=re.DOTALL)
    said = re.findall(r'(?:aria-label|title|alt|placeholder)="([^"]*)"', text)
    said = [one for one in said if " " in one.strip()]  # one word alone is an example of an address or a name
    text = re.sub(r"<[^>]*>", " ", text)
    return {word for part in [text, *said] for word in LITERAL.findall(part)} - NAMES_AS_THEY_ARE


def test_no_template_says_a_word_that_cannot_be_translated() -> None:
    found = {
        path.relative_to(UI).as_posix(): words
        for path in (UI / "templates").rglob("*.html")
        if (words := literals(path.read_text("utf-8")))
    }
    assert found == {}


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
