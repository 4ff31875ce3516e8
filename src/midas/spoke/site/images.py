"""The identified picture of an item, for reviewers who signed in here; every view, small or large, is written down first."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from django.http import Http404, HttpRequest, HttpResponse

from midas.formats import dicom, photos, slides
from midas.kernel import MidasError
from midas.spoke.bootstrap import current_home
from midas.spoke.intake import look, store
from midas.spoke.intake.models import Item
from midas.spoke.reviewing import of_scope
from midas.spoke.site.access import Door, door
from midas.spoke.site.frame import item_of

LARGE, SMALL = 1600, 256
"""The longest side in pixels of the picture that is decided on, and of a thumbnail."""
LAID = 48
"""Images that are laid over each other at most, evenly spread over those that an act reaches."""
FRAMES_SHOWN = 9
"""Frames of a loop that the page offers to look at, evenly spread from the first to the last."""


@dataclass(frozen=True)
class Canvas:
    """The pixels in which boxes are given, and the frames that can be looked at."""

    width: int
    height: int
    frames: int = 1

    def shown(self) -> list[int]:
        """Return the frames that the page offers, counted from 0."""
        most = min(FRAMES_SHOWN, self.frames)
        return sorted({round(place * (self.frames - 1) / max(1, most - 1)) for place in range(most)})


def _png(request: HttpRequest, number: int, size: int, frame: int | None = None) -> HttpResponse:
    item = item_of(number)
    try:
        data = look.item_preview_png(item, by=request.user, size=size, frame=frame)
    except MidasError:
        raise Http404 from None
    response = HttpResponse(data, content_type="image/png")
    response["Cache-Control"] = "no-store"
    return response


@door(Door.REVIEWER)
def image(request: HttpRequest, number: int) -> HttpResponse:
    frame = request.GET.get("frame", "")
    return _png(request, number, LARGE, int(frame) if frame.isdecimal() and len(frame) < 9 else None)


@door(Door.REVIEWER)
def thumbnail(request: HttpRequest, number: int) -> HttpResponse:
    return _png(request, number, SMALL)


@door(Door.REVIEWER)
def together(request: HttpRequest, number: int) -> HttpResponse:
    """Lay the images that an act would reach over each other, so that a box can be seen to cover every name."""
    item = item_of(number)
    if item.kind != "dicom":
        raise Http404
    reached = list(of_scope(item, request.GET.get("scope", "items")).filter(kind="dicom"))
    spread = [reached[round(place * (len(reached) - 1) / max(1, LAID - 1))] for place in range(LAID)]
    pictures = []
    for one in dict.fromkeys(reached if len(reached) <= LAID else spread):
        with suppress(MidasError):
            pictures.append(dicom.frame(store.place_of(current_home(), one.stored)))
            look.looked(one, by=request.user)
    if not pictures:
        raise Http404
    alike = [picture for picture in pictures if picture.shape == pictures[0].shape]
    dark = float(pictures[0].mean()) < 128
    laid = np.maximum.reduce(alike) if dark else np.minimum.reduce(alike)
    response = HttpResponse(dicom.png(laid, size=LARGE), content_type="image/png")
    response["Cache-Control"] = "no-store"
    return response


def canvas_of(item: Item) -> Canvas | None:
    """Return the pixels that boxes are given in, or `None` where there is no picture. Shows nothing."""
    if not look.has_picture(item):
        return None
    path = store.place_of(current_home(), item.stored)
    with suppress(MidasError):
        if item.kind == "dicom":
            facts = dicom.facts(dicom.read(path))
            sides = [int(facts.get(word) or 0) for word in ("Columns", "Rows", "NumberOfFrames")]
            return Canvas(sides[0], sides[1], max(1, sides[2])) if sides[0] and sides[1] else None
        if item.kind == "slide":
            with slides.open_slide(path) as slide:
                return Canvas(slide.width, slide.height)
        height, width = photos.look(path).pixels.shape[:2]
        return Canvas(width, height)
    return None
