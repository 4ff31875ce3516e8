"""The API's own description, as OpenAPI 3.1; the page that people read is `/api` (`midas.web.pages.programs`)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse

from midas.people.rule import Act
from midas.web import answers
from midas.web.api.describe import openapi, operation
from midas.web.guard import needs


@lru_cache(maxsize=1)
def whole() -> dict[str, Any]:
    from midas.web.api.urls import urlpatterns

    return openapi(urlpatterns)


@operation("GET", "This description", gives="application/json")
@needs(Act.BROWSE)
def openapi_json(request: HttpRequest) -> HttpResponse:
    del request
    answer = answers.wire(whole())
    answer["Cache-Control"] = "public, max-age=300"
    return answer
