"""All resources below a DICOMweb root (PS3.18 §10, Table 10.1-1): method, path, handler. The rest follows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from midas.web.dicomweb import capabilities, frames, metadata, qido, rendered, retrieve, stow
from midas.web.dicomweb.messages import Handler

UID = r"[0-9.]{1,64}"
STUDY = rf"/studies/(?P<study>{UID})"
SERIES = rf"{STUDY}/series/(?P<series>{UID})"
INSTANCE = rf"{SERIES}/instances/(?P<instance>{UID})"
FRAMES = r"(?P<frames>[0-9,]{1,10000})"


@dataclass(frozen=True)
class Route:
    """`views`: an answer shows what a study holds, which the ledger notes before the first byte."""

    method: str
    path: str
    handler: Handler
    views: bool = False


ROUTES: tuple[Route, ...] = (
    # -- objects and frames, asked for most often (§10.4.1.1.1, .6)
    Route("GET", INSTANCE, retrieve.objects, views=True),
    Route("GET", rf"{INSTANCE}/frames/{FRAMES}", frames.frames, views=True),
    Route("GET", SERIES, retrieve.objects, views=True),
    Route("GET", STUDY, retrieve.objects, views=True),
    # -- what this root offers (§8.9)
    Route("GET", r"/?", capabilities.describe),
    Route("OPTIONS", r"/?", capabilities.describe),
    # -- searches (§10.6)
    Route("GET", r"/studies", qido.search_studies),
    Route("GET", r"/series", qido.search_series),
    Route("GET", r"/instances", qido.search_instances),
    Route("GET", rf"{STUDY}/series", qido.search_series),
    Route("GET", rf"{STUDY}/instances", qido.search_instances),
    Route("GET", rf"{SERIES}/instances", qido.search_instances),
    # -- metadata (§10.4.1.1.2)
    Route("GET", rf"{STUDY}/metadata", metadata.retrieve, views=True),
    Route("GET", rf"{SERIES}/metadata", metadata.retrieve, views=True),
    Route("GET", rf"{INSTANCE}/metadata", metadata.retrieve, views=True),
    # -- bulk data (§10.4.1.1.5)
    Route("GET", rf"{INSTANCE}/bulkdata/(?P<path>[0-9A-Fa-f/]{{8,200}})", frames.bulkdata, views=True),
    # -- pictures (§10.4.1.1.3, .4)
    Route("GET", rf"{STUDY}/rendered", rendered.objects, views=True),
    Route("GET", rf"{SERIES}/rendered", rendered.objects, views=True),
    Route("GET", rf"{INSTANCE}/rendered", rendered.objects, views=True),
    Route("GET", rf"{INSTANCE}/frames/{FRAMES}/rendered", rendered.frames, views=True),
    Route("GET", rf"{STUDY}/thumbnail", rendered.thumbnail, views=True),
    Route("GET", rf"{SERIES}/thumbnail", rendered.thumbnail, views=True),
    Route("GET", rf"{INSTANCE}/thumbnail", rendered.thumbnail, views=True),
    Route("GET", rf"{INSTANCE}/frames/{FRAMES}/thumbnail", rendered.thumbnail, views=True),
    # -- what is derived from images (§10.5)
    Route("POST", r"/studies", stow.store_instances),
    Route("POST", STUDY, stow.store_instances),
)


@lru_cache(maxsize=1)
def compiled() -> tuple[tuple[Route, re.Pattern[str]], ...]:
    return tuple((route, re.compile(route.path)) for route in ROUTES)


def route_of(method: str, path: str) -> tuple[Route | None, dict[str, str], frozenset[str]]:
    """Return the route for a path below a root and what its path names, and the methods that the path has."""
    asked = "GET" if method == "HEAD" else method
    methods = set()
    for route, pattern in compiled():
        if match := pattern.fullmatch(path):
            if route.method == asked:
                return route, match.groupdict(), frozenset()
            methods.add(route.method)
    return None, {}, frozenset(methods)
