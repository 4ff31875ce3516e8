"""What each call of the API takes and gives, said once beside its view; out comes OpenAPI 3.1.

`@operation` stands above `@needs` on every view of the API: it lets only its own method in, and is what the description,
its page and the tests are made from. A view without it fails the tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern
from django.views.decorators.csrf import csrf_exempt
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from midas import __version__
from midas.kernel import BadInput
from midas.people.rule import ANYONE
from midas.web.answers import problem
from midas.web.api.again import once
from midas.web.guard import SignInFirst, View, caller_of
from midas.wire.examples import EXAMPLES
from midas.wire.v1 import Problem

M = TypeVar("M", bound=BaseModel)
MAY_FAIL = {
    400: "What was sent cannot be read", 401: "Nobody has signed in", 403: "This caller may not",
    404: "There is no such thing", 409: "It does not fit what is there", 413: "It is too large",
    422: "The key was used for another request", 429: "Too many requests; see Retry-After", 503: "Try again later",
}  # fmt: skip
PATTERNS = {
    "dataset": r"^[a-z0-9]+(-[a-z0-9]+)*$", "version": r"^[0-9]+\.[0-9]+\.[0-9]+$", "sha256": "^[0-9a-f]{64}$",
    "root": "^[0-9a-f]{64}$",
}  # fmt: skip
KEY = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": "A word of your own, at most 100 characters. The same key with the same request is done once and "
    "answered alike for a day; with another request it is refused (422).",
    "schema": {"type": "string", "maxLength": 100},
}  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """One call. `gives` and `takes` are wire models, or a media type where bytes go; `also` are other good statuses."""

    method: str
    summary: str
    gives: type[BaseModel] | str
    takes: type[BaseModel] | str | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    also: tuple[int, ...] = ()
    idempotent: bool = False


def operation(
    method: str, summary: str, *, gives: type[BaseModel] | str, **more: Any
) -> Callable[[View], View]:
    """Declare a call and let no other method in (HTTP 405). GET takes HEAD too."""
    told = Operation(method=method, summary=summary, gives=gives, **more)
    methods = ("GET", "HEAD") if method == "GET" else (method,)

    def declare(view: View) -> View:
        @wraps(view)
        def called(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            if request.method not in methods:
                return _other_method(methods)
            if method != "GET" and "Authorization" not in request.headers:
                return problem(
                    SignInFirst("A program writes with a key.", advice="Make one on your account's page.")
                )
            if told.idempotent and (key := request.headers.get("Idempotency-Key", "")):
                return once(request, key, caller_of(request), lambda: view(request, **kwargs))
            return view(request, **kwargs)

        called.operation = told  # type: ignore[attr-defined]
        return csrf_exempt(called)  # no browser sends an Authorization header on its own

    return declare


def _other_method(methods: tuple[str, ...]) -> HttpResponse:
    said = Problem(title="Not this way", status=405, detail=f"This address takes {' and '.join(methods)}.")
    answer = HttpResponse(said.model_dump_json(), status=405, content_type="application/problem+json")
    answer.headers["Allow"] = ", ".join(methods)
    return answer


def body_of(model: type[M], request: HttpRequest) -> M:
    """Read the body as `model`; `BadInput` says which field is wrong, never what it held."""
    return _read(lambda: model.model_validate_json(request.body), "the body")


def query_of(model: type[M], request: HttpRequest) -> M:
    """Read the query as `model`; `BadInput` says which word is wrong. Words that it does not know are passed over."""
    given = {name: request.GET[name] for name in model.model_fields if name in request.GET}
    return _read(lambda: model.model_validate_strings(given), "the query")


def _read(read: Callable[[], M], where: str) -> M:
    try:
        return read()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or where
        raise BadInput(
            f"The request cannot be read: {place}: {first['msg']}.",
            advice="See /api/v1/openapi.json for what this call takes.",
        ) from None


# -- the description -------------------------------------------------------------------------------------------


def described(patterns: Iterable[URLPattern]) -> Iterator[tuple[str, Operation, Any]]:
    """Yield path (in OpenAPI's form, below /api/v1), operation and need of each route."""
    for one in patterns:
        path = "/" + re.sub(r"<(?:[a-z]+:)?([a-z_0-9]+)>", r"{\1}", str(one.pattern))
        yield path, one.callback.operation, one.callback.need  # type: ignore[attr-defined]


def openapi(patterns: Iterable[URLPattern]) -> dict[str, Any]:
    """Return the description of the API, version 1, as OpenAPI 3.1."""
    routes = list(described(patterns))
    paths: dict[str, dict[str, Any]] = {}
    for path, told, need in routes:
        paths.setdefault(path, {})[told.method.lower()] = _operation(path, told, need)
    modes: set[tuple[type[BaseModel], JsonSchemaMode]] = {(Problem, "serialization")}
    for _, told, _ in routes:
        modes |= {(model, "serialization") for model in (told.gives,) if isinstance(model, type)}
        modes |= {(model, "validation") for model in (told.takes,) if isinstance(model, type)}
    ordered = sorted(modes, key=lambda pair: (pair[0].__name__, pair[1]))
    _, schemas = models_json_schema(ordered, by_alias=True, ref_template="#/components/schemas/{model}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "MIDAS hub", "version": "1", "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "Datasets, releases, access, readings and submissions of a MIDAS hub. Errors are problem "
            f"details (RFC 9457) with advice. Made by midas {__version__}.",
        },
        "servers": [{"url": "/api/v1"}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A key from your account's page"},
            },
        },
    }  # fmt: skip


def _operation(path: str, told: Operation, need: Any) -> dict[str, Any]:
    acts = sorted(need.acts)
    parameters = [_in_path(name) for name in re.findall(r"\{([a-z_0-9]+)\}", path)]
    parameters += _in_query(told.query) if told.query else []
    parameters += [KEY] if told.idempotent else []
    good = {str(status): _answer(told) for status in (told.status, *told.also)}
    found: dict[str, Any] = {
        "operationId": _name(told.method, path),
        "summary": told.summary,
        "description": f"Needs: {', or '.join(act.value for act in acts)}.",
        "parameters": parameters,
        "responses": {
            **good,
            **{str(status): _problem(words) for status, words in MAY_FAIL.items()},
        },
        "security": [{"token": []}, *([{}] if need.acts & ANYONE else [])],
    }
    if told.takes is not None:
        found["requestBody"] = {"required": True, "content": _content(told.takes)}
    return found


def _name(method: str, path: str) -> str:
    words = re.findall(r"[a-z0-9]+", path.replace("{", " by_").replace("_", " "))
    return "_".join([method.lower(), *words])


def _in_path(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "minLength": 1}
    if name in PATTERNS:
        schema = {"type": "string", "pattern": PATTERNS[name]}
    if name in {"number", "id", "task", "item"}:
        schema = {"type": "integer", "minimum": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(mode="validation")
    return [
        {
            "name": name, "in": "query", "required": name in schema.get("required", ()),
            "description": words.get("description", ""),
            "schema": {key: value for key, value in words.items() if key not in {"title", "description"}},
        }
        for name, words in schema["properties"].items()
    ]  # fmt: skip


def _answer(told: Operation) -> dict[str, Any]:
    return {"description": told.summary, "content": _content(told.gives)}


def _content(what: type[BaseModel] | str) -> dict[str, Any]:
    if isinstance(what, str):
        return {what: {"schema": {"type": "object" if what == "application/json" else "string"}}}
    body: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{what.__name__}"}}
    if (example := EXAMPLES.get(what)) is not None:
        body["example"] = example.model_dump(mode="json", by_alias=True)
    return {"application/json": body}


def _problem(words: str) -> dict[str, Any]:
    return {
        "description": words,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
