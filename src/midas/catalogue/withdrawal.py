"""One person out of all that the catalogue holds: rows, lines and blobs go; a pseudonym and a time stay.

In comes a pseudonym; out go tombstones, so that the person is never registered again. Nothing is erased here that a
rollback could miss: digests that may go are written down in the same transaction (`Erasure`) and erased after it.
Call `forget` within the transaction that also takes the person out of the releases.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q

from midas.catalogue import lens
from midas.catalogue.lines import ITEMS, KINDS, SUBJECTS, split
from midas.catalogue.models import (
    CheckRun,
    Correction,
    Dataset,
    Erasure,
    Instance,
    Label,
    Lesion,
    QualityAnswer,
    QualityDecision,
    QualityFinding,
    Record,
    Series,
    Specimen,
    Study,
    Subject,
    Submission,
    Visit,
)
from midas.kernel import BrokenPromise, Clock, MidasError, NotFound, canonical
from midas.store import Blobs

AT_ONCE = 500
ANONYMOUS = "a withdrawn subject"


def person(*, pseudonym: str, dataset: str) -> tuple[str, ...]:
    """Return every pseudonym of one person: the given one and all that are linked with it, in either direction.

    Raise `NotFound` where the dataset has no such subject.
    """
    here = Subject.objects.filter(dataset__slug=dataset)
    if not here.filter(pseudonym=pseudonym).exists():
        raise NotFound(f"{dataset} has no subject {pseudonym}.", advice="Check the pseudonym.")
    linked: dict[str, set[str]] = {}
    for name, links in here.exclude(links=[]).values_list("pseudonym", "links").iterator():
        for other in links:
            linked.setdefault(name, set()).add(other)
            linked.setdefault(other, set()).add(name)
    found, open_ends = {pseudonym}, [pseudonym]
    while open_ends:
        new = linked.get(open_ends.pop(), set()) - found
        found |= new
        open_ends += new
    return tuple(sorted(found))


@transaction.atomic
def forget(*, pseudonym: str, dataset: str, store: Blobs, clock: Clock) -> tuple[str, ...]:
    """Empty everything of a person in one dataset; return the pseudonyms, of which tombstones stay.

    Parts of submissions that name the person are rewritten without it; what a spoke signed stays as it was signed.
    Blobs that may go are in `Erasure` when this commits. Doing it again changes nothing. `NotFound` as `person`.
    """
    names = person(pseudonym=pseudonym, dataset=dataset)
    rows = Subject.objects.filter(dataset__slug=dataset, pseudonym__in=names)
    words = {*names, *_uids(rows)}
    images = list(_images(rows))
    doom(images)
    for submission in _submissions(rows, dataset):
        _clean(submission, names=names, words=words, rows=rows, store=store)
    _delete_rows(rows)
    lens.retract(dataset=dataset, subjects=names)
    lens.drop(images)
    # whose copies were found through this person are looked for again
    CheckRun.objects.filter(dataset__slug=dataset).update(compared_to=0)
    rows.filter(withdrawn_at=None).update(withdrawn_at=clock.now())
    rows.update(spoke="", sex="U", basis=[], links=[], first_submission=None)
    _entomb(names, dataset, clock)
    return names


def doom(digests: Iterable[str]) -> None:
    """Write down blobs to be erased once this transaction is on the record and nothing else needs them."""
    once = sorted({digest for digest in digests if digest})
    for start in range(0, len(once), AT_ONCE):
        Erasure.objects.bulk_create(
            [Erasure(digest=digest) for digest in once[start : start + AT_ONCE]], ignore_conflicts=True
        )


def blobs_of(header: Mapping[str, Any], store: Blobs) -> Iterator[str]:
    """Yield the digests of a submission: its parts, less the protocol, and its instances as far as they can be read."""
    parts = {part["path"]: part["sha256"] for part in header["parts"] if part["path"] != "protocol.yaml"}
    if ITEMS in parts:
        for line in _readable(parts[ITEMS], store):
            try:
                yield str(json.loads(line)["sha256"])
            except (ValueError, TypeError, KeyError):
                continue
    yield from parts.values()


# -- what there is of the person -------------------------------------------------------------------------------


def _images(rows: Any) -> Iterator[str]:
    mine = Instance.objects.filter(series__study__subject__in=rows)
    for pair in mine.values_list("sha256", "preview").iterator(chunk_size=2000):
        yield from pair


def _uids(rows: Any) -> Iterator[str]:
    """Yield everything that stands for the person in reports and findings: UIDs, digests and source HMACs."""
    for model, field, of in (
        (Study, "uid", "subject__in"), (Series, "uid", "study__subject__in"), (Lesion, "tracking_uid", "subject__in"),
        (Specimen, "uid", "subject__in"),
    ):  # fmt: skip
        yield from model.objects.filter(**{of: rows}).values_list(field, flat=True)
    mine = Instance.objects.filter(series__study__subject__in=rows)
    for uid, sha256, sources in mine.values_list("sop_instance_uid", "sha256", "sources"):
        yield from (uid, sha256, *sources)


def _submissions(rows: Any, dataset: str) -> Iterator[Submission]:
    """Yield those of the person's spokes that are not on their way: a waiting one will be refused by its tombstone."""
    spokes = set(rows.values_list("spoke", flat=True))
    settled = Submission.objects.filter(
        dataset__slug=dataset, spoke__in=spokes, state__in=(Submission.State.REGISTERED, Submission.State.REFUSED)
    )  # fmt: skip
    yield from settled.order_by("pk").iterator(chunk_size=50)


def _delete_rows(rows: Any) -> None:
    Correction.objects.filter(series__study__subject__in=rows).delete()
    told = Q(subject__in=rows) | Q(other__series__study__subject__in=rows)
    about = QualityFinding.objects.filter(told)
    QualityAnswer.objects.filter(decision__finding__in=about).delete()
    QualityDecision.objects.filter(finding__in=about).delete()
    about.delete()
    Label.objects.filter(subject__in=rows).delete()
    Record.objects.filter(subject__in=rows).delete()
    Instance.objects.filter(series__study__subject__in=rows).delete()
    Series.objects.filter(study__subject__in=rows).delete()
    Study.objects.filter(subject__in=rows).delete()
    Specimen.objects.filter(subject__in=rows).delete()
    Lesion.objects.filter(subject__in=rows).delete()
    Visit.objects.filter(subject__in=rows).delete()


def _entomb(names: tuple[str, ...], dataset: str, clock: Clock) -> None:
    """Refuse also a linked pseudonym that has not come yet."""
    known = set(Subject.objects.filter(pseudonym__in=names).values_list("pseudonym", flat=True))
    where = Dataset.objects.get(slug=dataset)
    Subject.objects.bulk_create(
        Subject(dataset=where, pseudonym=name, spoke="", withdrawn_at=clock.now())
        for name in names
        if name not in known
    )


# -- the parts of one submission -------------------------------------------------------------------------------


def _clean(
    submission: Submission, *, names: tuple[str, ...], words: set[str], rows: Any, store: Blobs
) -> None:
    """Rewrite the working copy of the header and the parts; `signed` is what the spoke signed and stays."""
    findings = list(_anonymous(submission.findings, words))
    parts = {part["path"]: part["sha256"] for part in submission.header.get("parts", ())}
    kept = parts
    if _names(submission, parts, names, rows, store):
        if submission.state == Submission.State.REFUSED:
            doom(blobs_of(submission.header, store))
            kept = {path: digest for path, digest in parts.items() if path == "protocol.yaml"}
        else:
            kept = _rewritten(parts, names=names, words=words, store=store)
            doom(digest for path, digest in parts.items() if kept.get(path) != digest)
    if findings == submission.findings and kept == parts:
        return
    as_they_were = {part["path"]: part for part in submission.header["parts"]}
    listed = [
        as_they_were[path]
        if digest == parts[path]
        else {"path": path, "sha256": digest, "size": store.size(digest)}
        for path, digest in kept.items()
    ]
    submission.header = {**submission.header, "parts": listed}
    submission.findings = findings
    submission.save(update_fields=["header", "findings"])


def _names(
    submission: Submission, parts: Mapping[str, str], names: tuple[str, ...], rows: Any, store: Blobs
) -> bool:
    """Say whether a submission holds or mentions the person: a subject line without images or rows counts."""
    if rows.filter(first_submission=submission).exists() or any(
        model.objects.filter(submission=submission, **{of: rows}).exists()
        for model, of in (
            (Instance, "series__study__subject__in"), (Record, "subject__in"), (Label, "subject__in"),
        )
    ):  # fmt: skip
        return True
    found = _readable(parts[SUBJECTS], store) if SUBJECTS in parts else ()
    return any(_mentions(line, names) for line in found)


def _rewritten(
    parts: Mapping[str, str], *, names: tuple[str, ...], words: set[str], store: Blobs
) -> dict[str, str]:
    """Return path → digest of the parts as they are without the person; a part that cannot be read goes."""
    found: dict[str, str] = {}
    for path, digest in parts.items():
        try:
            if path == "protocol.yaml":
                found[path] = digest
            elif path in KINDS:
                lines = (line for line in split(store.read(digest)) if line and not _mentions(line, names))
                found[path] = store.put_chunks(line + b"\n" for line in lines)
            elif path in {"salts.json", "report.json"}:
                held = json.loads(b"".join(store.read(digest)))
                found[path] = store.put_chunks([canonical(without(held, words))])
        except (NotFound, BrokenPromise, ValueError):
            continue
    return found


def _readable(digest: str, store: Blobs) -> Iterator[bytes]:
    """Yield the lines of a part until it cannot be read any more."""
    try:
        yield from split(store.read(digest))
    except MidasError:
        return


def _mentions(line: bytes, names: tuple[str, ...]) -> bool:
    return any(name.encode() in line for name in names)


def without(value: Any, words: set[str]) -> Any:
    """Return a JSON value less every entry in which one of the words stands."""
    if isinstance(value, Mapping):
        return {key: without(one, words) for key, one in value.items() if not _holds(key, words)}
    if isinstance(value, list):
        return [without(one, words) for one in value if not _entry_holds(one, words)]
    return value


def _entry_holds(value: Any, words: set[str]) -> bool:
    if isinstance(value, Mapping):
        return any(_holds(one, words) for one in value.values())
    return _holds(value, words)


def _holds(text: Any, words: set[str]) -> bool:
    """Say whether a word stands in the text as one step of a path or as the whole of it."""
    return isinstance(text, str) and not words.isdisjoint(_steps(text))


def _steps(text: str) -> Iterator[str]:
    yield text
    for step in text.replace(":", "/").replace(" ", "/").split("/"):
        yield step
        yield step.removesuffix(".dcm")


def _anonymous(findings: Iterable[dict[str, Any]], words: set[str]) -> Iterator[dict[str, Any]]:
    for finding in findings:
        if any(_holds(finding.get(field), words) for field in ("message", "advice")):
            continue
        yield {**finding, "scope": ANONYMOUS} if _holds(finding.get("scope"), words) else finding
