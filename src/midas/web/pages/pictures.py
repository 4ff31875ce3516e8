"""Previews of de-identified images, by digest. Only a digest that the catalogue names as a preview is ever served."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified

from midas.catalogue.models import Instance
from midas.kernel import Digest
from midas.people.rule import Act
from midas.web.bootstrap import store
from midas.web.guard import needs
from midas.web.pages.protocols import in_force, protocol_of


def _what(request: HttpRequest, sha256: str) -> tuple[Act, str | None]:
    """Choose the act: browsing is enough unless every dataset that has this picture is restricted."""
    del request
    found = Instance.objects.filter(preview=sha256).select_related("series__study__subject__dataset").first()
    if found is None:
        return Act.BROWSE, None
    dataset = found.series.study.subject.dataset
    version = in_force(dataset)
    restricted = version is None or protocol_of(version).access.level == "restricted"
    return (Act.READ_DATASET, dataset.slug) if restricted else (Act.BROWSE, dataset.slug)


@needs(Act.BROWSE, Act.READ_DATASET, choose=_what)
def picture(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """Serve a preview; its address is its content's hash, so that a browser may keep it for a day."""
    if not Instance.objects.filter(preview=sha256).exists():
        raise Http404
    tag = f'"{sha256}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified()
    blobs: Any = store()
    if not blobs.has(Digest(sha256)):
        raise Http404
    response = HttpResponse(b"".join(blobs.read(Digest(sha256))), content_type="image/png")
    response["ETag"] = tag
    response["Cache-Control"] = "private, max-age=86400"
    return response
