"""The thin ASGI application below /dicomweb/: path → route → who → place → right → handler → answer, in that order.

Handlers run in a few threads, each with its own connection to the database. A body (STOW-RS) is read only once its
sender was let in, and stands in a file beyond a megabyte.
"""

from __future__ import annotations

import asyncio
import logging
import re
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import IO, Any, TypeVar

from django.conf import settings
from django.core.exceptions import SynchronousOnlyOperation
from django.db import InterfaceError, OperationalError, connection
from django.http.request import split_domain_port, validate_host

from midas.kernel import BadInput, Forbidden, MidasError, NotFound
from midas.people.models import Account
from midas.people.rule import Standing
from midas.web import standing
from midas.web.bootstrap import current_home
from midas.web.dicomweb import hooks
from midas.web.dicomweb.bodies import AT_ONCE
from midas.web.dicomweb.messages import ALWAYS, Answer, Asked, TooLarge, WrongMethod, problem
from midas.web.dicomweb.places import KINDS, Place, let_in, place_of
from midas.web.dicomweb.routes import Route, route_of
from midas.web.dicomweb.who import who_asks
from midas.web.guard import SignInFirst
from midas.web.telling import where_of

Scope = dict[str, Any]
T = TypeVar("T")
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

log = logging.getLogger("midas.dicomweb")
PREFIX = "/dicomweb/"
THREADS = 8
"""Requests whose database or disk work runs at once; more wait their turn."""
IN_MEMORY = 1 << 20
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_QUICK = re.compile(r"/instances/[0-9.]+(?:/frames/[0-9,]+)?$")
_PLACE = re.compile(r"/dicomweb/([a-z]+)/([A-Za-z0-9._@-]{1,100})(/.*)?")


@dataclass(frozen=True)
class Entered:
    """A request that was let in, with its route."""

    asked: Asked
    route: Route


class BrokenOff(Exception):
    """An answer that has begun and must not end well."""


class WithDicomweb:
    """An ASGI application: what is below /dicomweb/ is answered here, all else goes on."""

    def __init__(self, other: Any) -> None:
        self._other = other
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="dicomweb")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._other(scope, receive, send)
            return
        run = asyncio.get_running_loop().run_in_executor
        if scope["method"] in SAFE:
            ready = remembered(scope)
            answer = await run(self._threads, answered, scope) if ready is None else ready
        else:
            entered = await run(self._threads, _guarded, enter, scope)
            if isinstance(entered, Entered):
                scratch = str(current_home().scratch)
                with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=scratch) as body:
                    limit = current_home().config.object_upload_mib * 1024 * 1024
                    if await _read(receive, body, limit):
                        answer = await run(self._threads, _with_body, entered, body)
                    else:
                        answer = problem(
                            TooLarge("This is more than may be stored at once.", advice="Send it in parts.")
                        )
            else:
                answer = entered
        await self._send(scope, send, answer)

    async def _send(self, scope: Scope, send: Send, answer: Answer) -> None:
        body = answer.body
        headers = {**ALWAYS, "cache-control": "no-store", **answer.headers}
        if answer.type:
            headers["content-type"] = answer.type
        if isinstance(body, bytes) and answer.status not in {204, 304} and "content-length" not in headers:
            headers["content-length"] = str(len(body))
        listed = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": listed})
        if scope["method"] == "HEAD":
            _close(body)
            await send({"type": "http.response.body", "body": b""})
        elif isinstance(body, bytes | list):
            *before, last = [body] if isinstance(body, bytes) else body or [b""]
            for piece in before:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": last})
        else:
            await self._stream(send, body)

    async def _stream(self, send: Send, chunks: Iterator[bytes]) -> None:
        run = asyncio.get_running_loop().run_in_executor
        try:
            while some := await run(self._threads, _some, chunks):
                for chunk in some:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except Exception as error:  # noqa: BLE001 - the server writes its words into the log
            log.warning("an answer broke off: %s", where_of(error))
            raise BrokenOff from None
        finally:
            await run(self._threads, _close, chunks)


def _some(chunks: Iterator[bytes]) -> list[bytes]:
    """Take as many chunks as are worth the way to a thread and back."""
    taken, size = [], 0
    while size < AT_ONCE and (chunk := next(chunks, None)) is not None:
        taken.append(chunk)
        size += len(chunk)
    return taken


def _close(body: Any) -> None:
    if close := getattr(body, "close", None):
        close()


async def _read(receive: Receive, body: IO[bytes], limit: int) -> bool:
    """Take a body into a file; say whether it came whole and within the limit."""
    left = limit
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return False
        chunk = message.get("body", b"")
        left -= len(chunk)
        if left < 0:
            return False
        await asyncio.to_thread(body.write, chunk)
        if not message.get("more_body"):
            body.seek(0)
            return True


# -- in a thread ------------------------------------------------------------------------------------------------


def answered(scope: Scope) -> Answer:
    """Answer a request without a body; what goes wrong becomes a problem."""
    return _guarded(lambda: _handled(enter(scope)))


def remembered(scope: Scope) -> Answer | None:
    """Answer for an instance or frame on the event loop, if nothing has to be waited for; else nothing.

    Django refuses to touch the database there, and `bodies` the disk: then a thread does it all.
    """
    if not _QUICK.search(scope["path"]):
        return None
    try:
        return answered(scope)
    except SynchronousOnlyOperation:
        return None


def _with_body(entered: Entered, body: IO[bytes]) -> Answer:
    return _guarded(lambda: _handled(replace(entered, asked=replace(entered.asked, body=body))))


def _handled(entered: Entered) -> Answer:
    asked = entered.asked
    answer = entered.route.handler(asked)
    if entered.route.views and answer.status in {200, 206}:
        hooks.on_view(asked.account, asked.place, asked.args["study"])
    if isinstance(answer.body, bytes | list):
        return answer
    return replace(answer, body=_while_allowed(asked, answer.body))


def _while_allowed(asked: Asked, body: Iterator[bytes]) -> Iterator[bytes]:
    """Pass chunks on until the right is taken back: then the answer breaks off, and the client sees that it is not whole."""
    try:
        for chunk in body:
            let_in(asked.place, who_asks(asked.headers)[1])
            yield chunk
    finally:
        _close(body)


def _guarded(work: Callable[..., T], *args: Any) -> T | Answer:
    """Run work; a connection that the database closed meanwhile is opened again once."""
    for again in (True, False):
        try:
            return work(*args)
        except MidasError as error:
            return problem(error)
        except SynchronousOnlyOperation:
            raise
        except (OperationalError, InterfaceError):
            connection.close()
            if not again:
                log.error("the database does not answer")
        except Exception as error:  # noqa: BLE001 - whatever it is: its words may hold values of an object
            log.error("a DICOMweb request failed: %s", where_of(error))
            break
    return problem(MidasError("The hub failed.", advice="Try again; tell its operator if it stays."))


def enter(scope: Scope) -> Entered:
    """Let a request in, or raise why not: `SignInFirst` 401, `Forbidden` 403, `NotFound` 404, `BadInput` 400."""
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
    match = _PLACE.fullmatch(scope["path"])
    if match is None:
        raise NotFound("There is nothing to look at here.", advice="Check the address.")
    kind, name, below = match.groups()
    account: Account | None = None
    try:
        account, stands = who_asks(headers)
        place = _place(kind, name, account, stands)
    except Forbidden:
        hooks.on_denied(account, kind, name, (scope.get("client") or ("",))[0])
        raise
    method = scope["method"]
    route, args, others = route_of(method, below or "/")
    if route is None:
        raise _no_route(others)
    if method not in SAFE and "authorization" not in headers:
        _same_site(headers)
    query = scope["query_string"].decode("latin-1")
    root = f"{_origin(scope, headers)}{PREFIX}{kind}/{name}"
    return Entered(Asked(method, place, root, args, query, headers, account, stands), route)


def _place(kind: str, name: str, account: Account | None, stands: Standing) -> Place:
    """Return where a request leads, if who stands so may look there; nobody in particular is told to sign in first."""
    key = f"place {kind}/{name}/{account.pk if account and kind == 'tasks' else ''}"
    try:
        place = standing.recall(key, lambda: place_of(kind, name, account))
    except (NotFound, Forbidden):
        if stands.roles is None and kind in KINDS and kind != "twins":
            raise SignInFirst(
                "To look at this you must sign in.", advice="Sign in, or give your token."
            ) from None
        raise
    let_in(place, stands)
    return place


def _no_route(others: frozenset[str]) -> MidasError:
    if others:
        return WrongMethod(
            "This cannot be done to what stands here.", advice=f"It knows {', '.join(sorted(others))}."
        )
    return NotFound("There is no such resource here.", advice="Ask this root for its capabilities.")


def _origin(scope: Scope, headers: Mapping[str, str]) -> str:
    """Return scheme and host as the client knows them; `BadInput` for a host that is not this hub's."""
    host = headers.get("host", "")
    if not _is_ours(host, tuple(settings.ALLOWED_HOSTS)):
        raise BadInput("This hub does not answer to that name.", advice="Use its public address.")
    scheme = scope.get("scheme", "http")
    if settings.SECURE_PROXY_SSL_HEADER and headers.get("x-forwarded-proto") == "https":
        scheme = "https"
    return f"{scheme}://{host}"


@lru_cache(maxsize=256)
def _is_ours(host: str, names: tuple[str, ...]) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, names)


def _same_site(headers: Mapping[str, str]) -> None:
    """Take what a browser's session sends only from this hub's own pages."""
    origin, host = headers.get("origin", ""), headers.get("host", "")
    if origin.partition("://")[2] != host:
        raise Forbidden("This did not come from the hub's own pages.", advice="Send a token instead.")
