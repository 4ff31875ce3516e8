"""Write `docs/permissions.md`: who may ask for what, from the routes' own declarations and the one rule.

A row is one address (of pages, the API or DICOMweb) and one act that it asks for; a column is a kind of caller. The tests
hold the file, the declarations and what a filled hub really answers together.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docs" / "permissions.md"
SAMPLE = ("a-dataset", "1.0.0")
"""The place that roles and grants are looked at for."""
MARKS = {True: "●", False: "·"}
HEAD = """# Who may what

Generated from the code by `python tools/permission_matrix.py`; a test holds it, the code and a running hub together.

`●` may, `·` may not. Roles here are held for all datasets; one that is held for a dataset does the same there, but neither
manages people nor reads the whole ledger. *Visitor* has signed in and has no
role; *grant* is a visitor with a standing grant to the very release; *spoke* shows a spoke's token. Where an address has
several rows, what is asked for decides which of them counts: a twin, an open release, a controlled one. A key of an account
may at most what its scope says, and what is marked † only where the scope names it; ‡ is never done with a key.
"""


@dataclass(frozen=True)
class Row:
    """One act of one address. `part` is pages, API or DICOMweb."""

    part: str
    address: str
    act: Any


def columns() -> dict[str, Any]:
    """Return the kinds of callers with what stands for each; the spoke stands apart."""
    from midas.people.models import Role
    from midas.people.rule import NOBODY, Standing

    visitor: frozenset[tuple[str, str]] = frozenset()
    found = {"nobody": NOBODY, "visitor": Standing(roles=visitor)}
    found |= {role.value: Standing(roles=frozenset({(role.value, "")})) for role in Role}
    found["grant"] = Standing(roles=visitor, grants=frozenset({SAMPLE}))
    return found


def may(name: str, act: Any) -> bool:
    """Say what the rule says of a column and an act, at the sample's place."""
    from midas.people.rule import BY_SPOKE, NOBODY, allows

    if name == "spoke":
        return act in BY_SPOKE or allows(NOBODY, act)
    return allows(columns()[name], act, *SAMPLE)


def routes() -> Iterator[tuple[str, Any]]:
    """Yield each address of Django's with what its view needs; `TypeError` for a view that says nothing."""
    from django.urls import URLResolver, get_resolver

    def below(resolver: Any, before: str) -> Iterator[tuple[str, Any]]:
        for one in resolver.url_patterns:
            where = f"{before}{one.pattern}"
            if isinstance(one, URLResolver):
                yield from below(one, where)
                continue
            need = getattr(one.callback, "need", None)
            if need is None:
                raise TypeError(f"/{where} does not declare what it needs")
            yield where, need

    yield from below(get_resolver("midas.web.urls"), "")


def readable(pattern: str) -> str:
    """Return an address as people write it: `/datasets/{dataset}`."""
    text = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", pattern.strip("^$"))
    return "/" + re.sub(r"\(\?P\{(\w+)\}(?:\[[^\]]*\]|[^()])*\)", r"{\1}", text)


DICOMWEB = {
    "releases": ("DOWNLOAD_OPEN", "DOWNLOAD"), "twins": ("GET_TWIN",), "drafts": ("READ_DATASET",),
    "tasks": ("READ", "SET_READING"),
}  # fmt: skip
"""What each root of DICOMweb asks for; a task is open to its readers and to who set it only."""
STORES = {"drafts": ("DRAFT",), "tasks": ("READ",)}
"""What storing (STOW-RS) asks for; nothing is stored into a release or a twin."""


def dicomweb() -> Iterator[Row]:
    """Yield the rows of DICOMweb, where this hub has it, from its own table of routes."""
    from midas.people.rule import Act

    if importlib.util.find_spec("midas.web.dicomweb") is None:
        return
    from midas.web.dicomweb.routes import ROUTES

    for kind, acts in DICOMWEB.items():
        for route in ROUTES:
            path = re.sub(r"\(\?P<(\w+)>(?:\[[^\]]*\]|[^()])*\)", r"{\1}", route.path).replace("/?", "")
            for act in STORES.get(kind, ()) if route.method == "POST" else acts:
                yield Row("DICOMweb", f"{route.method} /dicomweb/{kind}/{{name}}{path}", Act[act])


def rows() -> list[Row]:
    found = [
        Row("API" if where.startswith("api/") else "Pages", readable(where), act)
        for where, need in routes()
        for act in sorted(need.acts, key=lambda one: list(type(one)).index(one))
    ]
    return [*found, *dicomweb()]


def text() -> str:
    from midas.people.models import Role
    from midas.people.rule import BY_ROLE
    from midas.people.scopes import BY_HAND, BY_NAME_ONLY

    names = [*columns(), "spoke"]
    lines = [HEAD, "## What each role adds\n"]
    for role in Role:
        acts = [act.value for act in type(next(iter(BY_HAND))) if act in BY_ROLE[role]]
        lines.append(f"- **{role.label}** (`{role.value}`): {'; '.join(acts)}.")
    for part in ("Pages", "API", "DICOMweb"):
        these = [row for row in rows() if row.part == part]
        if not these:
            continue
        lines += [f"\n## {part}\n", "| address | act | " + " | ".join(names) + " |"]
        lines.append("|---|---|" + "---|" * len(names))
        for row in these:
            sign = "†" if row.act in BY_NAME_ONLY else "‡" if row.act in BY_HAND else ""
            cells = " | ".join(MARKS[may(name, row.act)] for name in names)
            lines.append(f"| `{row.address}` | {row.act.value}{sign} | {cells} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    FILE.write_text(text(), "utf-8")


if __name__ == "__main__":
    main()
