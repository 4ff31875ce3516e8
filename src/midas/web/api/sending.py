"""Sending: what spokes do. In come digests, blobs and signed headers; out goes where a submission stands.

A spoke's token opens these routes and no others, for its own institution only.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from pydantic import BaseModel, ValidationError

from midas.kernel import BadInput
from midas.people.rule import Act
from midas.web import answers, flows
from midas.web.bootstrap import store
from midas.web.guard import needs
from midas.wire.v1 import Missing, Signed

CHUNK = 1 << 20


def _read(model: type[BaseModel], request: HttpRequest) -> Any:
    try:
        return model.model_validate_json(request.body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise BadInput(
            f"The request cannot be read: {where}: {first['msg']}.",
            advice="Send what version 1 of the interface asks.",
        ) from None


@csrf_exempt  # a token is not sent by a browser on its own
@require_POST
@needs(Act.SUBMIT)
def missing(request: HttpRequest) -> HttpResponse:
    asked = _read(Missing, request)
    return answers.wire(Missing(sha256=tuple(store().missing(asked.sha256))))


@csrf_exempt
@needs(Act.SUBMIT)
def put_blob(request: HttpRequest, sha256: str) -> HttpResponse:
    """Take one blob whole (`midas.web.api.upload` streams it here first where the server can)."""
    if request.method != "PUT":
        return HttpResponse(status=405, headers={"Allow": "PUT"})
    known = store().has(sha256)
    store().put_chunks(iter(lambda: request.read(CHUNK), b""), expect=sha256)
    return answers.wire({"sha256": sha256}, status=200 if known else 201)


@csrf_exempt
@require_POST
@needs(Act.SUBMIT)
def submit(request: HttpRequest) -> HttpResponse:
    spoke = request.caller.spoke  # type: ignore[attr-defined]
    status, is_new = flows.receive(signed=_read(Signed, request), spoke=spoke)
    return answers.wire(status, status=202 if is_new else 200)


@require_GET
@needs(Act.SUBMIT)
def submission(request: HttpRequest, root: str) -> HttpResponse:
    return answers.wire(flows.status(root=root, spoke=request.caller.spoke))  # type: ignore[attr-defined]
