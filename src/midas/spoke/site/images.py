"""The identified picture of an item, for people who signed in here; every view, small or large, is written down first."""

from __future__ import annotations

from contextlib import suppress

from django.http import Http404, HttpRequest, HttpResponse

from midas.formats import dicom, photos, slides
from midas.kernel import MidasError
from midas.spoke.bootstrap import current_home
from midas.spoke.intake import look, store
from midas.spoke.intake.items import of_project
from midas.spoke.intake.models import Item
from midas.spoke.site.access import Door, door
from midas.spoke.site.frame import current_desk

LARGE, SMALL = 1600, 256
"""The longest side in pixels of the picture that is decided on, and of a thumbnail."""


def _png(request: HttpRequest, number: int, size: int) -> HttpResponse:
    item = of_project(current_desk().project).select_related("batch__project").filter(pk=number).first()
    if item is None:
        raise Http404
    try:
        data = look.item_preview_png(item, by=request.user, size=size)
    except MidasError:
        raise Http404 from None
    response = HttpResponse(data, content_type="image/png")
    response["Cache-Control"] = "no-store"
    return response


@door(Door.LOCAL)
def image(request: HttpRequest, number: int) -> HttpResponse:
    return _png(request, number, LARGE)


@door(Door.LOCAL)
def thumbnail(request: HttpRequest, number: int) -> HttpResponse:
    return _png(request, number, SMALL)


def pixels_of(item: Item) -> dict[str, int] | None:
    """Return the width and height that boxes are given in, or `None` where there is no picture. Shows nothing."""
    if not look.has_picture(item):
        return None
    path = store.place_of(current_home(), item.stored)
    with suppress(MidasError):
        if item.kind == "dicom":
            facts = dicom.facts(dicom.read(path))
            return (
                {"width": int(facts["Columns"] or 0), "height": int(facts["Rows"] or 0)}
                if facts.get("Rows")
                else None
            )
        if item.kind == "slide":
            with slides.open_slide(path) as slide:
                return {"width": slide.width, "height": slide.height}
        height, width = photos.look(path).pixels.shape[:2]
        return {"width": width, "height": height}
    return None
