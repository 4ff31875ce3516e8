"""The viewer's page: one for each set of objects that stands under one permission, and the addresses that lead to it.

The page itself holds no data. Whoever may not look is told so here, before the viewer asks DICOMweb, which asks the same
rule for each object again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from midas.people.rule import Act
from midas.ui import viewer
from midas.web.dicomweb.places import place_of
from midas.web.guard import Place, needs

SLIDES = "SM"
DERIVED = frozenset({"SEG", "SR", "RTSTRUCT", "RTPLAN", "RTDOSE", "PR", "KO", "ANN", "REG", "DOC"})
"""Modalities of what is made from images and lies over them."""


def viewer_url(kind: str, name: str, study_uid: str, modalities: Collection[str] = ()) -> str:
    """Return the address that shows a study: slides alone under the microscope, everything else in the radiology viewer.

    `kind` and `name` are those of the DICOMweb root: `releases` and `oral-cancer@1.0.0`.
    """
    mode = "microscopy" if set(modalities) - DERIVED == {SLIDES} else "viewer"
    return f"/viewer/{kind}/{name}/{mode}?{urlencode({'StudyInstanceUIDs': study_uid})}"


def looking(request: HttpRequest, kind: str, name: str, **_: str) -> Place:
    """Choose the act as DICOMweb does for the same root: of several the first that the caller may."""
    caller: Any = request.caller  # type: ignore[attr-defined]
    place = place_of(kind, name, caller.account)
    act = next((one for one in place.acts if caller.may(one, place.dataset, place.version)), place.acts[0])
    return act, place.dataset, place.version


LOOKING = (Act.DOWNLOAD_OPEN, Act.DOWNLOAD, Act.GET_TWIN, Act.READ_DATASET, Act.READ, Act.SET_READING)


def back_of(kind: str, name: str) -> str:
    """Return the page that a root's studies are listed on or, of a reading task, worked on."""
    return (
        reverse("hub:reading-task", args=[name])
        if kind == "tasks"
        else reverse("hub:studies", args=[kind, name])
    )


@needs(*LOOKING, choose=looking)
def shell(request: HttpRequest, kind: str, name: str, rest: str = "") -> HttpResponse:
    """Answer every address below a root with the viewer's page: its program finds its way by the address."""
    del rest
    context = {"viewer": viewer.vendored(), "name": name, "back": back_of(kind, name)}
    answer = render(request, "hub/viewer.html", context)
    answer.headers["Content-Security-Policy"] = viewer.POLICY
    for header, value in viewer.ISOLATION.items():
        answer.headers[header] = value
    return answer
