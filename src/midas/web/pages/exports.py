"""A public table as a file, CSV or PNG: with its dataset, version, key, day, denominators, and what it is not."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from midas.kernel.sheets import plain_cell
from midas.people.rule import Act, download_of
from midas.release.look import access_of
from midas.release.models import Figures
from midas.ui.drawing import draw
from midas.web.guard import Place, needs
from midas.web.pages import composition
from midas.web.pages.datasets import dataset_or_404
from midas.web.pages.frame import account_of
from midas.web.pages.protocols import said
from midas.web.standing import may


@dataclass(frozen=True)
class Sheet:
    """One table with everything that must travel with it."""

    name: str
    title: str
    chart: composition.Chart
    about: tuple[tuple[str, str], ...]


def _what(request: HttpRequest, dataset: str, version: str, **_more: str) -> Place:
    """Choose: what anyone is told, or with `?exact=1` what the release itself would say."""
    if request.GET.get("exact") != "1":
        return Act.BROWSE, dataset
    if may(account_of(request), Act.DRAFT, dataset):
        return Act.DRAFT, dataset
    return download_of(access_of(dataset, version)), dataset, version


def _sheet(request: HttpRequest, dataset: str, version: str, dimension: str) -> Sheet:
    _found, _version, protocol = dataset_or_404(dataset)
    figures = Figures.objects.filter(
        release__dataset__slug=dataset, release__version=version, release__twin=False
    ).select_related("release").first()  # fmt: skip
    if figures is None:
        raise Http404
    exact = request.GET.get("exact") == "1"
    seen = composition.of_release(figures.release, figures, whole=exact)
    chart = composition.chart(seen, protocol, dimension)
    if chart is None:
        raise Http404
    table, release = seen.figures["tables"][dimension], figures.release
    about = (
        (_("Dataset"), f"{said(protocol.title)} ({dataset})"), (_("Release"), f"{version}, {release.cut_at:%Y-%m-%d}"),
        (_("Key"), release.key),
        (_("Counted in version"), table["as_of"]), (_("People in that version"), str(table["total"])),
        (_("Numbers"), _("exact") if exact else _("rounded to 5; groups under 5 are not told")),
        (_("Taken on"), timezone.localdate().isoformat()), (_("Note"), _("As collected, not prevalence") + "."),
    )  # fmt: skip
    return Sheet(f"{dataset}-{version}-{dimension.replace(':', '-')}", chart.title, chart, about)


@needs(Act.BROWSE, Act.DOWNLOAD_OPEN, Act.DOWNLOAD, Act.DRAFT, choose=_what)
def table_csv(request: HttpRequest, dataset: str, version: str, dimension: str) -> HttpResponse:
    sheet = _sheet(request, dataset, version, dimension)
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerows((f"# {name}", plain_cell(text)) for name, text in sheet.about)
    lines.writerow((plain_cell(sheet.title), _("people")))
    lines.writerows((plain_cell(part.label), part.told or part.number) for part in sheet.chart.parts)
    answer = HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{sheet.name}.csv"'
    return answer


@needs(Act.BROWSE, Act.DOWNLOAD_OPEN, Act.DOWNLOAD, Act.DRAFT, choose=_what)
def table_png(request: HttpRequest, dataset: str, version: str, dimension: str) -> HttpResponse:
    sheet = _sheet(request, dataset, version, dimension)
    tiles = sheet.chart.tiles if dimension == "state" else []
    picture = draw(title=sheet.title, parts=sheet.chart.parts, tiles=tiles, about=sheet.about)
    answer = HttpResponse(picture, content_type="image/png")
    answer["Content-Disposition"] = f'attachment; filename="{sheet.name}.png"'
    return answer
