"""Read-only questions about releases, for pages and commands. Nothing here changes or leaves anything out silently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from midas.catalogue import findings
from midas.kernel import Evidence, NotFound, sha256_bytes
from midas.release.documents import SUMS
from midas.release.drafting import version_order
from midas.release.evidence import of_second_run, of_validators
from midas.release.models import (
    Draft,
    Figures,
    GateCheck,
    Release,
    ReleaseFile,
    ReleaseSubject,
    ReleaseTombstone,
)
from midas.release.publication import NOTHING
from midas.wire.v1 import ReleaseCard


@dataclass(frozen=True)
class Changes:
    """What a version has that the one before had not, and the other way round. Subjects are pseudonyms."""

    since: str | None
    subjects_added: tuple[str, ...] = ()
    subjects_gone: tuple[str, ...] = ()
    files_added: int = 0
    files_gone: int = 0
    files_changed: int = 0
    bytes_added: int = 0
    protocol_changed: bool = False
    notes: str = ""
    counts: dict[str, int] = field(default_factory=dict)


def releases(dataset: str, *, twins: bool = False) -> tuple[Release, ...]:
    """Return a dataset's releases, newest version first; with `twins` their twins."""
    found = Release.objects.filter(dataset__slug=dataset, twin=twins).select_related("dataset", "draft")
    return tuple(sorted(found, key=lambda one: version_order(one.version), reverse=True))


def release(dataset: str, version: str, *, twin: bool = False) -> Release:
    """Return one release; `NotFound` without it."""
    found = (
        Release.objects.filter(dataset__slug=dataset, version=version, twin=twin)
        .select_related("dataset", "draft")
        .first()
    )
    if found is None:
        name = f"{dataset}@{version}" + (" (twin)" if twin else "")
        raise NotFound(f"There is no release {name}.", advice="`midas dataset show` lists what there is.")
    return found


def access_of(dataset: str, version: str) -> str | None:
    """Return a release's access class; `None` where there is no such release."""
    found = Release.objects.filter(dataset__slug=dataset, version=version, twin=False)
    return found.values_list("access", flat=True).first()


def twin_of(one: Release) -> Release | None:
    return Release.objects.filter(dataset=one.dataset, version=one.version, twin=True).first()


def draft(dataset: str, version: str) -> Draft:
    found = (
        Draft.objects.filter(dataset__slug=dataset, version=version)
        .select_related("dataset", "protocol")
        .first()
    )
    if found is None:
        raise NotFound(
            f"There is no draft {dataset}@{version}.",
            advice=f"Make it: midas release draft {dataset} {version}",
        )
    return found


def drafts(dataset: str) -> tuple[Draft, ...]:
    """Return the drafts that are not cut yet, newest version first."""
    cut = Release.objects.filter(dataset__slug=dataset, twin=False).values_list("version", flat=True)
    found = (
        Draft.objects.filter(dataset__slug=dataset)
        .exclude(version__in=list(cut))
        .select_related("dataset", "protocol")
    )
    return tuple(sorted(found, key=lambda one: version_order(one.version), reverse=True))


def files(one: Release, *, under: str = "") -> Iterator[ReleaseFile]:
    """Yield the release's files in path order, those below a folder where `under` is given."""
    found = (
        ReleaseFile.objects.filter(release=one, path__startswith=under)
        if under
        else ReleaseFile.objects.filter(release=one)
    )
    yield from found.order_by("path").iterator(chunk_size=2000)


def withdrawn(one: Release) -> int:
    """Return how many subjects have withdrawn from the release since it was cut."""
    return ReleaseTombstone.objects.filter(release=one).count()


def previous(one: Release) -> Release | None:
    """Return the newest version below this one."""
    below = [
        other
        for other in releases(one.dataset.slug, twins=one.twin)
        if version_order(other.version) < version_order(one.version)
    ]
    return below[0] if below else None


def gate_evidence(one: Draft, files: Mapping[str, bytes]) -> tuple[Evidence, ...]:
    """Return what a draft's last check is evidence of, for its grade; nothing where nobody checked it.

    `files` are the draft's files as they come out now: the check built them before.
    """
    kept = GateCheck.objects.filter(draft=one).first()
    if kept is None:
        return ()
    about = f"{one.dataset.slug}@{one.version}"
    standards = [*(["DICOM"] if findings.evidence(one.dataset) else []), *kept.validated]
    return (
        *(Evidence.from_dict(fact) for fact in kept.evidence),
        *of_second_run(about, first=kept.sums, second=sha256_bytes(files[SUMS])),
        *of_validators(about, standards),
    )


def below(dataset: str, version: str) -> Release | None:
    """Return the newest release below a version."""
    lower = [one for one in releases(dataset) if version_order(one.version) < version_order(version)]
    return lower[0] if lower else None


def changes(one: Release) -> Changes:
    """Compare with the version before; `since` is `None` for the first."""
    before = previous(one)
    counted = ("subjects", "visits", "lesions", "specimens", "series", "instances", "labels", "bytes")
    if before is None:
        return Changes(None, notes=one.draft.notes, counts={name: one.summary[name] for name in counted})
    mine, theirs = _subjects(one), _subjects(before)
    new, old = _digests(one), _digests(before)
    return Changes(
        since=before.version, subjects_added=tuple(sorted(mine - theirs)), subjects_gone=tuple(sorted(theirs - mine)),
        files_added=len(new.keys() - old.keys()), files_gone=len(old.keys() - new.keys()),
        files_changed=sum(new[path] != old[path] for path in new.keys() & old.keys()),
        bytes_added=one.summary["bytes"] - before.summary["bytes"],
        protocol_changed=one.summary["protocol"] != before.summary["protocol"], notes=one.draft.notes,
        counts={name: one.summary[name] - before.summary[name] for name in counted},
    )  # fmt: skip


def card(one: Release, *, may_download: bool = False) -> ReleaseCard:
    """Return what the API says of a release."""
    return ReleaseCard(
        dataset=one.dataset.slug, version=one.version, key=one.key, title=one.summary["title"],
        access=one.access, license=one.license, subjects=one.summary["subjects"],
        instances=one.summary["instances"], bytes=one.summary["bytes"], cut_on=one.cut_at.date().isoformat(),
        twin=one.twin, may_download=may_download,
    )  # fmt: skip


def told(one: Release) -> dict[str, int]:
    """Return the numbers of a card as anyone may know them; zeros where nothing is told."""
    figures = Figures.objects.filter(release=one).first()
    numbers = figures.told if figures else NOTHING
    return {"subjects": numbers["people"], "instances": numbers["images"], "bytes": numbers["bytes"]}


def _subjects(one: Release) -> set[str]:
    return set(ReleaseSubject.objects.filter(release=one).values_list("pseudonym", flat=True))


def _digests(one: Release) -> dict[str, str]:
    return dict(ReleaseFile.objects.filter(release=one).values_list("path", "sha256"))
