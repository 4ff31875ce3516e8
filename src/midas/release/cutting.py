"""From a draft to a release, in numbered steps. The same draft gives the same key; a changed one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db import transaction

from midas import __version__
from midas.catalogue import findings, lens
from midas.catalogue.models import Dataset, Subject
from midas.catalogue.withdrawal import doom
from midas.kernel import Clock, Conflict, Digest, Progress
from midas.ledger import Deed, enter
from midas.manifest import WHOLE, Entry, PrivateKey, Tree, key_of, sign
from midas.people.models import Account
from midas.release.approving import approvals_of
from midas.release.cases import Brought, Case
from midas.release.checking import keep_check, look_at
from midas.release.content import Content
from midas.release.documents import whole_files
from midas.release.drafting import draft_digest
from midas.release.excluding import concerned
from midas.release.gates import refuse_failed
from midas.release.gathering import gather
from midas.release.lawful import bases_of
from midas.release.models import Draft, Release, ReleaseSubject, ReleaseTombstone
from midas.release.papers import papers, read_back
from midas.release.publication import publish
from midas.release.sealing import keep, record_files, salts_from
from midas.release.tables import batches
from midas.store import Blobs


def cut(
    *,
    draft: Draft,
    store: Blobs,
    signer: PrivateKey,
    clock: Clock,
    progress: Progress | None = None,
    by: Account | None = None,
    brought: Brought | None = None,
) -> Release:
    """Cut the draft, or return the release that it was cut into before.

    Subjects who withdrew, who have no lawful basis or no image are left out and named in `summary["left_out"]`. `brought`
    is what other rooms know and the hub asks. Raise `BadInput` where nothing may be released, `Conflict` where a gate
    fails, or where the draft or what it draws on changed since it was cut.
    """
    # 1 a release that exists stays what it is
    before = Release.objects.filter(dataset=draft.dataset, version=draft.version, twin=False).first()
    if before is not None and (before.summary["draft"] != draft_digest(draft)):
        raise Conflict(
            f"The draft of {draft.dataset.slug}@{draft.version} was changed after it was cut.",
            advice="A release never changes: draft the next version.",
        )
    if before is not None and _withdrawn_since(before):
        return before
    # 2 gather what the catalogue holds, less whoever must not be in it
    content = gather(draft=draft, store=store, progress=progress)
    # 3 pass the gates; a release that exists passed them on its day, and keeps what they said then
    case = None
    if before is None:
        content, case = _through_the_gates(
            content, draft=draft, store=store, clock=clock, brought=brought, progress=progress
        )
    else:
        content = replace(content, papers=read_back(before, store))
    # 4 write tables and documents, make the tree and its key
    lens.complete(content.tables["manifest"]["sha256"].to_pylist(), store=store)
    subjects = content.tables["subjects"]["subject"].to_pylist()
    made = assemble(content, store=store, salts=salts_from(bytes.fromhex(draft.salt_root), subjects))
    # 5 the same draft once more: the same key, or an error
    if before is not None:
        if before.key != made.key:
            raise Conflict(
                f"{before.dataset.slug}@{before.version} would not come out as it was cut: "
                "what it draws on, or the software that writes it, has changed.",
                advice="Keep the release as it is and draft the next version.",
            )
        return before
    # 6 sign and record, all or nothing, as long as what let it pass still stands
    try:
        with transaction.atomic():
            if case is not None:
                _still_stands(draft, case)
            return record(content, made, draft=draft, signer=signer, clock=clock, by=by)
    except Conflict:
        doom(entry.sha256 for entry in made.tree.entries if entry.owner == WHOLE)
        raise


def _through_the_gates(
    content: Content, *, draft: Draft, store: Blobs, clock: Clock, brought: Brought | None, progress: Progress | None
) -> tuple[Content, Case]:  # fmt: skip
    """Return the content with its papers and what was looked at, or refuse with what every failed gate says."""
    checked = look_at(
        content, draft=draft, store=store, day=clock.now().date(), brought=brought, progress=progress
    )
    keep_check(draft, checked, clock=clock)
    refuse_failed(checked.results)
    return replace(content, papers=papers(content, checked, draft=draft)), checked.case


def _still_stands(draft: Draft, case: Case) -> None:
    """Raise `Conflict` where approvals, anybody's lawful basis or curators' decisions changed while files were written."""
    Dataset.objects.select_for_update().get(pk=draft.dataset_id)  # curators' decisions wait
    bases = dict(Subject.objects.filter(dataset=draft.dataset).values_list("pseudonym", "basis"))
    changed = [name for name, before in case.bases.items() if bases_of(bases.get(name) or ()) != before]
    since = set(concerned(case.content, findings.decided_since(draft.dataset, draft.judged)))
    if changed or since or len(approvals_of(draft)) < min(case.approvals, case.brought.needs_approvals):
        raise Conflict(
            "What allows this release changed while it was cut: an approval, somebody's consent or a curator's decision.",
            advice="Look at the gates again; nothing was released.",
        )


def _withdrawn_since(release: Release) -> bool:
    """Say whether somebody withdrew since: then what a second cut would be compared with is gone."""
    since = Subject.objects.filter(dataset=release.dataset, withdrawn_at__gte=release.cut_at)
    return ReleaseTombstone.objects.filter(release=release).exists() or since.exists()


@dataclass(frozen=True)
class Made:
    """A release before it is recorded: its tree and key."""

    tree: Tree
    key: Digest


def assemble(content: Content, *, store: Blobs, salts: Mapping[str, str]) -> Made:
    """Write the files of the whole into the store and seal them together with the images."""
    manifest = content.tables["manifest"].select(["path", "sha256", "size", "subject"])
    images = [
        Entry(*row)
        for batch in manifest.to_batches()
        for row in zip(*(c.to_pylist() for c in batch.columns), strict=True)
    ]
    tree = Tree((*keep(whole_files(content), store), *images), salts)
    return Made(tree, key_of(tree))


def record(
    content: Content, made: Made, *, draft: Draft, signer: PrivateKey, clock: Clock, by: Account | None = None
) -> Release:
    """Write the release and its rows in one transaction; the seal's time stands outside the key."""
    about, now = content.about, clock.now()
    seal = sign(
        {
            "schema": "midas-seal/1", "key": made.key, "dataset": about.dataset, "version": about.version,
            "twin": about.twin, "cut_at": now.isoformat(timespec="seconds"), "software": f"midas {__version__}",
        },
        signer,
    )  # fmt: skip
    salts = made.tree.salts
    known = {} if about.twin else dict(
        Subject.objects.filter(dataset=draft.dataset).values_list("pseudonym", "pk")
    )  # fmt: skip
    with transaction.atomic():
        if not about.twin and _withdrew_meanwhile(draft, salts):
            raise Conflict(
                "Somebody withdrew while this was cut.", advice="Cut it again; nothing was released."
            )
        release = Release.objects.create(
            dataset=draft.dataset, draft=draft, version=about.version, twin=about.twin, key=made.key,
            seal=seal.model_dump(), access="open" if about.twin else about.protocol.access.level,
            license=about.protocol.access.license[:100], summary=summary(content, made.tree, draft=draft),
            whole_salt=salts[WHOLE], cut_at=now,
        )  # fmt: skip
        for batch in batches(
            ReleaseSubject(release=release, pseudonym=owner, subject_id=known.get(owner), salt=salts[owner])
            for owner in sorted(salts) if owner != WHOLE
        ):  # fmt: skip
            ReleaseSubject.objects.bulk_create(batch)
        record_files(release, made.tree.entries)
        if not about.twin:
            publish(release, content)
        lens.publish(
            kind="twin" if about.twin else "release", name=f"{about.dataset}@{about.version}", dataset=draft.dataset,
            digests=content.tables["manifest"]["sha256"].to_pylist(),
        )  # fmt: skip
        enter(
            Deed.CUT, by=by, clock=clock, dataset=about.dataset, version=about.version, target=made.key, twin=about.twin
        )  # fmt: skip
    return release


def _withdrew_meanwhile(draft: Draft, salts: Mapping[str, str]) -> bool:
    gone = Subject.objects.filter(dataset=draft.dataset).exclude(withdrawn_at=None)
    return any(name in salts for name in gone.values_list("pseudonym", flat=True))


def summary(content: Content, tree: Tree, *, draft: Draft) -> dict[str, Any]:
    """Count what the release holds."""
    held = content.tables
    return {
        "draft": draft_digest(draft),
        "title": content.about.title,
        "protocol": {"version": content.about.protocol.version, "sha256": content.about.protocol_sha256},
        "published_on": content.about.published_on,
        "files": len(tree.entries),
        "bytes": sum(entry.size for entry in tree.entries),
        "image_bytes": sum(held["manifest"]["size"].to_pylist()),
        **{
            name: held[name].num_rows
            for name in ("subjects", "visits", "lesions", "specimens", "series", "labels", "readings")
            if name in held
        },
        "instances": held["manifest"].num_rows,
        "modalities": counted(content, "manifest", "modality"),
        "items": counted(content, "manifest", "item"),
        "parts": counted(content, "splits", "part"),
        "grade": _graded(content),
        "left_out": [{name: said for name, said in asdict(one).items() if said} for one in content.left_out],
    }


def _graded(content: Content) -> dict[str, Any]:
    """Return the figures of the grade that the release carries, for cards and pages; the statements stay in its paper."""
    return {name: value for name, value in content.papers.get("grade.json", {}).items() if name != "grade"}


def counted(content: Content, table: str, column: str) -> dict[str, int]:
    counts = content.tables[table][column].value_counts().to_pylist()
    return {str(one["values"]): one["counts"] for one in sorted(counts, key=lambda one: str(one["values"]))}
