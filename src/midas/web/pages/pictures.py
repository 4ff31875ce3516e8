"""Pictures by digest: previews of de-identified images for who may have the images, those of a twin for all.

Only a digest that the catalogue names as a preview, or a twin's manifest as an image, is ever served.
"""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified
from PIL import Image

from midas.catalogue.models import Dataset, Instance
from midas.kernel import Digest, MidasError
from midas.people.rule import Act
from midas.release.models import ReleaseFile
from midas.web.bootstrap import store
from midas.web.guard import Place, needs
from midas.web.pages import twins
from midas.web.pages.protocols import in_force, protocol_of

QUALITY = 82
"""Of WebP, 0 to 100: no step is seen at 192 pixels."""


def _standing(sha256: str) -> Any:
    return Instance.objects.filter(preview=sha256, series__study__subject__withdrawn_at=None)


def _is_open(dataset: Dataset) -> bool:
    version = in_force(dataset)
    return version is not None and protocol_of(version).access.level == "open"


def _what(request: HttpRequest, sha256: str) -> Place:
    """Choose the act: browsing is enough where a dataset with this picture is open; else it is for who drafts the
    dataset, or has a grant to a release that holds the image. What is not there answers as what is not theirs."""
    slugs = _standing(sha256).values_list("series__study__subject__dataset", flat=True).distinct()
    datasets = list(Dataset.objects.filter(pk__in=slugs).order_by("slug"))
    if not datasets:
        return Act.DOWNLOAD, None
    if any(_is_open(one) for one in datasets):
        return Act.BROWSE, None
    caller: Any = request.caller  # type: ignore[attr-defined]
    if drafts := [one.slug for one in datasets if caller.may(Act.DRAFT, one.slug)]:
        return Act.DRAFT, drafts[0]
    paths = [f"data/{path}" for path in _standing(sha256).values_list("path", flat=True)]
    held = ReleaseFile.objects.filter(path__in=paths, release__twin=False, release__dataset__in=datasets)
    releases = list(held.values_list("release__dataset__slug", "release__version").distinct())
    granted = [one for one in releases if caller.may(Act.DOWNLOAD, *one)]
    slug, version = (granted or releases or [(datasets[0].slug, "")])[0]
    return Act.DOWNLOAD, slug, version


@needs(Act.BROWSE, Act.DOWNLOAD, Act.DRAFT, choose=_what)
def picture(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """Serve a preview. A browser may keep an open one for a day, and asks again before it shows any other."""
    if (same := _unchanged(request, sha256)) is not None:
        return same
    blobs: Any = store()
    if not blobs.has(Digest(sha256)):
        raise Http404
    is_open = request.allowed[0] is Act.BROWSE  # type: ignore[attr-defined]
    return drawn_small(
        b"".join(blobs.read(Digest(sha256))), sha256, kept="max-age=86400" if is_open else "no-cache"
    )


@needs(Act.GET_TWIN)
def twin_picture(request: HttpRequest, dataset: str, version: str, sha256: str) -> HttpResponseBase:
    """Serve a picture of a twin's image. A digest that this twin's release does not hold is not there."""
    of_twin = {"release__dataset__slug": dataset, "release__version": version, "release__twin": True}
    if not ReleaseFile.objects.filter(**of_twin, sha256=sha256, path__endswith=".dcm").exists():
        raise Http404
    if (same := _unchanged(request, sha256)) is not None:
        return same
    try:
        return drawn_small(twins.drawn(sha256), sha256, kept="max-age=86400")
    except MidasError:
        raise Http404 from None


@lru_cache(maxsize=512)
def _webp(data: bytes) -> bytes:
    out = BytesIO()
    with Image.open(BytesIO(data)) as image:
        image.convert("RGB").save(out, "WEBP", quality=QUALITY)
    return out.getvalue()


def _unchanged(request: HttpRequest, sha256: str) -> HttpResponseBase | None:
    return HttpResponseNotModified() if request.headers.get("If-None-Match") == f'"{sha256}"' else None


def drawn_small(data: bytes, sha256: str, *, kept: str = "no-cache") -> HttpResponse:
    """Answer with a preview as WebP: a tenth of the bytes, so that a page of pictures stays light."""
    try:
        response = HttpResponse(_webp(data), content_type="image/webp")
    except OSError:  # Pillow's error for bytes that are no picture
        raise Http404 from None
    response["ETag"] = f'"{sha256}"'
    response["Cache-Control"] = f"private, {kept}"
    return response
