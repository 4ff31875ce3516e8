"""What a release says about how it came to be: provenance, gates, leakage, changes, grade. Files under its key.

In come a draft, its content and what the gates saw; out come JSON values by path. No time, no account and no machine
stand in them; a withdrawal strikes out whatever names the person.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from midas import __version__
from midas.kernel import Digest
from midas.release.changes import changes_paper
from midas.release.checking import Checked
from midas.release.content import Content
from midas.release.drafting import draft_digest
from midas.release.gates import paper
from midas.release.look import below
from midas.release.models import Draft, Release, ReleaseFile
from midas.store import Blobs

PACKAGE = "midas-platform"
PATHS = ("provenance.json", "gates.json", "leakage.json", "changes.json", "grade.json")


def papers(content: Content, checked: Checked, *, draft: Draft) -> dict[str, Mapping[str, Any]]:
    """Return the papers of a release that is about to be cut."""
    before, graded = below(draft.dataset.slug, draft.version), checked.case.brought.graded
    report = checked.case.leakage
    found: dict[str, Mapping[str, Any]] = {
        "provenance.json": _provenance(content, draft, before),
        "gates.json": paper(checked.results, checked.case),
        "leakage.json": report.to_dict(),
        "changes.json": changes_paper(content, before, moved=len(report.moved)),
    }
    return found | ({"grade.json": graded.to_dict()} if graded and not graded.early else {})


def _provenance(content: Content, draft: Draft, before: Release | None) -> dict[str, Any]:
    """Name what the release was made from: submissions, protocol, engines, readings, the version below."""
    about, manifest = content.about, content.tables["manifest"]
    engines = manifest["deid"].value_counts().to_pylist()
    return {
        "schema": "midas-release-provenance/1", "dataset": about.dataset, "version": about.version,
        "draft": draft_digest(draft), "protocol": {"version": about.protocol.version, "sha256": about.protocol_sha256},
        "ethics": [
            {"id": one.id, "kind": one.kind, "reference": one.reference, "valid_from": one.valid_from,
             "valid_until": one.valid_until, "collected_until": one.collected_until}
            for one in about.protocol.ethics
        ],
        "submissions": sorted(
            ({"root": one["submission"], "spoke": one["spoke"]} for one in content.report), key=lambda one: str(one["root"])
        ),
        "software": _software(),
        "deidentified_by": dict(sorted((str(one["values"]), one["counts"]) for one in engines)),
        "readings": len(draft.readings), "drawn_by_curators": len(draft.derived),
        "cohort": draft.cohort is not None,
        "predecessor": before and {"version": before.version, "key": before.key},
    }  # fmt: skip


def _software() -> dict[str, Any]:
    """Name what wrote the release: MIDAS, Python, and each package that it runs on, theirs included, with its version."""
    found: dict[str, str] = {}
    queue = [PACKAGE]
    while queue:
        name = queue.pop()
        try:
            asked = metadata.requires(name) or []
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # asked for on other systems only
            continue
        named = (re.match(r"[\w.-]+", one) for one in asked if "extra ==" not in one)
        queue += [one[0].lower() for one in named if one and one[0].lower() not in found]
    found.pop(PACKAGE, None)
    return {
        "midas": __version__,
        "python": platform.python_version(),
        "packages": dict(sorted(found.items())),
    }


def read_back(release: Release, store: Blobs) -> dict[str, Mapping[str, Any]]:
    """Return a release's papers from its own files; none where it was cut before there were any."""
    files = ReleaseFile.objects.filter(release=release, path__in=PATHS).values_list("path", "sha256")
    return {path: json.loads(b"".join(store.read(Digest(digest)))) for path, digest in files}
