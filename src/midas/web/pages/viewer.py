"""The viewer's page: one for each set of objects that stands under one permission, and the links that lead to it.

The page itself holds no data. Whoever may not look is told so here, before the viewer asks DICOMweb, which asks the
same rule again for each object.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from midas.people.rule import Act
from midas.release.models import Release
from midas.ui import viewer
from midas.web.guard import Place, needs

KINDS = ("releases", "twins", "drafts", "tasks")
SLIDES = "SM"


def viewer_url(kind: str, name: str, study_uid: str, modalities: str | frozenset[str] = "") -> str:
    """Return the address that shows a study: slides in the microscope, everything else in the radiology viewer."""
    mode = "microscopy" if SLIDES in ({modalities} if isinstance(modalities, str) else modalities) else "viewer"
    return f"/viewer/{kind}/{name}/{mode}?{urlencode({'StudyInstanceUIDs': study_uid})}"


def _what(request: HttpRequest, kind: str, name: str, rest: str = "") -> Place:
    """Choose the act as DICOMweb does for the same root."""
    del request, rest
    dataset, _, version = name.partition("@")
    if kind == "twins":
        return Act.GET_TWIN, dataset
    if kind == "drafts":
        return Act.READ_DATASET, dataset
    if kind == "tasks":
        return Act.READ, None
    release: Any = Release.objects.filter(dataset__slug=dataset, version=version, twin=False).first()
    return (Act.DOWNLOAD_OPEN if release and release.access == "open" else Act.DOWNLOAD), dataset, version


def _back(kind: str, name: str) -> str:
    dataset, _, version = name.partition("@")
    if kind in {"releases", "twins"}:
        if not Release.objects.filter(dataset__slug=dataset, version=version, twin=kind == "twins").exists():
            raise Http404
        return reverse("hub:release" if kind == "releases" else "hub:twin", args=[dataset, version])
    return reverse("hub:dataset", args=[dataset]) if kind == "drafts" else "/"


@needs(Act.DOWNLOAD_OPEN, Act.DOWNLOAD, Act.GET_TWIN, Act.READ_DATASET, Act.READ, choose=_what)
def shell(request: HttpRequest, kind: str, name: str, rest: str = "") -> HttpResponse:
    """Answer every address below a root with the viewer's page: its program finds its way by the address."""
    del rest
    context = {"viewer": viewer.vendored(), "name": name, "back": _back(kind, name)}
    answer = render(request, "hub/viewer.html", context)
    answer.headers["Content-Security-Policy"] = viewer.POLICY
    for header, value in viewer.ISOLATION.items():
        answer.headers[header] = value
    return answer
