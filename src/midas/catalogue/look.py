"""Read-only questions to the catalogue. Out come frozen values; every number is counted by the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from midas.catalogue.models import Dataset, Instance, Label, Lesion, Subject, Submission, Visit
from midas.catalogue.protocols import in_force, protocol_of
from midas.kernel import NotFound


@dataclass(frozen=True)
class DatasetLine:
    """A dataset in one line; counts leave out subjects who withdrew. `size` in bytes."""

    slug: str
    title: str
    summary: str
    protocol_version: str
    access: str
    subjects: int
    instances: int
    size: int


@dataclass(frozen=True)
class Composition:
    """What a dataset is made of: name → count, the largest first."""

    spokes: dict[str, int]
    sexes: dict[str, int]
    age_bands: dict[str, int]
    modalities: dict[str, int]
    items: dict[str, int]
    sites: dict[str, int]
    targets: dict[str, dict[str, int]]


@dataclass(frozen=True)
class SpokeLine:
    """What came from one spoke: submissions by state, subjects and instances registered."""

    slug: str
    subjects: int
    instances: int
    submissions: dict[str, int]


AGE_BAND_YEARS = 10


def _standing(slug: str) -> QuerySet[Subject]:
    return Subject.objects.filter(dataset__slug=slug, withdrawn_at=None)


def _line(dataset: Dataset) -> DatasetLine:
    version = in_force(dataset)
    protocol = protocol_of(version) if version else None
    sizes = Instance.objects.filter(series__study__subject__in=_standing(dataset.slug)).aggregate(
        number=Count("pk"), size=Sum("size")
    )
    return DatasetLine(
        slug=dataset.slug,
        title=protocol.title["en"] if protocol else dataset.slug,
        summary=protocol.summary["en"] if protocol else "",
        protocol_version=version.version if version else "",
        access=protocol.access.level if protocol else "",
        subjects=_standing(dataset.slug).count(),
        instances=sizes["number"],
        size=sizes["size"] or 0,
    )


def datasets() -> tuple[DatasetLine, ...]:
    """Return all datasets by name: four queries each, however much they hold."""
    return tuple(_line(dataset) for dataset in Dataset.objects.order_by("slug"))


def slugs(*, after: str = "", limit: int) -> list[str]:
    """Return names of datasets in their order, those that follow `after`."""
    return list(
        Dataset.objects.filter(slug__gt=after).order_by("slug").values_list("slug", flat=True)[:limit]
    )


def dataset(slug: str) -> DatasetLine:
    """Return one dataset; `NotFound` without it."""
    found = Dataset.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound(f"There is no dataset {slug}.", advice="`midas dataset list` shows what there is.")
    return _line(found)


def _count(rows: QuerySet[Any], field: str) -> dict[str, int]:
    counted = rows.values_list(field).annotate(number=Count("pk")).order_by("-number", field)
    return {str(name): number for name, number in counted if name is not None}


def composition(slug: str) -> Composition:
    """Return what a dataset is made of; ages are the youngest that each subject was seen at, in bands of 10 years."""
    subjects = _standing(slug)
    instances = Instance.objects.filter(series__study__subject__in=subjects)
    ages: dict[int, int] = {}
    for subject_ages in _first_ages(subjects).values():
        band = min(subject_ages // AGE_BAND_YEARS, 9)
        ages[band] = ages.get(band, 0) + 1
    targets: dict[str, dict[str, int]] = {}
    labels = Label.objects.filter(subject__in=subjects).exclude(value=None)
    for target, value, number in (
        labels.values_list("target", "value").annotate(number=Count("pk")).order_by("target", "-number")
    ):
        targets.setdefault(target, {})[str(value)] = number
    return Composition(
        spokes=_count(subjects, "spoke"),
        sexes=_count(subjects, "sex"),
        age_bands={_band(band): ages[band] for band in sorted(ages)},
        modalities=_count(instances, "series__modality"),
        items=_count(instances, "series__item"),
        sites=_count(Lesion.objects.filter(subject__in=subjects), "site__meaning"),
        targets=targets,
    )


def _first_ages(subjects: QuerySet[Subject]) -> dict[int, int]:
    found: dict[int, int] = {}
    visits = Visit.objects.filter(subject__in=subjects).exclude(age_years=None).order_by("day")
    for subject, age in visits.values_list("subject_id", "age_years").iterator(chunk_size=2000):
        if age is not None:
            found.setdefault(subject, age)
    return found


def _band(band: int) -> str:
    return "90+" if band == 9 else f"{band * AGE_BAND_YEARS}–{band * AGE_BAND_YEARS + AGE_BAND_YEARS - 1}"


def samples(slug: str, number: int) -> tuple[Instance, ...]:
    """Return instances with a preview, each of another subject where there are enough."""
    with_picture = Instance.objects.filter(series__study__subject__in=_standing(slug)).exclude(preview="")
    chosen: dict[int, int] = {}
    for pk, subject in with_picture.order_by("pk").values_list("pk", "series__study__subject")[
        : number * 200
    ]:
        chosen.setdefault(subject, pk)
    found = Instance.objects.filter(pk__in=list(chosen.values())[:number])
    return tuple(found.select_related("series__study__subject").order_by("pk"))


def spokes(slug: str | None = None) -> tuple[SpokeLine, ...]:
    """Return what came from each spoke, for one dataset or, with `None`, for all."""
    submissions = Submission.objects.all() if slug is None else Submission.objects.filter(dataset__slug=slug)
    names = submissions.values_list("spoke", flat=True).distinct().order_by("spoke")
    return tuple(spoke(name, dataset=slug) for name in names)


def spoke(name: str, *, dataset: str | None = None) -> SpokeLine:
    """Return what came from one spoke."""
    where = Q(spoke=name) if dataset is None else Q(spoke=name, dataset__slug=dataset)
    subjects = Subject.objects.filter(where, withdrawn_at=None)
    return SpokeLine(
        slug=name,
        subjects=subjects.count(),
        instances=Instance.objects.filter(series__study__subject__in=subjects).count(),
        submissions=_count(Submission.objects.filter(where), "state"),
    )
