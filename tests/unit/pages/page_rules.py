"""What every page must be: whole HTML, no inline script or style, small, with labels, one h1 and the content policy."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {
    "meta",
    "link",
    "br",
    "img",
    "input",
    "hr",
    "path",
    "rect",
    "circle",
    "line",
    "ellipse",
    "polyline",
    "polygon",
    "source",
}
LARGEST = 300_000


class Reader(HTMLParser):
    """Collects what is wrong while it reads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: set[str] = set()
        self.labelled: set[str] = set()
        self.fields: list[str | None] = []
        self.headings: list[str] = []
        self.columns: list[str] | None = None
        self.cell = -1

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        for name in told:
            if name == "style" or name.startswith("on"):
                self.wrong.append(f"<{tag} {name}=…> breaks the content policy")
        if tag == "script" and "src" not in told and told.get("type") != "application/ld+json":
            self.wrong.append("an inline script")  # JSON-LD is a data block, which browsers do not execute
        if tag == "style":
            self.wrong.append("an inline style sheet")
        if tag == "img" and "alt" not in told:
            self.wrong.append("an image without alt")
        if (found := told.get("id")) is not None:
            if found in self.ids:
                self.wrong.append(f"the id {found} twice")
            self.ids.add(found)
        if tag == "label" and "for" in told:
            self.labelled.add(told["for"])
        hidden = told.get("type") in {"hidden", "checkbox"}
        if tag in {"input", "select", "textarea"} and not hidden:
            self.fields.append(told.get("id"))
        if tag in {"h1", "h2", "h3"}:
            self.headings.append(tag)
        self.read_table(tag, told)
        if tag not in VOID:
            self.open.append(tag)

    def read_table(self, tag, told):
        """Hold the cells of a table that stacks on a phone against its columns: there only its label names a cell."""
        if tag == "div" and "table-box" in (told.get("class") or "").split():
            self.columns = [] if "stacks" in told["class"].split() else None
        if self.columns is None:
            return
        if tag == "tr":
            self.cell = -1
        if tag in {"th", "td"}:
            self.cell += 1
        if tag == "th" and told.get("scope") == "col":
            self.columns.append("")
        if tag == "td" and told.get("data-label") != self.columns[self.cell].strip():
            self.wrong.append(f"a cell of {self.columns[self.cell]} is labelled {told.get('data-label')}")

    def handle_data(self, data):
        if self.columns and "thead" in self.open and "th" in self.open:
            self.columns[-1] += data

    def handle_startendtag(self, tag, attrs):
        if tag not in VOID:
            self.wrong.append(f"<{tag}/> closes itself")
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.wrong.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()


def complaints(response) -> list[str]:
    """Return what is wrong with a page; an empty list for a good one."""
    text = response.content.decode()
    reader = Reader()
    reader.feed(text)
    found = [*reader.wrong, *(f"<{tag}> is never closed" for tag in reader.open)]
    found += [f"the field {name} has no label" for name in reader.fields if name not in reader.labelled]
    if reader.headings.count("h1") != 1:
        found.append(f"{reader.headings.count('h1')} first headings")
    if len(response.content) > LARGEST:
        found.append(f"{len(response.content)} bytes")
    policy = response.headers.get("Content-Security-Policy", "")
    if "script-src 'self'" not in policy or "unsafe" not in policy + "unsafe" or "unsafe" in policy:
        found.append("a content policy that is missing or open")
    if not re.search(r'<html lang="(en|hi)"', text):
        found.append("no language")
    if re.search(r"{{|{%|None</", text):
        found.append("a template's own words")
    return found
