"""Bring the catalogues of translations up to date: `django.pot`, each language's `.po`, and how complete each is.

In come templates and Python; out go, below `src/midas/ui/locale`, the template of all strings, a catalogue per language
of `NAMES` (what is translated stays, what no page says goes, what is new stands last, empty), and `languages.json`,
which the sites read: a language is offered from `READY` percent on. To begin one, translate its `.po` and run this again.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import defaultdict
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "midas"
UI = SOURCE / "ui"
LOCALE = UI / "locale"
NAMES = {"hi": "हिन्दी", "mr": "मराठी", "ta": "தமிழ்", "kn": "ಕನ್ನಡ"}
READY = 90
CALLS = {"_", "gettext", "gettext_lazy", "ngettext", "gettext_noop"}
TRANS = re.compile(r'(?:{%\s*trans\s+|_\()"([^"]+)"')
BLOCK = re.compile(r"{%\s*blocktrans[^%]*%}(.*?){%\s*endblocktrans", re.DOTALL)
PLURAL = re.compile(r"{%\s*plural\s*%}")
HOLDER = re.compile(r"{{\s*(\w+)\s*}}")

Found = dict[str, tuple[str, set[str]]]
"""Message → its plural, or nothing, and the files that say it."""


def messages() -> Found:
    """Return every string of the pages."""
    found: dict[str, tuple[str, set[str]]] = defaultdict(lambda: ("", set()))

    def add(one: str, plural: str, path: Path) -> None:
        found[one] = (plural or found[one][0], found[one][1] | {path.relative_to(SOURCE).as_posix()})

    for path in sorted((UI / "templates").rglob("*.html")):
        text = path.read_text("utf-8")
        for one in TRANS.findall(text):
            add(one, "", path)
        for block in BLOCK.findall(text):
            parts = [HOLDER.sub(r"%(\1)s", part.replace("%", "%%")) for part in PLURAL.split(block)]
            add(parts[0], parts[1] if len(parts) > 1 else "", path)
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text("utf-8")
        if "gettext" in text:
            for words in _calls(ast.parse(text)):
                add(words[0], words[1] if len(words) > 1 else "", path)
    for label in _terms():
        add(label, "", SOURCE / "protocol" / "duo.py")
    return dict(found)


def _calls(tree: ast.AST) -> list[list[str]]:
    """Return the literal words of each call that translates."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in CALLS:
            words = [
                one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)
            ]
            found += [words] if words else []
    return found


def _terms() -> list[str]:
    """Return the labels of the terms of use (DUO), which pages translate by name."""
    sys.path.insert(0, str(ROOT / "src"))
    from midas.protocol.duo import duo_terms

    return [term.label for term in duo_terms().values()]


def template(found: Found) -> polib.POFile:
    """Return `django.pot`."""
    made = polib.POFile(wrapwidth=120)
    made.metadata = {"Project-Id-Version": "midas", "Content-Type": "text/plain; charset=UTF-8"}
    for one in sorted(found):
        plural, paths = found[one]
        entry = polib.POEntry(
            msgid=one, msgid_plural=plural, occurrences=[(path, "") for path in sorted(paths)]
        )
        if plural:
            entry.msgstr_plural = {0: "", 1: ""}
        if re.search(r"%\(\w+\)s", one):
            entry.flags.append("python-format")
        made.append(entry)
    return made


def catalogue(language: str, pot: polib.POFile) -> polib.POFile:
    """Return a language's catalogue in the order it has, less what no page says; what is new stands last, empty."""
    path = LOCALE / language / "LC_MESSAGES" / "django.po"
    made = polib.pofile(str(path), wrapwidth=120) if path.is_file() else polib.POFile(wrapwidth=120)
    made.metadata = made.metadata or {
        "Project-Id-Version": "midas", "Language": language, "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8", "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }  # fmt: skip
    wanted, seen = {one.msgid: one for one in pot}, set()
    for one in list(made):
        if one.msgid not in wanted or one.msgid in seen:
            made.remove(one)
        seen.add(one.msgid)
    for one in pot:
        if one.msgid not in seen:
            made.append(one)
    return made


def update() -> dict[str, int]:
    """Write all catalogues; return how complete each language is, in percent."""
    pot = template(messages())
    pot.save(str(LOCALE / "django.pot"))
    done = {}
    for language in NAMES:
        made = catalogue(language, pot)
        path = LOCALE / language / "LC_MESSAGES" / "django.po"
        path.parent.mkdir(parents=True, exist_ok=True)
        made.save(str(path))
        done[language] = 100 * len(made.translated_entries()) // len(made)
    ready = [[one, NAMES[one]] for one in NAMES if done[one] >= READY]
    (LOCALE / "languages.json").write_text(json.dumps(ready, ensure_ascii=False) + "\n", "utf-8")
    return done


if __name__ == "__main__":
    for language, percent in update().items():
        print(f"{language} {NAMES[language]}: {percent} %")
