"""One file: open → plan → look at the pixels → apply, mask, cut → write aside → verify → look again → name.

In comes a `Job`, out comes an `Outcome`; the target appears only when the verifier has found nothing. Bad data never
raises: it is held with a reason. No clock, network or database is touched.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.uid import UID, ImplicitVRLittleEndian

from midas.deid import pixels
from midas.deid.apply import apply, say_no_text
from midas.deid.cards import open_card, open_keys
from midas.deid.header import all_ready, uid
from midas.deid.known import known_in, named_in
from midas.deid.looking import Looked, looked_at
from midas.deid.memory import Memory, watched
from midas.deid.model import Card, Held, Job, Keys, Outcome, PartStep, Region, Uids
from midas.deid.plan import Plan, plan
from midas.deid.stream import Opened, open_file
from midas.deid.uids import note
from midas.deid.verify import verify
from midas.deid.words import Known
from midas.deid.writing import Hashed, parts_of, syntax_of, write
from midas.formats.dicom import facts, quiet
from midas.kernel import Finding, MidasError, Severity

_UIDS, _REMEMBERED = Memory(), Memory()
LOOKS = 3
"""How often a picture is masked, each time with what was found in the last output, before a person must look."""
STILL = "Text is still legible in the pixels after masking."


def clean(job: Job) -> Outcome:
    """De-identify one file; `held` with a reason where that cannot be done with certainty. Never raises for bad data."""
    with quiet():
        try:
            return _clean(job)
        except Held as verdict:
            return _held(job, verdict.reason, verdict.detail, verdict.findings, verdict.regions)
        except (MidasError, OSError) as problem:
            detail = problem.message if isinstance(problem, MidasError) else type(problem).__name__
            return _held(job, "not-processed", detail)
        except Exception as problem:  # noqa: BLE001 - fail closed: what was not foreseen is held, and says where it broke
            return _held(
                job, "not-understood", f"The engine met something unforeseen ({type(problem).__name__})."
            )


def planned(job: Job) -> Plan:
    """Return what `clean` would do with a file, and why; `Held` where it would hold it. Nothing is written."""
    with quiet():
        opened, card, keys = _opened(job)
        made = plan(opened.ds, profile=job.profile, keys=keys, card=card, placement=job.placement)
        looked = looked_at(job, opened, _known(opened.ds, job, card))
        parts = parts_of(opened)
        if cut := _cut(job, opened):
            parts += (PartStep("face", "X", "PS3.15 E.3.2", f"{cut} voxels or points lie in its mask"),)
        return replace(made, regions=looked.regions, parts=parts)


def _opened(job: Job) -> tuple[Opened, Card, Keys]:
    storage, keys = open_keys(job.key_file)
    card = open_card(job.card, key=storage)
    if card.subject != job.placement.subject:
        raise Held("wrong-card", "The card belongs to another subject than the placement.")
    return open_file(job.source), card, keys


def _known(ds: Dataset, job: Job, card: Card) -> Known:
    return known_in(ds, card, places_stay="retain-institution-identity" in job.profile.options)


def _clean(job: Job) -> Outcome:
    opened, card, keys = _opened(job)
    known = _known(opened.ds, job, card)
    looked: Looked | None = None
    for _ in range(LOOKS):
        try:
            return _cleaned(job, opened, card, keys, known, looked)
        except _StillLegible as left:
            looked, opened = left.looked, open_file(job.source)
    raise Held("burned-in-text", STILL, looked.findings if looked else (), looked.regions if looked else ())


def _cleaned(
    job: Job, opened: Opened, card: Card, keys: Keys, known: Known, looked: Looked | None
) -> Outcome:
    # 1. Open the person's card and the file's header (done): what does the source say?
    ds = opened.ds
    source, names = _source_uids(ds), tuple(named_in(ds, card.subject))
    note(source)
    overlay = _REMEMBERED.ask("overlay", ds, lambda: pixels.overlay_bits(ds))
    # 2. Plan, 3. look at the pixels
    made = plan(ds, profile=job.profile, keys=keys, card=card, placement=job.placement)
    looked = looked or looked_at(job, opened, known)
    # 4. Apply, mask, cut
    implicit = syntax_of(opened) == ImplicitVRLittleEndian
    apply(made, ds=ds, implicit=implicit)
    masked = 0
    if looked.regions or overlay:
        masked = pixels.mask(opened, regions=looked.regions, clear_overlay=overlay).pixels
    if job.face is not None:
        masked += _cut(job, opened)
    if looked.no_text:
        say_no_text(ds, implicit=implicit)
    # 5. Write aside, 6. verify, look again, 7. name
    knowing = replace(card, known=(*card.known, *names))
    outcome = _named(job, opened, made, knowing, source, looked, known)
    return replace(outcome, regions=looked.regions, masked=masked) if masked else outcome


def _cut(job: Job, opened: Opened) -> int:
    from midas.deid.faces import cut

    if job.face is None:
        return 0
    if not job.profile.thresholds.unattended and not job.accepted_risk:
        raise Held("recognisable-face", "A face would be cut, and the protocol wants a person to see it.")
    return cut(opened, mask=job.face)


def _named(
    job: Job, opened: Opened, made: Plan, card: Card, source: frozenset[str], looked: Looked, known: Known
) -> Outcome:
    aside = job.target.with_name(f".{job.target.name}.{secrets.token_hex(4)}.checking")
    try:
        with _flushed(aside) as stream:
            out = Hashed(stream)
            syntax = write(opened, out)
        wrong = verify(aside, card=card, profile=job.profile, placement=job.placement, source_uids=source)
        if any(finding.severity is Severity.ERROR for finding in wrong):
            raise Held("verification-failed", wrong[0].message, wrong)
        wrong += _again(job, aside, looked, known)
        digest, size = out.digest(), out.size
        aside.replace(job.target)
    finally:
        aside.unlink(missing_ok=True)
    ds = opened.ds
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    uids = Uids(
        study=uid(ds, "StudyInstanceUID"), series=uid(ds, "SeriesInstanceUID"), instance=uid(ds, "SOPInstanceUID"),
        sop_class=uid(ds, "SOPClassUID"), transfer_syntax=str(syntax),
    )  # fmt: skip
    return Outcome(
        "cleaned", sha256=digest, size=size, facts=_facts(ds, syntax), uids=uids, findings=(*looked.findings, *wrong),
        actions=made.actions(), rules=made.rules, profile=job.profile.name, digest=job.profile.digest,
        output=job.target.name,
    )  # fmt: skip


def _again(job: Job, aside: Path, looked: Looked, known: Known) -> tuple[Finding, ...]:
    """Look at the pixels of the output where some were masked; `_StillLegible` where text is still there."""
    if looked.seen is None or not looked.seen.regions:
        return ()
    from midas.deid.pictures import again, look

    found = again(aside, known=known, seen=looked.seen)
    if any(finding.severity is Severity.ERROR for finding in found):
        wholly = not looked.seen.glass_only
        left = look(open_file(aside), known=known, profile=job.profile, risky=wholly)
        if left.person:
            raise Held("burned-in-text", left.person, (*looked.findings, *found), looked.regions)
        raise _StillLegible(looked.with_more(left.regions))
    return found


class _StillLegible(Exception):
    """Text was found in an output; `looked` is what must be masked the next time."""

    def __init__(self, looked: Looked) -> None:
        super().__init__(STILL)
        self.looked = looked


def _facts(ds: Dataset, syntax: str) -> dict[str, Any]:
    if all_ready(ds) is None:
        return facts(ds)
    return dict(_REMEMBERED.ask("facts", ds, lambda: facts(ds), context=syntax))


@contextmanager
def _flushed(path: Path) -> Iterator[IO[bytes]]:
    """Yield a new file whose bytes are on the disk when the block ends; it gets its name only when it was verified."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


def _source_uids(ds: Dataset) -> frozenset[str]:
    """Return every UID of the source, at every depth."""
    seen = watched(ds)
    if seen is None:
        return frozenset(uid for tag in list(ds.keys()) for uid in _uids(ds, tag))
    topic = _UIDS.topic((seen.ground(), ds.original_encoding))
    tags = [tag for tag, vr in seen.forms() if vr in {"UI", "SQ", "UN", None}]
    return frozenset().union(*topic.each(tags, seen, partial(_uids, ds)))


def _uids(ds: Dataset, tag: BaseTag) -> frozenset[str]:
    return frozenset(_uids_of(ds[tag]))


def _uids_of(element: DataElement) -> Iterator[str]:
    if element.VR == "UI" and element.value:
        yield from [str(element.value)] if isinstance(element.value, str) else map(str, element.value)
    elif element.VR == "SQ":
        for item in element.value:
            for inner in item:
                yield from _uids_of(inner)


def _held(
    job: Job, reason: str, detail: str, findings: tuple[Finding, ...] = (), regions: tuple[Region, ...] = ()
) -> Outcome:
    return Outcome(
        "held", reason, detail, findings=findings, profile=job.profile.name, digest=job.profile.digest,
        output=job.target.name, regions=regions,
    )  # fmt: skip
