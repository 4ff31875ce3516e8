"""`PUT /api/v1/blobs/{sha256}` beside Django: the body goes to the store as it comes, and nowhere else first.

Django reads a whole body before its view runs. Here the token is looked at before the first byte is taken, memory
holds a few chunks however large the blob is, and every other request is refused when it grows beyond its limit.
"""

from __future__ import annotations

import asyncio
import queue
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse

from midas.kernel import BadInput, MidasError, Unavailable
from midas.people.rule import Act
from midas.web.answers import problem, wire
from midas.web.bootstrap import current_home, store
from midas.web.guard import caller_of, require
from midas.wire.v1 import BlobKept

LARGEST_FORM = 2 << 20
"""Bytes of a request without a key: no form of a page has files."""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_PATH = re.compile(r"/api/v1/blobs/([0-9a-f]{64})")
AHEAD = 8
"""Chunks that may wait between the network and the store: enough to keep both busy, a few MiB at most."""


class WithUploads:
    """An ASGI application: uploads of blobs are taken here, all else goes to Django."""

    def __init__(self, django: Any) -> None:
        self._django = django

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = _PATH.fullmatch(scope.get("path", "")) if scope["type"] == "http" else None
        if match and scope["method"] == "PUT":
            async with ThreadSensitiveContext():
                await _answer(await _upload(scope, receive, match.group(1)), send)
        elif scope["type"] == "http":
            await self._other(scope, receive, send)
        else:
            await self._django(scope, receive, send)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.lower(): value for name, value in scope["headers"]}
        limit = _most(headers)
        said = headers.get(b"content-length", b"0")
        if not said.isdigit() or len(said) > 15 or int(said) > limit:
            await _answer(_too_large(limit), send)
        else:
            await self._django(scope, _limited(receive, limit), send)


def _most(headers: dict[bytes, bytes]) -> int:
    """Return the bytes that a request may bring: a form is small, the header of a submission (with a key) is not."""
    return current_home().config.page_upload_mib << 20 if b"authorization" in headers else LARGEST_FORM


def _too_large(limit: int) -> HttpResponse:
    answer = problem(BadInput(f"A request has at most {limit >> 20} MiB here.", advice="Send less at once."))
    answer.status_code = 413
    return answer


def _limited(receive: Receive, left: int) -> Receive:
    """Say that the client has gone once a request is larger than it may be."""

    async def take() -> dict[str, Any]:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        return message if left >= 0 else {"type": "http.disconnect"}

    return take


async def _upload(scope: Scope, receive: Receive, sha256: str) -> HttpResponse:
    try:
        await sync_to_async(_check)(scope)
        return await _store(receive, sha256)
    except MidasError as error:
        return problem(error)


def _check(scope: Scope) -> None:
    request = HttpRequest()
    for name, value in scope["headers"]:
        if name.lower() == b"authorization":
            request.META["HTTP_AUTHORIZATION"] = value.decode("latin-1")
    close_old_connections()
    try:
        require(caller_of(request), Act.SUBMIT)
    finally:
        close_old_connections()


async def _store(receive: Receive, sha256: str) -> HttpResponse:
    waiting: queue.Queue[bytes | MidasError | None] = queue.Queue(AHEAD)
    known = await asyncio.to_thread(store().has, sha256)
    taking = asyncio.create_task(asyncio.to_thread(store().put_chunks, _chunks(waiting), expect=sha256))
    try:
        last = await _pump(receive, waiting, taking)
    except BaseException:
        last = Unavailable("The upload broke off.", advice="Send it again.")
        raise
    finally:
        await _offer(waiting, last, taking)
    await taking
    return wire(BlobKept(sha256=sha256), status=200 if known else 201)


async def _pump(
    receive: Receive, waiting: queue.Queue[bytes | MidasError | None], taking: asyncio.Task[Any]
) -> MidasError | None:
    """Move chunks until the body ends; return what to tell the store: nothing more, or that it broke off."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return BadInput("The upload broke off.", advice="Send it again.")
        if body := message.get("body", b""):
            await _offer(waiting, body, taking)
        if not message.get("more_body"):
            return None


async def _offer(
    waiting: queue.Queue[bytes | MidasError | None], one: bytes | MidasError | None, taking: asyncio.Task[Any]
) -> None:
    while not taking.done():
        try:
            waiting.put_nowait(one)
        except queue.Full:
            await asyncio.sleep(0.002)
        else:
            return


def _chunks(waiting: queue.Queue[bytes | MidasError | None]) -> Iterator[bytes]:
    while (one := waiting.get()) is not None:
        if isinstance(one, MidasError):
            raise one
        yield one


async def _answer(response: HttpResponse, send: Send) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    headers.append((b"content-length", str(len(response.content)).encode()))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})
