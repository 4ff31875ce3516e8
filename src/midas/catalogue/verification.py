"""Verify again what a spoke signed, trusting nothing of it but the spoke's key.

In come a signed header and the place of its blobs; out come the header, findings, and previews of what was looked at.
Every hash, the Merkle root and every count is computed here; nothing is registered here. Numbered as the flow is:

1. the signature and the header   2. the parts   3. the subjects   4. the items and their tree   5. records and labels
6. the Merkle root and the counts   7. every instance, by bounded work in worker processes
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from midas.catalogue import lens, pictures
from midas.catalogue.examine import Examined, Job, examine, wrong
from midas.catalogue.lines import NEEDED, has_errors, lines_of, part_of
from midas.catalogue.models import ProtocolVersion
from midas.catalogue.protocols import protocol_known, protocol_of
from midas.catalogue.references import Known, Places
from midas.compute import here
from midas.kernel import BadInput, BrokenPromise, Finding, MidasError, NoProgress, Progress, Runner
from midas.manifest import WHOLE, Entry, Tree, key_of, verify_signature
from midas.people.models import Institution
from midas.store import Blobs
from midas.wire.v1 import ItemLine, LabelLine, RecordLine, Signed, SubjectLine, SubmissionHeader

MOST_FINDINGS = 500
"""Findings kept of one submission; a spoke that sends more has one fault many times."""
LONGEST_PART = 256 << 20
"""Bytes of a part that is read whole (salts.json): 64 hex digits for each of two million subjects."""


@dataclass
class Checked:
    """What verification found. `previews` maps an instance's path to the digest of its preview."""

    header: SubmissionHeader
    findings: list[Finding] = field(default_factory=list)
    previews: dict[str, str] = field(default_factory=dict)

    @property
    def stands(self) -> bool:
        return not has_errors(self.findings)


def header_of(signed: Signed) -> SubmissionHeader:
    """Read a header without trusting it yet; `BadInput` where it is not one of version 1."""
    try:
        return SubmissionHeader.model_validate_json(signed.payload)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise BadInput(
            f"The submission's header cannot be read: {'.'.join(str(step) for step in first['loc'])}.",
            advice="Pack it again with this version of MIDAS.",
        ) from None


def trust(signed: Signed) -> SubmissionHeader:
    """Return the header; `BrokenPromise` unless the key registered for its spoke signed it."""
    header = header_of(signed)
    spoke = Institution.objects.filter(slug=header.spoke).exclude(spoke_key="").first()
    if spoke is None:
        raise BrokenPromise(
            f"No key is registered for {header.spoke}.",
            advice="The hub's operator adds it: midas hub spoke add.",
        )
    verify_signature(signed, trusted=spoke.spoke_key)
    return header


def verify_submission(
    *, signed: Signed, store: Blobs, runner: Runner | None = None, progress: Progress | None = None
) -> tuple[SubmissionHeader, tuple[Finding, ...]]:
    """Return the header and what was found; it may be registered where no finding is an error.

    Raise `BadInput` or `BrokenPromise` where there is no header that a known spoke signed.
    """
    checked = examine_submission(signed=signed, store=store, runner=runner, progress=progress)
    return checked.header, tuple(checked.findings)


def examine_submission(
    *,
    signed: Signed,
    store: Blobs,
    runner: Runner | None = None,
    progress: Progress | None = None,
    scratch: Path | None = None,
) -> Checked:
    """Verify as `verify_submission` does and keep the previews that were made on the way."""
    checked = Checked(trust(signed))
    header = checked.header
    try:
        version = protocol_known(dataset=header.dataset, sha256=header.protocol_sha256)
        checked.findings += _parts(header, store)
        if checked.stands:
            _content(checked, version, store)
        if checked.stands:
            _instances(checked, store, runner or here(), progress or NoProgress(), scratch)
    except MidasError as error:
        checked.findings.append(wrong("submission.unusable", "submission", error.message, error.advice))
    if len(checked.findings) > MOST_FINDINGS:
        checked.findings = _fewer(checked.findings)
    return checked


def _fewer(findings: list[Finding]) -> list[Finding]:
    worst_first = sorted(findings, key=lambda one: ("error", "warning", "info").index(one.severity.value))
    more = f"{len(findings) - MOST_FINDINGS:,} further findings are not listed."
    return [
        *worst_first[:MOST_FINDINGS],
        wrong("submission.many", "submission", more, "Correct the first ones."),
    ]


def _parts(header: SubmissionHeader, store: Blobs) -> Iterator[Finding]:
    """2. Every part is there once, with the size and the bytes that were signed."""
    paths = [part.path for part in header.parts]
    if len(set(paths)) != len(paths):
        yield wrong("submission.twice", "header", "A part is named twice.", "Pack it again.")
    for path in sorted(set(NEEDED) - set(paths)):
        yield wrong("submission.part-missing", path, "The submission has no such part.", "Pack it again.")
    if set(paths) - set(NEEDED):
        yield wrong("submission.part-unknown", "header", "A part is not one of version 1.", "Pack it again.")
    for part in header.parts:
        if not store.has(part.sha256):
            yield wrong("submission.missing", part.path, "It has not arrived.", "Send the submission again.")
        elif _size_read(store, part.sha256) != part.size:
            yield wrong("submission.damaged", part.path, "Its size is not what was signed.", "Send it again.")
    digests = {part.path: part.sha256 for part in header.parts}
    if digests.get("protocol.yaml", header.protocol_sha256) != header.protocol_sha256:
        yield wrong(
            "submission.disagrees", "protocol.yaml", "It is not the protocol named.", "Pack it again."
        )
    if digests.get("salts.json", header.salts_sha256) != header.salts_sha256:
        yield wrong("submission.disagrees", "salts.json", "It is not the salts named.", "Pack it again.")


def _size_read(store: Blobs, digest: str) -> int:
    """Read a blob whole, which hashes it, and return its size in bytes."""
    return sum(len(chunk) for chunk in store.read(digest))


def _content(checked: Checked, version: ProtocolVersion, store: Blobs) -> None:
    """3.–6. Read each line once; keep of an instance only what the tree needs."""
    header, found = checked.header, checked.findings
    places = Places(protocol_of(version), Known.of(header))
    subjects = lines_of(SubjectLine, header, store, examine=True)
    for subject in subjects:
        found += places.add_subject(subject)
    found += subjects.findings
    items = lines_of(ItemLine, header, store, examine=True)
    entries: list[Entry] = []
    for item in items:
        found += places.add_item(item)
        entries.append(Entry(item.path, item.sha256, item.size, item.subject))
    found += items.findings
    records = lines_of(RecordLine, header, store, examine=True)
    labels = lines_of(LabelLine, header, store, examine=True)
    for record in records:
        found += places.check_record(record)
    for label in labels:
        found += places.check_label(label)
    found += [*records.findings, *labels.findings, *places.left_open()]
    counted = {
        "subjects": subjects.number, "instances": items.number, "records": records.number, "labels": labels.number,
        "bytes": sum(entry.size for entry in entries),
    }  # fmt: skip
    for name, number in counted.items():
        if (said := getattr(header, name)) != number:
            message = f"It says {said:,} {name}, there are {number:,}."
            found.append(wrong("submission.count", "header", message, "Pack it again."))
    if checked.stands:
        found += _root(header, entries, store)


def tree_entries(header: SubmissionHeader, instances: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return what the Merkle root stands over: all parts except salts.json (owner: the whole), and the instances."""
    parts = [
        Entry(part.path, part.sha256, part.size, WHOLE) for part in header.parts if part.path != "salts.json"
    ]
    return (*parts, *instances)


def _root(header: SubmissionHeader, entries: list[Entry], store: Blobs) -> Iterator[Finding]:
    part = part_of(header, "salts.json")
    if part.size > LONGEST_PART:
        yield wrong(
            "submission.part-size", "salts.json", "It is larger than any salts are.", "Pack it again."
        )
        return
    try:
        salts = dict(json.loads(b"".join(store.read(part.sha256))))
        root = key_of(Tree(tree_entries(header, entries), salts))
    except (ValueError, TypeError):
        yield wrong("submission.salts", "salts.json", "The salts cannot be read.", "Pack it again.")
        return
    except MidasError as error:
        yield wrong("submission.root", "header", error.message, error.advice)
        return
    if root != header.root:
        yield wrong("submission.root", "header", "The files do not give the signed root.", "Pack it again.")


def _instances(
    checked: Checked, store: Blobs, runner: Runner, progress: Progress, scratch: Path | None
) -> None:
    """7. Every instance: its bytes, the leak rules, and whether the file says what its line says."""
    with tempfile.TemporaryDirectory(prefix="midas-verify-", dir=scratch) as folder:
        jobs = (Job(store, line, Path(folder)) for line in lines_of(ItemLine, checked.header, store))
        results: Iterable[Examined] = runner.map(examine, jobs)
        stream = progress.track(results, label="Verify again", total=checked.header.instances)
        lens.keep(_noted(checked, pictures.kept(stream)))


def _noted(checked: Checked, results: Iterable[Examined]) -> Iterator[lens.Indexed]:
    """Note what was found of each instance; pass its index on, which belongs to the blob and not to the submission."""
    for one in results:
        checked.findings += one.findings
        if one.preview:
            checked.previews[one.path] = one.preview
        if one.index is not None:
            yield one.index
