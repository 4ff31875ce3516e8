"""What comes in and what goes out, free of ASGI: handlers are plain functions from `Asked` to `Answer`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO
from urllib.parse import parse_qsl

from midas.kernel import BadInput, MidasError
from midas.people.models import Account
from midas.people.rule import Standing
from midas.web.answers import status_of
from midas.web.dicomweb.places import Place
from midas.wire.v1 import Problem

JSON, DICOM_JSON, PROBLEM = "application/json", "application/dicom+json", "application/problem+json"
ALWAYS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""Headers of every answer; `cache-control` is `no-store` where an answer does not say otherwise."""


class NotAcceptable(MidasError):
    """None of the media types that were asked for can be given (HTTP 406)."""


class WrongMethod(MidasError):
    """The resource is there, but not for this method (HTTP 405)."""


class TooLarge(MidasError):
    """The body is larger than may be sent (HTTP 413)."""


class NotOffered(MidasError):
    """The media type of the body is not taken (HTTP 415)."""


@dataclass(frozen=True)
class Asked:
    """One request that was let in. `args` are the UIDs and what else the route names; `root` is the DICOMweb root."""

    method: str
    place: Place
    root: str
    args: Mapping[str, str]
    query: str
    headers: Mapping[str, str]
    account: Account | None
    standing: Standing
    body: IO[bytes] | None = None

    @cached_property
    def parameters(self) -> list[tuple[str, str]]:
        """The query's names and values, percent-decoded as UTF-8; `BadInput` where they are not."""
        try:
            return parse_qsl(self.query, keep_blank_values=True, errors="strict", max_num_fields=200)
        except ValueError:
            raise BadInput("The query cannot be read.", advice="Encode it as UTF-8, in percent.") from None

    @cached_property
    def accepts(self) -> list[str]:
        """Return the media ranges that are wanted: `accept` in the query comes first (PS3.18 §8.3.3.1)."""
        given = [value for name, value in self.parameters if name == "accept"]
        text = ",".join(given) or self.headers.get("accept", "*/*")
        return [one.strip() for one in text.split(",") if one.strip()] or ["*/*"]


@dataclass(frozen=True)
class Answer:
    """One response. A body is bytes, a list of them, chunks that are taken as the client takes them, or a whole file."""

    status: int = 200
    body: bytes | list[bytes] | Iterator[bytes] = b""
    type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Asked], Answer]


OWN: Mapping[type[MidasError], tuple[int, str]] = {
    WrongMethod: (405, "Not for this method"), NotAcceptable: (406, "Not acceptable"), TooLarge: (413, "Too large"),
    NotOffered: (415, "Not taken"),
}  # fmt: skip


def problem(error: MidasError) -> Answer:
    """Return an error as problem details (RFC 9457)."""
    status, title = OWN.get(type(error)) or status_of(error)
    body = Problem(title=title, status=status, detail=error.message, advice=error.advice)
    headers = {"www-authenticate": 'Bearer realm="midas"'} if status == 401 else {}
    return Answer(status, body.model_dump_json().encode(), PROBLEM, headers)


def as_json(asked: Asked) -> str:
    """Return the JSON media type to answer with; `NotAcceptable` where none is wanted (PS3.18 §8.7.5)."""
    for one in asked.accepts:
        kind = one.partition(";")[0].strip().lower()
        if kind in {DICOM_JSON, "*/*", "application/*"}:
            return DICOM_JSON
        if kind == JSON:
            return JSON
    raise NotAcceptable("This comes as DICOM JSON only.", advice=f"Accept {DICOM_JSON}.")
