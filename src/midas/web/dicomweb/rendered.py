"""Pictures for the eye (PS3.18 §10.4.1.1.3, §10.4.1.1.4): rendered objects and frames, and thumbnails ready since intake.

One picture stands for a series or study: its middle object; for a slide the level that fits the viewport. Who asks for
multipart/related gets a picture of every object. No text is ever drawn into one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydicom.uid import VLWholeSlideMicroscopyImageStorage

from midas.catalogue.lens import Found
from midas.catalogue.models import Instance
from midas.formats.dicom import quiet, render
from midas.formats.dicom.render import JPEG, PNG, Form, Viewport
from midas.formats.dicom.view import Window
from midas.kernel import BadInput, Digest, NotFound
from midas.web.bootstrap import store
from midas.web.dicomweb import media, multipart
from midas.web.dicomweb.bodies import Cut, Piece, answer, etag_of
from midas.web.dicomweb.frames import numbers_of
from midas.web.dicomweb.messages import Answer, Asked, NotAcceptable
from midas.web.dicomweb.retrieve import address, found_of, taken
from midas.web.dicomweb.sources import Source

LARGEST = 4096
"""Pixels a side of a viewport."""
THUMBNAIL = 384
"""Pixels of the longer side of the pictures that intake makes."""
FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
PROFILES = ("yes", "no", "srgb")
MOST_PIXELS = 64_000_000
"""Pixels of one frame that is drawn."""


def objects(asked: Asked) -> Answer:
    """Answer with a picture of what the path names, or of every object of it."""
    form, multi, window = _wanted(asked)
    found = _pictured(asked)
    if not multi:
        return _one(asked, _standing_for(found, form.viewport), form, window, None)
    return _parts(asked, [(one, None) for one in found], form, window)


def frames(asked: Asked) -> Answer:
    """Answer with pictures of the frames that the path names."""
    form, multi, window = _wanted(asked)
    found, numbers = _pictured(asked)[0], numbers_of(asked.args["frames"])
    Source(found, store()).check(numbers)
    if not multi and len(numbers) == 1:
        return _one(asked, found, form, window, numbers[0])
    if not multi:
        raise NotAcceptable(
            "Several frames come in parts.", advice=f'Accept multipart/related; type="{form.media_type}".'
        )
    return _parts(asked, [(found, number) for number in numbers], form, window)


def thumbnail(asked: Asked) -> Answer:
    """Answer with a small picture; the one that intake made goes out untouched where it fits."""
    found = _standing_for(_pictured(asked), Viewport(THUMBNAIL, THUMBNAIL))
    viewport = _viewport(dict(asked.parameters).get("viewport", ""))
    kind, multi = _kind(asked, (PNG, JPEG))
    ready = None if "frames" in asked.args else _ready(found)
    number = numbers_of(asked.args["frames"])[0] if "frames" in asked.args else None
    if ready and kind == PNG and not multi and viewport is None:
        size = store().size(Digest(ready))
        return answer(asked, store(), [Cut(ready, 0, size)], kind=PNG, etag=f'"{ready}"')
    form = Form(kind, 80, viewport or Viewport(THUMBNAIL, THUMBNAIL))
    return _parts(asked, [(found, number)], form, None) if multi else _one(asked, found, form, None, number)


def _ready(found: Found) -> str:
    """Return the digest of the picture that intake made of these very bytes, or nothing."""
    held = Instance.objects.filter(sha256=found.sha256).exclude(preview="")
    ready = held.values_list("preview", flat=True).first() or ""
    return ready if ready and store().has(Digest(ready)) else ""


def _pictured(asked: Asked) -> list[Found]:
    found = [one for one in found_of(asked) if one.frames]
    if not found:
        raise NotFound("There is no picture in this.", advice="Fetch the objects.")
    return found


def _standing_for(found: Sequence[Found], viewport: Viewport | None) -> Found:
    """Return the object that stands for all: the level of a slide that fills the viewport, else the middle one."""
    slides = [one for one in found if one.sop_class_uid == VLWholeSlideMicroscopyImageStorage]
    if len(slides) < len(found) or len(found) == 1:
        return found[len(found) // 2]
    target = viewport or Viewport(render.SIDE, render.SIDE)
    levels = sorted(slides, key=lambda one: one.frames * one.rows * one.columns)
    shown = abs(target.source[2] * target.source[3]) if target.source else 0
    for one in levels:
        if one.frames * one.rows * one.columns >= max(target.width * target.height, shown):
            return one
    return levels[-1]


# -- what was asked for -----------------------------------------------------------------------------------------


def _wanted(asked: Asked) -> tuple[Form, bool, Window | None]:
    given = dict(asked.parameters)
    if given.get("annotation"):
        raise BadInput("No text is drawn into pictures here.", advice="Ask without annotation.")
    kind, multi = _kind(asked, (JPEG, PNG))
    profile = given.get("iccprofile", "yes").lower()
    if profile not in PROFILES:
        raise BadInput("That colour profile is not known.", advice=f"One of {', '.join(PROFILES)}.")
    quality = given.get("quality", "90")
    if not quality.isdecimal() or len(quality) > 3 or not 1 <= int(quality) <= 100:
        raise BadInput("A quality is a whole number from 1 to 100.", advice="Such as quality=90.")
    form = Form(kind, int(quality), _viewport(given.get("viewport", "")), profile)
    return form, multi, _window(given.get("window", ""))


def _kind(asked: Asked, kinds: tuple[str, ...]) -> tuple[str, bool]:
    chosen = media.for_kinds(taken(asked), kinds)
    if chosen is None:
        raise NotAcceptable("Pictures come as JPEG or PNG.", advice=f"Accept {JPEG} or {PNG}.")
    return chosen


def _numbers(text: str, name: str) -> list[float]:
    try:
        found = [float(one) for one in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(abs(one) < 1e9 for one in found):
        raise BadInput(f"The {name} cannot be read.", advice="See PS3.18 8.3.5.1.")
    return found


def _window(text: str) -> Window | None:
    if not text:
        return None
    center, _, rest = text.partition(",")
    width, _, function = rest.partition(",")
    numbers = _numbers(f"{center},{width}", "window")
    function = function.strip().lower() or "linear"
    if numbers[1] <= 0 or function not in FUNCTIONS:
        raise BadInput(
            "A window has a centre, a width above 0 and a function.", advice="Such as window=40,400,linear."
        )
    return Window(numbers[0], numbers[1], FUNCTIONS[function])


def _viewport(text: str) -> Viewport | None:
    if not text:
        return None
    numbers = _numbers(text.rstrip(","), "viewport")
    width, height = (int(one) for one in (*numbers, 0)[:2])
    if len(numbers) not in {2, 6} or not (0 < width <= LARGEST and 0 < height <= LARGEST):
        raise BadInput(
            f"A viewport is a width and a height up to {LARGEST}, and may name x, y, width and height of the source.",
            advice="Such as viewport=512,512 or viewport=512,512,0,0,256,256.",
        )
    return Viewport(
        width, height, (numbers[2], numbers[3], numbers[4], numbers[5]) if len(numbers) == 6 else None
    )


# -- drawn ------------------------------------------------------------------------------------------------------


def _one(asked: Asked, found: Found, form: Form, window: Window | None, number: int | None) -> Answer:
    etag = etag_of("rendered", found.sha256, str(number), repr(form), repr(window))
    if etag in asked.headers.get("if-none-match", ""):
        return answer(asked, store(), [], kind=form.media_type, etag=etag)
    return answer(asked, store(), [drawn(found, form, window, number)], kind=form.media_type, etag=etag)


def _parts(
    asked: Asked, wanted: Sequence[tuple[Found, int | None]], form: Form, window: Window | None
) -> Answer:
    names = [f"{found.sha256}/{number}" for found, number in wanted]
    etag = etag_of("rendered", *names, repr(form), repr(window))
    frame = multipart.Frame(etag.strip('"'))
    pieces: list[Piece] = [
        _drawn_part(asked, frame, found, form, window, number, first=at == 0)
        for at, (found, number) in enumerate(wanted)
    ]
    return answer(asked, store(), [*pieces, frame.end], kind=frame.content_type(form.media_type), etag=etag)


def _drawn_part(
    asked: Asked, frame: multipart.Frame, found: Found, form: Form, window: Window | None, number: int | None,
    *, first: bool,
) -> Callable[[], Iterator[bytes]]:  # fmt: skip
    """A part that is drawn when its turn comes."""
    below = "/rendered" if number is None else f"/frames/{number}/rendered"

    def made() -> Iterator[bytes]:
        data = drawn(found, form, window, number)
        place = f"{address(asked, found)}{below}"
        yield frame.head(form.media_type, first=first, length=len(data), location=place)
        yield data

    return made


def drawn(found: Found, form: Form, window: Window | None, number: int | None) -> bytes:
    """Return the picture of a frame, or of the whole object: all of a slide's level, else its middle frame."""
    source = Source(found, store())
    source.check([1])
    ds: Any = source.header
    if found.rows * found.columns > MOST_PIXELS:
        raise BadInput("The image is too large to be drawn.", advice="Fetch its pixels.")

    def eye(index: int) -> Any:
        return render.for_the_eye(source.picture(index + 1), ds, index=index, window=window)

    profile = render.profile_of(ds)
    with quiet():
        if number is None and render.is_tiled(ds):
            return render.written(render.pieced(ds, eye, form.viewport), form, profile=profile)
        index = found.frames // 2 if number is None else number - 1
        return render.written(render.cut(eye(index), form.viewport), form, profile=profile)
