"""What went to the hub: parcels, their state, and the receipts that came back."""

from __future__ import annotations

import json
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse

from midas.spoke.outbox.models import Output, Parcel
from midas.spoke.site.access import Door, door
from midas.spoke.site.frame import current_desk, page

ON_PAGE = 25


def _line(parcel: Parcel) -> dict[str, Any]:
    receipt = (
        json.loads(parcel.receipt["payload"]) if parcel.receipt and "payload" in parcel.receipt else None
    )
    return {
        "root": parcel.root, "state": parcel.state, "header": parcel.header, "packed_at": parcel.packed_at,
        "acknowledged_at": parcel.acknowledged_at, "findings": parcel.findings, "receipt": receipt,
    }  # fmt: skip


@door(Door.LOCAL)
def parcels(request: HttpRequest) -> HttpResponse:
    project = current_desk().project
    found = Parcel.objects.filter(project=project).order_by("-packed_at")
    shown: Any = Paginator(found, ON_PAGE).get_page(request.GET.get("page"))
    shown.object_list = [_line(parcel) for parcel in shown]
    ready = Output.objects.filter(project=project, parcel=None).count()
    return page(request, "outbox", {"parcels": shown, "ready": ready}, section="outbox")
