"""One person out of every release that holds them: rows, files and salt go, the key stays, a signed tombstone says so.

Nothing that still names the subject, not even the tables as they were, is left in the store for a release.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.db import transaction

from midas.catalogue.withdrawal import doom
from midas.kernel import BadInput, Clock, Conflict
from midas.manifest import PrivateKey, Tombstone, key_of, sign, withdraw
from midas.release import reports, tables
from midas.release.content import Content, LeftOut, path_of
from midas.release.cutting import summary
from midas.release.documents import whole_files
from midas.release.gathering import about
from midas.release.images import series_of
from midas.release.models import Draft, GateCheck, Release, ReleaseFile, ReleaseSubject, ReleaseTombstone
from midas.release.papers import read_back
from midas.release.publication import recount
from midas.release.sealing import keep, tree_of
from midas.store import Blobs


@transaction.atomic
def take_out(
    *,
    pseudonyms: Iterable[str],
    dataset: str,
    store: Blobs,
    signer: PrivateKey,
    clock: Clock,
    why: str = "person",
) -> tuple[Release, ...]:
    """Take a person out of every release of a dataset; return the releases that held one of the pseudonyms.

    `why` is one of `ReleaseTombstone.Why`, else `BadInput`. Blobs that may go are in `Erasure` when this commits; the
    catalogue is not touched: `midas.web.flows.withdraw` is the whole of a withdrawal. Doing it again changes nothing.
    """
    if why not in ReleaseTombstone.Why.values:
        raise BadInput(
            f"'{why}' is not a reason.", advice=f"Use one of {', '.join(ReleaseTombstone.Why.values)}."
        )
    names = set(pseudonyms)
    touched: dict[int, Release] = {}
    # 1 no release names the person among those who were left out, no check of a draft names anyone
    GateCheck.objects.filter(draft__dataset__slug=dataset).delete()
    for release in Release.objects.filter(dataset__slug=dataset, twin=False):
        _not_named(release, names)
    # 2 out of every release that holds the person
    held = ReleaseSubject.objects.filter(subject__dataset__slug=dataset, subject__pseudonym__in=names)
    for row in held.select_related("release").order_by("release_id", "pseudonym"):
        row.release = touched.setdefault(row.release_id, row.release)
        doom(_take_out(row, store=store, signer=signer, clock=clock, why=why))
    return tuple(touched.values())


def _not_named(release: Release, names: set[str]) -> None:
    left_out = [one for one in release.summary["left_out"] if one["subject"] not in names]
    if left_out != release.summary["left_out"]:
        release.summary = {**release.summary, "left_out": left_out}
        release.save(update_fields=["summary"])


def content_of(release: Release, store: Blobs) -> Content:
    """Read a release's content back from its own files."""
    words = replace(about(release.draft), twin=release.twin)
    digests = dict(ReleaseFile.objects.filter(release=release, owner="").values_list("path", "sha256"))
    schemas = dict(tables.FIXED) | {
        f"clinical/{one.id}": tables.clinical_schema(one)
        for one in words.protocol.tables if path_of(f"clinical/{one.id}") in digests
    }  # fmt: skip
    found = {
        name: tables.decode(b"".join(store.read(digests[path_of(name)])), schema)
        for name, schema in schemas.items()
        if path_of(name) in digests or name != "readings"
    }
    return Content(
        words, found, reports.decode(b"".join(store.read(digests["deid/report.json"]))),
        tuple(LeftOut(**one) for one in release.summary["left_out"]), read_back(release, store),
    )  # fmt: skip


def _take_out(row: ReleaseSubject, *, store: Blobs, signer: PrivateKey, clock: Clock, why: str) -> set[str]:
    """Rewrite one release without the subject; return the digests that it does not use any more."""
    release, subject = row.release, row.pseudonym
    before = content_of(release, store)
    found = {name: tables.without(table, subject) for name, table in before.tables.items()}
    kept = set(found["subjects"]["subject"].to_pylist())
    content = replace(
        before,
        tables=found | {"series": series_of(found["manifest"])},
        papers=reports.only(before.papers, kept),
    )
    now = clock.now()
    tree = tree_of(release)
    after, stone = withdraw(
        tree, owner=subject, rewritten=keep(whole_files(content), store), withdrawn_on=now.date().isoformat()
    )
    if key_of(after) != release.key:
        raise Conflict(
            "The key would not stand.", advice="Verify the release before anything else is done to it."
        )
    _put_stone(release, stone, signer=signer, why=why)
    old = {entry.path: entry for entry in tree.entries}
    rewritten = [entry for entry in after.entries if entry != old[entry.path]]
    for entry in rewritten:
        ReleaseFile.objects.filter(release=release, path=entry.path).update(
            sha256=entry.sha256, size=entry.size, leaf=entry.leaf
        )
    mine = ReleaseFile.objects.filter(release=release, owner=subject)
    gone = {old[entry.path].sha256 for entry in rewritten} | set(mine.values_list("sha256", flat=True))
    mine.delete()
    row.delete()
    release.summary = summary(content, after, draft=release.draft) | {
        "left_out": [one for one in release.summary["left_out"] if one["subject"] != subject],
        "draft": release.summary["draft"], "withdrawn": stone.number,
    }  # fmt: skip
    release.save(update_fields=["summary"])
    recount(release, content)
    Draft.objects.filter(pk=release.draft_id).update(salt_root="")
    return gone


def _put_stone(release: Release, stone: Tombstone, *, signer: PrivateKey, why: str) -> None:
    signed = sign(stone.model_dump(mode="json", by_alias=True), signer)
    ReleaseTombstone.objects.create(release=release, number=stone.number, signed=signed.model_dump(), why=why)
