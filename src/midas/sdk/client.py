"""One hub, spoken to over HTTPS: the only way in for researchers and for spokes alike.

In come names, digests and files; out come the values of `midas.wire.v1`. What fails for a moment is tried again with
growing pauses; what the hub refuses becomes a `MidasError` with the hub's own advice. A token is never shown or logged.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx
from pydantic import ValidationError

from midas import __version__
from midas.kernel import BadInput, BrokenPromise, Conflict, Forbidden, MidasError, NotFound, Unavailable
from midas.manifest import Entry
from midas.wire.v1 import (
    AccessAnswers,
    AccessRequest,
    AccessTerms,
    AgreementAnswer,
    AnswerKept,
    AnswerSent,
    AskedLine,
    AskedPage,
    CoverageTotal,
    DatasetCard,
    DatasetPage,
    ItemSaid,
    Missing,
    MyAccess,
    Problem,
    Question,
    ReadingItem,
    ReadingItemPage,
    ReadingSent,
    ReleaseCard,
    Rows,
    SealAnswer,
    SettlementLine,
    SettlementSent,
    Signed,
    SubmissionStatus,
    TaskCard,
    TaskList,
    Wire,
)

W = TypeVar("W", bound=Wire)
T = TypeVar("T")

CHUNK = 1 << 20
MISSING_AT_ONCE = 1000
"""What `POST /api/v1/blobs/missing` takes in one call."""

KIND_OF_STATUS: dict[int, type[MidasError]] = {
    400: BadInput, 401: Forbidden, 403: Forbidden, 404: NotFound, 409: Conflict, 410: NotFound, 412: Conflict,
    413: BadInput, 415: BadInput, 422: BadInput,
}  # fmt: skip

TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Patience:
    """How long to go on with a hub that does not answer."""

    attempts: int = 5
    """Tries in all; five with the pauses below outlast a restart of the hub."""
    first_pause_s: float = 0.5
    """Pause before the second try; it doubles each time, give or take a quarter, so that spokes do not march in step."""
    longest_pause_s: float = 20.0
    connect_s: float = 10.0
    answer_s: float = 120.0
    """Silence after which a try counts as failed; a hub may hash a large blob before it answers."""


def _problem(response: httpx.Response) -> MidasError:
    response.read()
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        problem = Problem(title=response.reason_phrase or "No answer", status=response.status_code)
    kind = KIND_OF_STATUS.get(response.status_code, Unavailable)
    advice = problem.advice
    if not advice and response.status_code == 401:
        advice = "Sign in: give a token with --token or MIDAS_TOKEN."
    if not advice and kind is Unavailable:
        advice = "Try again later."
    return kind(problem.detail or problem.title, advice=advice)


def _pause_of(response: httpx.Response | None) -> float:
    try:
        return float(response.headers.get("retry-after", 0)) if response is not None else 0.0
    except ValueError:
        return 0.0


class Interrupted(Exception):
    """A failure of the moment: the same request may succeed; `error` is what to raise when patience ends."""

    def __init__(self, error: MidasError, pause_s: float = 0.0) -> None:
        super().__init__(str(error))
        self.error, self.pause_s = error, pause_s


class Client:
    """A hub at an address, with or without a token. Use it as a context manager, or `close()` it."""

    def __init__(
        self,
        hub: str,
        token: str | None = None,
        *,
        patience: Patience = Patience(),
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not hub.startswith(("https://", "http://")):
            raise BadInput(
                "The hub's address has to begin with https:// (or http:// on one machine).",
                advice="Give --hub.",
            )
        self.hub = hub.rstrip("/")
        self._patience, self._sleep = patience, sleep
        headers = {
            "User-Agent": f"midas/{__version__}",
            "Accept": "application/json, application/problem+json",
        }
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(
            base_url=self.hub,
            headers=headers,
            timeout=httpx.Timeout(patience.answer_s, connect=patience.connect_s),
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.hub!r})"

    def close(self) -> None:
        self._http.close()

    # -- the one way to ask ------------------------------------------------------------------------------------

    @contextmanager
    def _answer(self, method: str, path: str, **options: Any) -> Iterator[httpx.Response]:
        """Yield one good answer, unread; momentary failures raise `Interrupted`, refusals a `MidasError`."""
        try:
            with self._http.stream(method, path, **options) as response:
                if response.status_code in TRY_AGAIN:
                    raise Interrupted(_problem(response), _pause_of(response))
                if response.status_code >= 400:
                    raise _problem(response)
                yield response
        except (httpx.TransportError, httpx.StreamError) as error:
            gone = Unavailable(
                f"The hub at {self.hub} did not answer.", advice="Check the address and the network."
            )
            raise Interrupted(gone) from error

    def patiently(self, act: Callable[[], T]) -> T:
        """Do `act` until it succeeds, is refused, or patience ends; then raise the last failure."""
        pause = self._patience.first_pause_s
        for attempt in range(1, self._patience.attempts + 1):
            try:
                return act()
            except Interrupted as failure:
                if attempt == self._patience.attempts:
                    raise failure.error from None
                spread = random.uniform(0.75, 1.25)  # noqa: S311 - no secret
                self._sleep(min(max(pause * spread, failure.pause_s), self._patience.longest_pause_s))
                pause *= 2
        raise BadInput("Patience with no attempts asks nothing.", advice="Allow at least one.")

    def _json(self, method: str, path: str, **options: Any) -> Any:
        def ask() -> Any:
            with self._answer(method, path, **options) as response:
                return json.loads(response.read())

        try:
            return self.patiently(ask)
        except ValueError:
            raise BrokenPromise(
                f"{self.hub} did not answer as a MIDAS hub does.", advice="Check the address of the hub."
            ) from None

    def _model(self, kind: type[W], value: Any) -> W:
        try:
            return kind.model_validate(value)
        except ValidationError:
            raise BrokenPromise(
                f"{self.hub} did not answer as version 1 of the interface asks.",
                advice="Update this software, or ask the hub's operator which version it speaks.",
            ) from None

    # -- what researchers ask ----------------------------------------------------------------------------------

    def datasets(self) -> tuple[DatasetCard, ...]:
        """Return the cards of all datasets, asking page by page."""
        found: list[DatasetCard] = []
        after: str | None = ""
        while after is not None:
            asked = {"after": after} if after else {}
            page = self._model(DatasetPage, self._json("GET", "/api/v1/datasets", params=asked))
            found += page.datasets
            after = page.next
        return tuple(found)

    def dataset(self, name: str) -> DatasetCard:
        return self._model(DatasetCard, self._json("GET", f"/api/v1/datasets/{quote(name, safe='')}"))

    def release(self, name: str, *, twin: bool = False) -> ReleaseCard:
        """Return the card of `dataset@version`, or of its open twin."""
        return self._model(ReleaseCard, self._json("GET", _release_path(name), params=_twin(twin)))

    def seal(self, name: str, *, twin: bool = False) -> SealAnswer:
        return self._model(SealAnswer, self._json("GET", f"{_release_path(name)}/seal", params=_twin(twin)))

    def tree(self, name: str, *, twin: bool = False) -> tuple[Entry, ...]:
        """Return every file of a release with its digest, size and owner."""

        def ask() -> tuple[Entry, ...]:
            with self._answer("GET", f"{_release_path(name)}/tree", params=_twin(twin)) as response:
                return tuple(Entry(**json.loads(line)) for line in response.iter_lines() if line.strip())

        try:
            return self.patiently(ask)
        except (ValueError, TypeError):
            raise BrokenPromise(
                "The hub's list of files cannot be read.", advice="Ask the hub's operator."
            ) from None

    def ask(self, name: str, sql: str) -> Rows:
        """Answer one SELECT over a release's tables at the hub: at most 10,000 rows. `BadInput` says what is wrong."""
        asked = Question(sql=sql).model_dump(mode="json")
        return self._model(Rows, self._json("POST", f"{_release_path(name)}/question", json=asked))

    def file(
        self, name: str, path: str, *, twin: bool = False, start: int = 0, take: Callable[[bytes], None]
    ) -> None:
        """Stream a file of a release from byte `start` on into `take`; one try only, so that the caller can resume.

        Raise `Interrupted` where the stream broke off: what `take` got until then is good and may be kept.
        """
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
        where = f"{_release_path(name)}/files/{quote(path)}"
        with self._answer("GET", where, params=_twin(twin), headers=headers) as response:
            skip = start if start and response.status_code != 206 else 0
            for chunk in response.iter_raw():
                if skip >= len(chunk):
                    skip -= len(chunk)
                    continue
                take(chunk[skip:])
                skip = 0

    # -- what readers ask --------------------------------------------------------------------------------------

    def tasks(self) -> tuple[TaskCard, ...]:
        """Return the reading tasks in which you read or that you may set, newest first."""
        return self._model(TaskList, self._json("GET", "/api/v1/tasks")).tasks

    def task_items(self, task: int) -> Iterator[ReadingItem]:
        """Yield your items of a task with what you said so far, asking page by page."""
        after: int | None = 0
        while after is not None:
            page = self._model(
                ReadingItemPage, self._json("GET", f"/api/v1/tasks/{task}/items", params={"after": after})
            )
            yield from page.items
            after = page.next

    def read(
        self, task: int, item: int, value: str | float | None = None, *, submit: bool = False
    ) -> ReadingItem:
        """Keep a value for one of your items, and with `submit` hand in what is kept: then it cannot be changed."""
        sent = ReadingSent(value=value, submit=submit)
        answer = self._json(
            "POST", f"/api/v1/tasks/{task}/items/{item}/reading", json=sent.model_dump(mode="json")
        )
        return self._model(ReadingItem, answer)

    def said(self, task: int, item: int) -> ItemSaid:
        """Return what readers said of an item, and what stands: for its adjudicator, or once it is settled."""
        return self._model(ItemSaid, self._json("GET", f"/api/v1/tasks/{task}/items/{item}/readings"))

    def settle(
        self, task: int, item: int, *, why: str, value: str | float | None = None, reading: str | None = None
    ) -> SettlementLine:
        """Settle an item that you adjudicate: by a value, by the letter of a reading, or by what you drew yourself."""
        sent = SettlementSent(value=value, reading=reading, why=why)
        where, once = f"/api/v1/tasks/{task}/items/{item}/settlement", {"Idempotency-Key": str(uuid4())}
        answer = self._json("POST", where, json=sent.model_dump(mode="json"), headers=once)
        return self._model(SettlementLine, answer)

    def agreement(self, task: int) -> AgreementAnswer:
        """Return how far the readers of a task that you set agree, over what is settled, with 95 % intervals."""
        return self._model(AgreementAnswer, self._json("GET", f"/api/v1/tasks/{task}/agreement"))

    # -- access ------------------------------------------------------------------------------------------------

    def access(self, dataset: str) -> AccessAnswers:
        """Return who may use a dataset, for what and where, and how long access takes; needs no token."""
        return self._model(
            AccessAnswers, self._json("GET", f"/api/v1/datasets/{quote(dataset, safe='')}/access")
        )

    def terms(self, name: str) -> AccessTerms:
        """Return the words that must be accepted to have `dataset@version`, and the purposes that it allows."""
        return self._model(AccessTerms, self._json("GET", f"{_release_path(name)}/terms"))

    def request_access(
        self, name: str, *, purpose: str, words: str, accepted: str, commercial: bool = False
    ) -> AccessRequest:
        """Ask for `dataset@version`. `accepted` is `terms(name).sha256`, once you have read `terms(name).text`.

        `Conflict` where a request is open or the terms are others by now, `BadInput` for a use that they do not allow.
        """
        asked = {"purpose": purpose, "words": words, "accepted": accepted, "commercial": commercial}
        answer = self._json(
            "POST", f"{_release_path(name)}/requests", json=asked,
            headers={"Idempotency-Key": uuid4().hex},
        )  # fmt: skip
        return self._model(AccessRequest, answer)

    def my_access(self) -> MyAccess:
        """Return what you asked for and the grants that you have, with their ends."""
        return self._model(MyAccess, self._json("GET", "/api/v1/access"))

    # -- what spokes send --------------------------------------------------------------------------------------

    def missing(self, digests: Iterable[str]) -> tuple[str, ...]:
        """Return those of `digests` that the hub does not have, in their order, asking in bundles of 1,000."""
        asked = tuple(dict.fromkeys(digests))
        found: list[str] = []
        for first in range(0, len(asked), MISSING_AT_ONCE):
            bundle = Missing(sha256=asked[first : first + MISSING_AT_ONCE])
            answer = self._json("POST", "/api/v1/blobs/missing", json=bundle.model_dump(mode="json"))
            found += self._model(Missing, answer).sha256
        return tuple(found)

    def put_blob(self, source: Path | Iterable[bytes], sha256: str) -> None:
        """Send one blob; a path is streamed and sent again after a failure, chunks are sent once.

        The hub hashes what arrives and refuses anything that is not `sha256` (`Conflict` or `BadInput`).
        """

        def send() -> None:
            if isinstance(source, Path):
                size = {"Content-Length": str(source.stat().st_size)}
                content: Iterable[bytes] = _chunks(source)
            else:
                size, content = {}, source
            with self._answer("PUT", f"/api/v1/blobs/{sha256}", content=content, headers=size) as response:
                response.read()

        if isinstance(source, Path):
            self.patiently(send)
            return
        try:
            send()
        except Interrupted as failure:
            raise failure.error from None

    def submit(self, signed: Signed) -> SubmissionStatus:
        """Hand in a signed submission header; the same one again is answered with where it stands."""
        answer = self._json("POST", "/api/v1/submissions", json=signed.model_dump(mode="json"))
        return self._model(SubmissionStatus, answer)

    def submission(self, root: str) -> SubmissionStatus:
        """Return where a submission stands; `receipt` is there once it is registered."""
        return self._model(SubmissionStatus, self._json("GET", f"/api/v1/submissions/{quote(root, safe='')}"))

    def asked(self, dataset: str = "") -> tuple[AskedLine, ...]:
        """Return what curators ask this spoke and nobody has answered, asking page by page."""
        found: list[AskedLine] = []
        after: int | None = 0
        while after is not None:
            answer = self._json("GET", "/api/v1/asked", params={"after": after, "dataset": dataset})
            page = self._model(AskedPage, answer)
            found += page.asked
            after = page.next
        return tuple(found)

    def coverage(self, dataset: str) -> CoverageTotal:
        """Return whom all hospitals of a dataset have collected together, as far as this spoke may know it."""
        answer = self._json("GET", f"/api/v1/datasets/{quote(dataset, safe='')}/coverage")
        return self._model(CoverageTotal, answer)

    def answer(self, number: int, *, kind: Literal["words", "corrected"], words: str = "") -> AnswerKept:
        """Answer a question; the same answer again is answered alike.

        `BadInput` where the words look as if they named somebody, `Conflict` where it was answered otherwise.
        """
        sent = AnswerSent(kind=kind, words=words).model_dump(mode="json")
        return self._model(AnswerKept, self._json("POST", f"/api/v1/asked/{number}/answer", json=sent))


def _release_path(name: str) -> str:
    dataset, _, version = name.partition("@")
    if not dataset or not version:
        raise BadInput(
            f"{name!r} does not name a release.",
            advice="Write it as dataset@version, such as oral-cancer@1.0.0.",
        )
    return f"/api/v1/releases/{quote(dataset, safe='')}@{quote(version, safe='')}"


def _twin(twin: bool) -> dict[str, str]:
    return {"twin": "1"} if twin else {}


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk
