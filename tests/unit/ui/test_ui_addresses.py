"""Every address that a template of the hub names is a route: a page never fails for a name that was changed elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

from django.urls import URLPattern, URLResolver, get_resolver

import midas.ui

TEMPLATES = Path(midas.ui.__file__).parent / "templates"
HUB = ("hub", "account", "mfa", "socialaccount", "mail")


def names(resolver: URLResolver, space: str = "") -> set[str]:
    found = set()
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            found |= names(one, f"{space}{one.namespace}:" if one.namespace else space)
        elif isinstance(one, URLPattern) and one.name:
            found.add(f"{space}{one.name}")
    return found


def test_every_address_in_a_template_is_a_route() -> None:
    known = names(get_resolver("midas.web.urls"))
    wrong = [
        (path.name, name)
        for folder in HUB
        for path in (TEMPLATES / folder).rglob("*.*")
        for name in re.findall(r"{%\s*url\s+[\"']([\w:-]+)[\"']", path.read_text("utf-8"))
        if name not in known
    ]
    assert wrong == []
