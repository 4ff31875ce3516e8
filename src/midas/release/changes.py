"""What a version has that the one below had not, as a file of the release. Who came is named; of who is gone, the number."""

from __future__ import annotations

import io
from typing import Any

import pyarrow.parquet as pq

from midas.kernel import Digest
from midas.release.content import Content, path_of
from midas.release.models import Release, ReleaseFile, ReleaseSubject
from midas.store import Blobs

SCHEMA = "midas-release-changes/1"


def parts_of(release: Release, store: Blobs) -> dict[str, str]:
    """Return the part of each subject, as a release's own table says it."""
    digest = ReleaseFile.objects.get(release=release, path=path_of("splits")).sha256
    table = pq.read_table(io.BytesIO(b"".join(store.read(Digest(digest)))))
    return dict(zip(table["subject"].to_pylist(), table["part"].to_pylist(), strict=True))


def changes_paper(content: Content, before: Release | None, *, moved: int = 0) -> dict[str, Any]:
    """Return `changes.json`. Nobody who is not in this release is named, so that a later withdrawal finds no name here."""
    held = content.tables
    mine = set(held["subjects"]["subject"].to_pylist())
    if before is None:
        return {"schema": SCHEMA, "since": None, "notes": content.about.notes, "subjects": len(mine)}
    theirs = set(ReleaseSubject.objects.filter(release=before).values_list("pseudonym", flat=True))
    new = dict(zip(held["manifest"]["path"].to_pylist(), held["manifest"]["sha256"].to_pylist(), strict=True))
    old = dict(ReleaseFile.objects.filter(release=before).exclude(owner="").values_list("path", "sha256"))
    counted = ("subjects", "visits", "lesions", "specimens", "series", "labels", "readings")
    return {
        "schema": SCHEMA, "since": before.version, "since_key": before.key, "notes": content.about.notes,
        "subjects_added": sorted(mine - theirs), "subjects_gone": len(theirs - mine), "subjects_moved": moved,
        "images_added": len(new.keys() - old.keys()), "images_gone": len(old.keys() - new.keys()),
        "images_changed": sum(new[path] != old[path] for path in new.keys() & old.keys()),
        "protocol_changed": before.summary["protocol"]["sha256"] != content.about.protocol_sha256,
        "rows": {
            name: held[name].num_rows - before.summary[name]
            for name in counted if name in held and name in before.summary
        },
    }  # fmt: skip
