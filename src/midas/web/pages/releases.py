"""The page of a release or of its twin, its papers, and single files for who may have them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from markdown_it import MarkdownIt

from midas.kernel import Digest, NotFound
from midas.people.rule import Act, download_of
from midas.release import credit, look
from midas.release.models import Figures, Release, ReleaseFile, ReleaseSubject
from midas.release.papers import PATHS
from midas.web.answers import blob
from midas.web.bootstrap import store
from midas.web.forms import words_of
from midas.web.guard import Place, needs
from midas.web.noting import note_download
from midas.web.pages import composition
from midas.web.pages.datasets import bytes_of, dataset_or_404, may_get, people_of, snippets
from midas.web.pages.frame import account_of, page
from midas.web.pages.protocols import said
from midas.web.pages.studies import strip
from midas.web.standing import may

FILES_ON_PAGE = 50
PAPERS = (
    "DATASHEET.html",
    "deid/report.html",
    "README.md",
    "LICENSE.txt",
    "protocol.yaml",
    "croissant.json",
    "datacite.json",
    *PATHS,
)
WITH_COUNTS = {"DATASHEET.html", "deid/report.html", "README.md", "croissant.json", *PATHS}
"""Papers that tell exact numbers, sizes of tables or pseudonyms: unless the release is open, for who may download it."""
LONGEST_PAPER = 4 * 1024 * 1024
PAPER_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""A paper was sealed with its own style and is shown as it is; the sandbox takes every other power from it."""


@dataclass(frozen=True)
class Paper:
    path: str
    title: str


@lru_cache(maxsize=32)
def _rendered(sha256: str) -> SafeString:
    text = b"".join(store().read(Digest(sha256))).decode("utf-8", "replace")
    html: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    for level in (5, 4, 3, 2, 1):  # the page has its own h1 and h2
        below = min(level + 2, 6)
        html = html.replace(f"<h{level}>", f"<h{below}>").replace(f"</h{level}>", f"</h{below}>")
    return SafeString(html)  # raw HTML in the Markdown was escaped


def _datasheet(release: Release) -> SafeString | None:
    found = ReleaseFile.objects.filter(release=release, path="DATASHEET.md", size__lte=LONGEST_PAPER).first()
    if found is None or not store().has(Digest(found.sha256)):
        return None
    return _rendered(found.sha256)


def _papers(release: Release, *, whole: bool) -> list[Paper]:
    titles = {
        "DATASHEET.html": _("Datasheet"), "deid/report.html": _("De-identification report"), "README.md": _("Read me"),
        "LICENSE.txt": _("Licence"), "protocol.yaml": _("Protocol"), "croissant.json": _("Croissant description"),
        "datacite.json": _("DataCite description"), "provenance.json": _("Provenance"),
        "gates.json": _("Gates that it passed"), "leakage.json": _("Leakage report"),
        "changes.json": _("Changes since the version before"), "grade.json": _("Grade"),
    }  # fmt: skip
    there = set(ReleaseFile.objects.filter(release=release, path__in=PAPERS).values_list("path", flat=True))
    there -= set() if whole else WITH_COUNTS
    return [Paper(path, titles[path]) for path in PAPERS if path in there]


def _grade(release: Release) -> dict[str, Any]:
    """Return the figures of the grade that is sealed in the release; none of them counts persons."""
    told = release.summary.get("grade")
    return {} if not told else {
        "cqi": told["cqi"], "computed": told["computed"], "band": words_of(told["band"]),
        "access": words_of(told["access"]) if told["access"] else "", "demonstration": told["demonstration evidence"],
    }  # fmt: skip


def _release(dataset: str, version: str, *, twin: bool) -> Release:
    try:
        return look.release(dataset, version, twin=twin)
    except NotFound:
        raise Http404 from None


def _page(request: HttpRequest, dataset: str, version: str, *, twin: bool) -> HttpResponse:
    found, _version, protocol = dataset_or_404(dataset)
    release = _release(dataset, version, twin=twin)
    whole = twin or composition.sees_all(account_of(request), release.access, dataset, version)
    files = ReleaseFile.objects.filter(release=release).order_by("path")
    query = request.GET.get("q", "").strip()[:100]
    images = files.filter(path__startswith="data/")
    part = "" if query or request.GET.get("part") != "images" else "images"
    shown = (
        files.filter(path__icontains=query)
        if query
        else images
        if part
        else files.exclude(path__startswith="data/")
    )
    numbers = {"": files.count(), "images": images.count()}
    if not whole:  # paths of images carry pseudonyms
        part, shown = "", shown.exclude(path__startswith="data/")
    gets = twin or may_get(account_of(request), release.access, dataset, version)
    changed = look.changes(release) if whole else look.Changes(None)
    figures = Figures.objects.filter(release=release).first()
    seen = composition.of_release(release, figures, whole=whole)
    other = (
        look.twin_of(release)
        if not twin
        else Release.objects.filter(dataset=found, version=version, twin=False).first()
    )
    address = reverse("hub:release" if twin else "hub:twin", args=[dataset, version]) if other else ""
    described = {
        "version": release.version, "key": release.key, "twin": twin, "access": release.access,
        "license": release.license, "cut_at": release.cut_at, "notes": release.draft.notes,
        "subjects": ReleaseSubject.objects.filter(release=release).count() if whole else people_of(seen),
        "instances": numbers["images"] if whole else seen.figures["images"],
        "files": numbers[""] if whole else None, "bytes": bytes_of(release) if whole else seen.figures["bytes"],
        "withdrawn": look.withdrawn(release) if whole else 0,
    }  # fmt: skip
    context = {
        "dataset": {"slug": dataset, "title": said(protocol.title)},
        "release": described,
        "changes": {
            "before": changed.since, "subjects_added": len(changed.subjects_added),
            "subjects_gone": len(changed.subjects_gone), "files_added": changed.files_added,
            "files_changed": changed.files_changed, "files_gone": changed.files_gone,
        },
        "files": Paginator(shown, FILES_ON_PAGE).get_page(request.GET.get("page")),
        "query": query,
        "tabs": [
            {"value": "", "label": _("Tables and papers"), "count": numbers[""] - numbers["images"],
             "chosen": not query and not part},
            *([{"value": "images", "label": _("Images"), "count": numbers["images"], "chosen": bool(part)}]
              if whole else []),
        ],
        "whole": whole,
        "datasheet": _datasheet(release) if whole else None,
        "papers": _papers(release, whole=whole),
        "grade": _grade(release),
        "may_download": gets,
        "may_explore": not twin and (gets or may(account_of(request), Act.DRAFT, dataset)),
        "strip": strip("twins" if twin else "releases", f"{dataset}@{version}") if gets else None,
        "snippets": snippets(request, dataset, version, twin=twin),
        "citations": [] if twin else credit.citations(release),
        "may_cite": not twin and may(account_of(request), Act.DRAFT, dataset),
        "citation": f"{protocol.access.citation} {_('Release')} {version}. MIDAS {release.key}.",
        "other_url": address,
        "file_route": "hub:twin-file" if twin else "hub:file",
        "document_route": "hub:twin-paper" if twin else "hub:paper",
    }  # fmt: skip
    return page(request, "release", context, section="catalogue")


@needs(Act.BROWSE)
def release_page(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    return _page(request, dataset, version, twin=False)


@needs(Act.BROWSE)
def twin_page(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    return _page(request, dataset, version, twin=True)


def _paper(dataset: str, version: str, path: str, *, twin: bool) -> HttpResponseBase:
    release = _release(dataset, version, twin=twin)
    found = ReleaseFile.objects.filter(release=release, path=path, size__lte=LONGEST_PAPER).first()
    if path not in PAPERS or found is None or not store().has(Digest(found.sha256)):
        raise Http404
    kind = "text/html" if path.endswith(".html") else "text/plain"
    answer = HttpResponse(b"".join(store().read(Digest(found.sha256))), content_type=f"{kind}; charset=utf-8")
    answer["Content-Security-Policy"] = PAPER_POLICY
    answer["ETag"] = f'"{found.sha256}"'
    return answer


def _to_read(request: HttpRequest, dataset: str, version: str, path: str) -> Place:
    """Papers with small numbers need what the release itself needs, or being its curator; the others are for all."""
    if path not in WITH_COUNTS:
        return Act.BROWSE, dataset
    release: Any = Release.objects.filter(dataset__slug=dataset, version=version, twin=False).first()
    if release is None or release.access == "open":
        return Act.BROWSE, dataset
    caller: Any = request.caller  # type: ignore[attr-defined]
    return (Act.DRAFT, dataset) if caller.may(Act.DRAFT, dataset) else (Act.DOWNLOAD, dataset, version)


@needs(Act.BROWSE, Act.DRAFT, Act.DOWNLOAD, choose=_to_read)
@cache_control(private=True, max_age=3600)
def paper(request: HttpRequest, dataset: str, version: str, path: str) -> HttpResponseBase:
    del request
    return _paper(dataset, version, path, twin=False)


@needs(Act.BROWSE)
@cache_control(private=True, max_age=3600)
def twin_paper(request: HttpRequest, dataset: str, version: str, path: str) -> HttpResponseBase:
    del request
    return _paper(dataset, version, path, twin=True)


def _file(request: HttpRequest, dataset: str, version: str, path: str, *, twin: bool) -> HttpResponseBase:
    release = _release(dataset, version, twin=twin)
    found = ReleaseFile.objects.filter(release=release, path=path).first()
    if found is None or not store().has(Digest(found.sha256)):
        raise Http404
    note_download(request, release)
    name = found.path.rsplit("/", 1)[-1]
    return blob(request, store=store(), sha256=found.sha256, size=found.size, name=name)


def _what(request: HttpRequest, dataset: str, version: str, path: str) -> Place:
    """Choose by the release's access class: an open one needs sign-in only."""
    del request, path
    return download_of(look.access_of(dataset, version)), dataset, version


@needs(Act.DOWNLOAD_OPEN, Act.DOWNLOAD, choose=_what)
def file(request: HttpRequest, dataset: str, version: str, path: str) -> HttpResponseBase:
    return _file(request, dataset, version, path, twin=False)


@needs(Act.GET_TWIN)
def twin_file(request: HttpRequest, dataset: str, version: str, path: str) -> HttpResponseBase:
    return _file(request, dataset, version, path, twin=True)
