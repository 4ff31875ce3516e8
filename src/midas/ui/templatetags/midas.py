"""The tags and filters that every template may use: icons, charts, numbers as India writes them, the theme."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from midas.kernel import Evidence
from midas.ui import charts, words
from midas.ui.phrases import foreign, phrase
from midas.ui.preferences import theme_of

register = template.Library()
ICONS = Path(__file__).parent.parent / "static" / "vendor" / "icons"
INNER = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)

register.filter("count", words.count)
register.filter("size", words.size)
register.filter("day", words.day)
register.filter("moment", words.moment)
register.filter("short_key", words.short_key)
register.filter("short_path", words.short_path)


@register.filter
def fact(value: bool | float | str) -> str:
    """Return the value of a fact as people write it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return value if isinstance(value, str) else f"{value:.4g}"


@register.filter
def measured(one: Evidence) -> str:
    """Return a piece of evidence as people write it: value, unit and the bounds of its interval; a share in percent."""
    scale, unit = (100, "%") if one.unit == "share" else (1, phrase(one.unit))
    plain = isinstance(one.value, bool | str)
    value = fact(one.value if plain else scale * float(one.value))
    bounds = (
        f"({fact(scale * one.low)} – {fact(scale * one.high)})"
        if one.low is not None and one.high is not None
        else ""
    )
    return " ".join(filter(None, (value, unit, bounds)))


@register.filter
def told(sentence: str) -> str:
    """Tell a sentence of record in the reader's language; what stands in English on another page is marked so."""
    said = phrase(str(sentence))
    return format_html('<span lang="en">{}</span>', said) if said and foreign(said) else said


register.filter("phrase", phrase)


@register.filter
def as_json(value: Any) -> str:
    """Return a value as JSON, for a data attribute that a script reads."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@lru_cache(maxsize=256)
def _drawing(name: str) -> str:
    path = ICONS / f"{name}.svg"
    if not path.is_file():
        return '<circle cx="12" cy="12" r="4"/>'
    found = INNER.search(path.read_text("utf-8"))
    return found.group(1).strip() if found else ""


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Draw a vendored icon inline; without a label it is decoration and hidden from screen readers."""
    told = format_html(' role="img" aria-label="{}"', label) if label else mark_safe(' aria-hidden="true"')
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" width="20" height="20" focusable="false"{}>{}</svg>',
        told,
        mark_safe(_drawing(name)),  # noqa: S308 - our own vendored file
    )


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """Return `light`, `dark` or `auto`: what the reader chose."""
    request: HttpRequest | None = context.get("request")
    return theme_of(request) if request else "auto"


@register.simple_tag(takes_context=True)
def keep(context: template.Context, **changes: Any) -> str:
    """Return this page's query with some values changed; an empty value takes the key away."""
    query = context["request"].GET.copy()
    for key, value in changes.items():
        query.pop(key, None)
        if value not in ("", None):
            query[key] = str(value)
    text = query.urlencode()
    return f"?{text}" if text else "?"


@register.inclusion_tag("ui/chart_bars.html")
def bars(
    title: str, parts: Sequence[charts.Part], unit: str = "", note: str = "", of: int = 0
) -> dict[str, Any]:
    """Draw shares as horizontal bars: a real table whose second column is a picture."""
    return {"title": title, "rows": charts.bars(parts, of), "unit": unit, "note": note}


@register.inclusion_tag("ui/chart_columns.html")
def columns(title: str, parts: Sequence[charts.Part], unit: str = "", note: str = "") -> dict[str, Any]:
    """Draw an ordered quantity, such as age bands, as columns, with the same numbers in a table for readers."""
    return {"title": title, "chart": charts.columns(parts), "parts": parts, "unit": unit, "note": note}


@register.inclusion_tag("ui/chart_share.html")
def share(title: str, parts: Sequence[charts.Part], unit: str = "", note: str = "") -> dict[str, Any]:
    """Draw a whole cut in parts, such as sex, as one band with its legend."""
    return {"title": title, "segments": charts.segments(parts), "unit": unit, "note": note}
