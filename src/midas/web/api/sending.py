"""Sending: what spokes do. In come digests, blobs and signed headers; out goes where a submission stands.

A spoke's token opens these routes and no others, for its own institution only.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from midas.people.rule import Act
from midas.web import answers, flows
from midas.web.api.describe import body_of, operation
from midas.web.bootstrap import store
from midas.web.guard import needs
from midas.wire.v1 import BlobKept, Missing, Signed, SubmissionStatus

CHUNK = 1 << 20


@operation("POST", "Which of these blobs the hub does not have", gives=Missing, takes=Missing)
@needs(Act.SUBMIT)
def missing(request: HttpRequest) -> HttpResponse:
    asked = body_of(Missing, request)
    return answers.wire(Missing(sha256=tuple(store().missing(asked.sha256))))


@operation("PUT", "Send one blob", gives=BlobKept, takes="application/octet-stream", status=201, also=(200,))
@needs(Act.SUBMIT)
def put_blob(request: HttpRequest, sha256: str) -> HttpResponse:
    """Take one blob whole (`midas.web.api.upload` streams it here first where the server can)."""
    known = store().has(sha256)
    store().put_chunks(iter(lambda: request.read(CHUNK), b""), expect=sha256)
    return answers.wire(BlobKept(sha256=sha256), status=200 if known else 201)


@operation(
    "POST", "Hand in a signed submission", gives=SubmissionStatus, takes=Signed, status=202, also=(200,)
)
@needs(Act.SUBMIT)
def submit(request: HttpRequest) -> HttpResponse:
    spoke = request.caller.spoke  # type: ignore[attr-defined]
    status, is_new = flows.receive(signed=body_of(Signed, request), spoke=spoke)
    return answers.wire(status, status=202 if is_new else 200)


@operation("GET", "Where a submission stands", gives=SubmissionStatus)
@needs(Act.SUBMIT)
def submission(request: HttpRequest, root: str) -> HttpResponse:
    return answers.wire(flows.status(root=root, spoke=request.caller.spoke))  # type: ignore[attr-defined]
