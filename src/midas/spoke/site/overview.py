"""The first page: everything in = waiting + held + refused + sent, and what to do about each reason."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from midas.spoke.intake.items import count, of_project
from midas.spoke.intake.models import Batch
from midas.spoke.outbox.models import Parcel
from midas.spoke.site.access import Door, door
from midas.spoke.site.frame import current_desk, page
from midas.spoke.site.reading import by_reason
from midas.ui.charts import Part, segments


@door(Door.LOCAL)
def overview(request: HttpRequest) -> HttpResponse:
    desk = current_desk()
    tally, items = count(desk.project), of_project(desk.project)
    parts = [Part(name, number) for name, number in tally.states().items()]
    context = {
        "tally": tally,
        "segments": segments(parts),
        "held": by_reason(items, "held"),
        "refused": by_reason(items, "refused"),
        "batch": Batch.objects.filter(project=desk.project).order_by("-started_at").first(),
        "parcel": Parcel.objects.filter(project=desk.project).order_by("-packed_at").first(),
        "project": desk.project.slug,
    }
    return page(request, "overview", context, section="overview")
