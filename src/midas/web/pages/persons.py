"""The persons of a release, or of what is registered, by pseudonym: list, one person, one study. For who has a grant, and
for curators.

Of a release only what its own submissions brought is shown, whatever came later; who withdrew is nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Min, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from midas.catalogue.models import (
    Instance,
    Label,
    Lesion,
    Series,
    Specimen,
    Study,
    Subject,
    Submission,
    Visit,
)
from midas.kernel import SystemClock
from midas.ledger import viewed
from midas.people.rule import Act, download_of
from midas.protocol.model import Protocol
from midas.release.look import access_of
from midas.release.models import Release, ReleaseSubject
from midas.web.guard import Place, needs
from midas.web.pages.composition import label
from midas.web.pages.datasets import dataset_or_404
from midas.web.pages.frame import account_of, page
from midas.web.pages.protocols import said
from midas.web.pages.viewer import viewer_url
from midas.web.standing import may

PEOPLE_ON_PAGE, STUDIES_ON_PAGE, IMAGES_ON_PAGE = 50, 12, 60
FACTS = (
    "Manufacturer", "ManufacturerModelName", "MagneticFieldStrength", "KVP", "SliceThickness", "PixelSpacing",
    "ConvolutionKernel", "RepetitionTime", "EchoTime", "ObjectiveLensPower", "PhotometricInterpretation", "BitsStored",
)  # fmt: skip
"""PS3.6 keywords that a study's page shows of each series."""


@dataclass(frozen=True)
class Window:
    """What is looked at: a release, or (`version` "") everything that is registered in a dataset."""

    slug: str
    title: str
    version: str
    protocol: Protocol
    subjects: QuerySet[Subject]
    images: QuerySet[Instance]

    def address(self, *parts: str) -> str:
        names = ("people", "person", "study")
        if self.version:
            return reverse(f"hub:{names[len(parts)]}", args=[self.slug, self.version, *parts])
        return reverse(f"hub:desk-{names[len(parts)]}", args=[self.slug, *parts])

    @property
    def root(self) -> tuple[str, str]:
        """Kind and name of the DICOMweb root that shows the same."""
        return ("releases", f"{self.slug}@{self.version}") if self.version else ("drafts", self.slug)

    def one(self, person: str) -> Subject:
        found = self.subjects.filter(pseudonym=person).first()
        if found is None:
            raise Http404
        return found


def _window(dataset: str, version: str) -> Window:
    found, _protocol, protocol = dataset_or_404(dataset)
    subjects = Subject.objects.filter(dataset=found, withdrawn_at=None)
    images = Instance.objects.filter(
        series__study__subject__dataset=found, series__study__subject__withdrawn_at=None
    )
    if version:
        release = (
            Release.objects.filter(dataset=found, version=version, twin=False).select_related("draft").first()
        )
        if release is None:
            raise Http404
        kept = ReleaseSubject.objects.filter(release=release).values("subject")
        roots = Submission.objects.filter(dataset=found, root__in=release.draft.submissions).values("pk")
        subjects = subjects.filter(pk__in=kept)
        images = images.filter(submission__in=roots, series__study__subject__in=kept)
    return Window(dataset, said(protocol.title), version, protocol, subjects, images)


def _what(request: HttpRequest, dataset: str, version: str, **_more: str) -> Place:
    if may(account_of(request), Act.DRAFT, dataset):
        return Act.DRAFT, dataset
    return download_of(access_of(dataset, version)), dataset, version


# -- the list --------------------------------------------------------------------------------------------------


def _people(request: HttpRequest, seen: Window) -> HttpResponse:
    wanted = request.GET.get("q", "").strip()[:20]
    first = (
        Visit.objects.filter(subject=OuterRef("pk"))
        .exclude(age_years=None)
        .order_by("day")
        .values("age_years")[:1]
    )
    found = (
        seen.subjects.filter(pseudonym__icontains=wanted).order_by("pseudonym").annotate(age=Subquery(first))
    )
    shown: Any = Paginator(found, PEOPLE_ON_PAGE).get_page(request.GET.get("page"))
    here = list(shown.object_list)
    counts: dict[int, Any] = {
        row["series__study__subject"]: row
        for row in seen.images.filter(series__study__subject__in=here).values("series__study__subject").annotate(
            studies=Count("series__study", distinct=True), images=Count("pk")).order_by()
    }  # fmt: skip
    shown.object_list = [
        {
            "pseudonym": one.pseudonym, "address": seen.address(one.pseudonym), "sex": label("sex", one.sex), "age": one.age,
            "studies": counts.get(one.pk, {}).get("studies", 0), "images": counts.get(one.pk, {}).get("images", 0),
        }
        for one in here
    ]  # fmt: skip
    context = {"seen": seen, "people": shown, "query": wanted}
    return page(request, "persons", context, section="catalogue")


# -- one person ------------------------------------------------------------------------------------------------


def _person(request: HttpRequest, seen: Window, person: str) -> HttpResponse:
    subject = seen.one(person)
    images = seen.images.filter(series__study__subject=subject)
    series = Series.objects.filter(pk__in=images.values("series"))
    labels = Label.objects.filter(subject=subject, submission__in=_submissions(seen, subject)).select_related(
        "visit", "lesion", "specimen"
    )
    held: dict[str, Any] = {name: _standing(model, subject, seen, series, labels) for name, model in (
        ("visit", Visit), ("lesion", Lesion), ("specimen", Specimen),
    )}  # fmt: skip
    studies: Any = Paginator(
        Study.objects.filter(pk__in=series.values("study")).order_by("pk"), STUDIES_ON_PAGE
    ).get_page(request.GET.get("page"))
    studies.object_list = [_study_line(one, images, seen, person) for one in studies]
    titles = {visit.id: said(visit.title) for visit in seen.protocol.visits}
    targets = {target.id: said(target.title) for target in seen.protocol.targets}
    context = {
        "seen": seen, "person": {"pseudonym": person, "sex": label("sex", subject.sex), "images": images.count()},
        "visits": [{"name": titles.get(one.name, one.name), "day": one.day, "age": one.age_years}
                   for one in held["visit"].order_by("day", "name")],
        "lesions": held["lesion"].order_by("name"),
        "specimens": held["specimen"].select_related("lesion", "visit").order_by("name"),
        "labels": [{"target": targets.get(one.target, one.target), "value": one.value, "source": one.source,
                    "place": " · ".join(row.name for row in (one.visit, one.lesion, one.specimen) if row) or one.level}
                   for one in labels.order_by("target", "pk")[:200]],
        "studies": studies, "pseudonym": person,
    }  # fmt: skip
    return page(request, "person", context, section="catalogue")


def _submissions(seen: Window, subject: Subject) -> QuerySet[Submission]:
    if not seen.version:
        return Submission.objects.filter(dataset=subject.dataset_id)
    release = Release.objects.select_related("draft").get(
        dataset=subject.dataset_id, version=seen.version, twin=False
    )
    return Submission.objects.filter(dataset=subject.dataset_id, root__in=release.draft.submissions)


def _standing(model: Any, subject: Subject, seen: Window, series: Any, labels: Any) -> Any:
    """Return a person's visits, lesions or specimens; of a release those that an image or a label of it belongs to."""
    found, name = model.objects.filter(subject=subject), model.__name__.lower()
    if not seen.version:
        return found
    return found.filter(pk__in=[*series.values_list(name, flat=True), *labels.values_list(name, flat=True)])


def _study_line(study: Study, images: QuerySet[Instance], seen: Window, person: str) -> dict[str, Any]:
    mine = images.filter(series__study=study)
    first = mine.exclude(preview="").order_by("series", "path").values_list("preview", flat=True).first()
    kinds = {item.id: said(item.title) for item in seen.protocol.items}
    found = mine.values_list("series__item", "series__modality").distinct().order_by()
    return {
        "address": seen.address(person, study.uid), "uid": study.uid, "preview": first, "images": mine.count(),
        "kinds": sorted({kinds.get(item, item) for item, _modality in found}),
        "modalities": sorted({modality for _item, modality in found}),
    }  # fmt: skip


# -- one study -------------------------------------------------------------------------------------------------


def _study(request: HttpRequest, seen: Window, person: str, study: str) -> HttpResponse:
    subject = seen.one(person)
    images = seen.images.filter(series__study__subject=subject, series__study__uid=study)
    series = list(
        images.values(
            "series", "series__uid", "series__item", "series__modality", "series__visit__name", "series__lesion__name"
        ).annotate(number=Count("pk"), first=Min("pk")).order_by("series")
    )  # fmt: skip
    if not series:
        raise Http404
    viewed(by=account_of(request), dataset=seen.slug, version=seen.version, target=study, clock=SystemClock())
    facts = dict(Instance.objects.filter(pk__in=[one["first"] for one in series]).values_list("pk", "facts"))
    kinds = {item.id: said(item.title) for item in seen.protocol.items}
    lines = [
        {
            "uid": one["series__uid"], "kind": kinds.get(one["series__item"], one["series__item"]),
            "modality": one["series__modality"], "number": one["number"],
            "place": " · ".join(filter(None, (one["series__visit__name"], one["series__lesion__name"]))),
            "facts": [(name, facts[one["first"]][name]) for name in FACTS if facts[one["first"]].get(name)],
        }
        for one in series
    ]  # fmt: skip
    wanted = request.GET.get("series", "")
    shown = images.filter(series__uid=wanted) if wanted else images
    instances = Paginator(shown.select_related("series").order_by("series", "path"), IMAGES_ON_PAGE)
    context = {
        "seen": seen, "pseudonym": person, "uid": study, "series": lines, "to_person": seen.address(person),
        "images": instances.get_page(request.GET.get("page")), "wanted": wanted, "number": images.count(),
        "look": viewer_url(*seen.root, study, {one["series__modality"] for one in series}),
    }  # fmt: skip
    return page(request, "study", context, section="catalogue")


# -- the routes ------------------------------------------------------------------------------------------------


@needs(Act.DRAFT, Act.DOWNLOAD_OPEN, Act.DOWNLOAD, choose=_what)
def people(request: HttpRequest, dataset: str, version: str) -> HttpResponse:
    return _people(request, _window(dataset, version))


@needs(Act.DRAFT, Act.DOWNLOAD_OPEN, Act.DOWNLOAD, choose=_what)
def person(request: HttpRequest, dataset: str, version: str, person: str) -> HttpResponse:
    return _person(request, _window(dataset, version), person)


@needs(Act.DRAFT, Act.DOWNLOAD_OPEN, Act.DOWNLOAD, choose=_what)
def study(request: HttpRequest, dataset: str, version: str, person: str, study: str) -> HttpResponse:
    return _study(request, _window(dataset, version), person, study)


@needs(Act.DRAFT, dataset="dataset")
def desk_people(request: HttpRequest, dataset: str) -> HttpResponse:
    return _people(request, _window(dataset, ""))


@needs(Act.DRAFT, dataset="dataset")
def desk_person(request: HttpRequest, dataset: str, person: str) -> HttpResponse:
    return _person(request, _window(dataset, ""), person)


@needs(Act.DRAFT, dataset="dataset")
def desk_study(request: HttpRequest, dataset: str, person: str, study: str) -> HttpResponse:
    return _study(request, _window(dataset, ""), person, study)
