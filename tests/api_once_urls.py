"""One write with an Idempotency-Key, for the tests of that header."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from midas.people import Act, add_institution
from midas.web import answers
from midas.web.api.describe import body_of, operation
from midas.web.guard import needs
from midas.wire.v1 import Missing


@operation("POST", "Add an institution", gives=Missing, takes=Missing, status=201, idempotent=True)
@needs(Act.ASK_ACCESS)
def add(request: HttpRequest) -> HttpResponse:
    asked = body_of(Missing, request)
    add_institution(slug=asked.sha256[0], name="x")
    return answers.wire(asked, status=201)


urlpatterns = [path("api/institutions", add)]
