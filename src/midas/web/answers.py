"""What goes out: problems (RFC 9457), JSON from wire models, and bytes streamed with ranges (RFC 9110 §14).

No error text of a library and no value of the request ever goes into a problem; only what a `MidasError` says.
"""

from __future__ import annotations

import mimetypes
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from pydantic import BaseModel

from midas.kernel import BadInput, BrokenPromise, Conflict, Forbidden, MidasError, NotFound, Unavailable
from midas.store import Blobs
from midas.web.guard import SignInFirst, TooMany, asks_again
from midas.wire.v1 import Problem

STATUS: tuple[tuple[type[MidasError], int, str], ...] = (
    (SignInFirst, 401, "Sign in first"),
    (TooMany, 429, "Too many requests"),
    (BadInput, 400, "This cannot be used"),
    (NotFound, 404, "Not found"),
    (Forbidden, 403, "Not allowed"),
    (Conflict, 409, "This does not fit what is there"),
    (Unavailable, 503, "Not available now"),
    (BrokenPromise, 422, "A check failed"),
)
ASKED_AGAIN_S = 2.0
"""Seconds after which a stream that goes on asks again whether it may."""
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def status_of(error: MidasError) -> tuple[int, str]:
    """Return the HTTP status and title for an error's class."""
    return next(((code, title) for kind, code, title in STATUS if isinstance(error, kind)), (500, "Error"))


def problem(error: MidasError) -> HttpResponse:
    """Return an error as problem details."""
    status, title = status_of(error)
    body = Problem(title=title, status=status, detail=error.message, advice=error.advice)
    answer = HttpResponse(body.model_dump_json(), status=status, content_type="application/problem+json")
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="midas"'
    if isinstance(error, TooMany):
        answer.headers["Retry-After"] = str(error.wait_s)
    return answer


def wire(value: BaseModel | dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Return a wire model, or a dictionary of JSON values, as JSON."""
    if isinstance(value, BaseModel):
        return HttpResponse(
            value.model_dump_json(by_alias=True), status=status, content_type="application/json"
        )
    from django.http import JsonResponse

    return JsonResponse(value, status=status)


class MidasErrors:
    """Middleware: a `MidasError` becomes a problem for programs and a page in words for people."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._next(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, MidasError):
            return None
        if request.path.startswith("/api/"):
            return problem(error)
        status, title = status_of(error)
        words = {"title": title, "status": status, "detail": error.message, "advice": error.advice}
        return render(request, "hub/problem.html", words, status=status)


async def streamed(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Take chunks from a blocking source in the request's own thread: one in memory at a time, the loop stays free."""
    take = sync_to_async(lambda: next(chunks, None), thread_sensitive=True)
    try:
        while (chunk := await take()) is not None:
            yield chunk
    finally:
        if close := getattr(chunks, "close", None):
            await sync_to_async(close, thread_sensitive=True)()


async def while_allowed(
    chunks: AsyncIterator[bytes], may: Callable[[], Awaitable[bool]], *, every_s: float = ASKED_AGAIN_S
) -> AsyncIterator[bytes]:
    """Pass chunks on for as long as `may` says yes, asked at most `every_s` seconds before each chunk goes out.

    Then raise `Forbidden`: the server breaks the transfer off, so that nobody takes what came for the whole.
    """
    asked = time.monotonic()
    async for chunk in chunks:
        if time.monotonic() - asked >= every_s:
            if not await may():
                raise Forbidden("The permission to download has ended.", advice="Ask for access again.")
            asked = time.monotonic()
        yield chunk


def guarded(request: HttpRequest, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Stream chunks of a view under `@needs` for as long as its caller may have them."""
    return while_allowed(streamed(chunks), sync_to_async(asks_again(request), thread_sensitive=True))


def asked_range(header: str, size: int) -> tuple[int, int] | None:
    """Return the first and one past the last byte of a single-range header.

    `None` where the whole is to be sent: no header, several ranges or another unit. Raise `ValueError` where the
    range lies outside (HTTP 416).
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(size - int(last), 0), size
        if int(last) == 0:
            raise ValueError("an empty suffix")
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < int(first):
            return None
    if start >= size:
        raise ValueError("it begins behind the end")
    return start, end


def blob(request: HttpRequest, *, store: Blobs, sha256: str, size: int, name: str) -> HttpResponseBase:
    """Stream a blob to be saved as `name`, whole or the range that was asked for; its ETag is its SHA-256."""
    etag = f'"{sha256}"'
    headers = {
        "ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache",
        "Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or "attachment",
    }  # fmt: skip
    if etag in [part.strip() for part in request.headers.get("If-None-Match", "").split(",")]:
        return HttpResponse(status=304, headers=headers)
    wanted, status = None, 200
    if request.headers.get("If-Range", etag) == etag:
        try:
            wanted = asked_range(request.headers.get("Range", ""), size)
        except ValueError:
            return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    start, end = wanted or (0, size)
    if wanted:
        status = 206
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    kind = _content_type(name)
    if request.method == "HEAD":
        answer = HttpResponse(status=status, headers=headers, content_type=kind)
        answer.headers["Content-Length"] = headers["Content-Length"]
        return answer
    chunks = store.read(sha256, start, None if end == size else end)
    return StreamingHttpResponse(guarded(request, chunks), status=status, headers=headers, content_type=kind)


def _content_type(name: str) -> str:
    if name.endswith(".dcm"):
        return "application/dicom"
    if name.endswith(".parquet"):
        return "application/vnd.apache.parquet"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
