"""What programs may ask of this hub, for people: every call, what it needs, and one that can be copied."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from midas.people.rule import ANYONE, Act
from midas.web.api.describe import described
from midas.web.guard import needs
from midas.web.pages.frame import page


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    summary: str
    needs: str
    open: bool


@needs(Act.BROWSE)
def programs(request: HttpRequest) -> HttpResponse:
    from midas.web.api.urls import urlpatterns

    calls = [
        Call(
            told.method,
            f"/api/v1{path}",
            told.summary,
            ", ".join(sorted(need.acts)),
            bool(need.acts & ANYONE),
        )
        for path, told, need in described(urlpatterns)
    ]
    hub = f"{request.scheme}://{request.get_host()}"
    context = {
        "calls": calls, "address": reverse("openapi"),
        "curl": f'curl -H "Authorization: Bearer $MIDAS_TOKEN" \\\n  {hub}/api/v1/datasets',
        "sdk": f'from midas.sdk import Client\n\nwith Client("{hub}") as hub:\n    hub.datasets()',
    }  # fmt: skip
    return page(request, "programs", context)
