"""One project per dataset that this spoke collects for: its protocol, byte for byte, and its root key.

In comes a loaded protocol; out goes a `Desk`: project, protocol, vault and root key together, which every later step
takes. The root key is random, is made once, and never leaves the spoke.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, lru_cache

from django.db import transaction

from midas.kernel import Conflict, NotFound
from midas.protocol import Loaded, parse
from midas.protocol.model import Protocol
from midas.spoke.home import Home
from midas.spoke.vault.keys import Vault
from midas.spoke.vault.models import Project


@dataclass(frozen=True)
class Desk:
    """What the work on one project needs. Holds keys: never printed, logged or pickled."""

    home: Home
    project: Project
    protocol: Protocol
    vault: Vault = field(repr=False)

    @cached_property
    def root_key(self) -> bytes:
        return self.vault.unwrap(self.project.root_key, about=f"project/{self.project.slug}")

    def __repr__(self) -> str:
        return f"Desk({self.project.slug})"

    def __reduce__(self) -> str:
        raise TypeError("a desk holds keys and does not travel")


@transaction.atomic
def open_project(*, home: Home, loaded: Loaded) -> Project:
    """Return the protocol's project, making it with a new root key the first time.

    A protocol of the same id with other bytes takes the old one's place only while nothing was received under the old.
    """
    vault, slug = Vault.of(home), loaded.protocol.id
    found = Project.objects.filter(slug=slug).first()
    if found is None:
        return Project.objects.create(
            slug=slug, protocol_source=loaded.source, protocol_sha256=loaded.sha256,
            root_key=vault.wrap(os.urandom(32), about=f"project/{slug}"), created_at=datetime.now(UTC),
        )  # fmt: skip
    if found.protocol_sha256 != loaded.sha256:
        if found.batches.exists():
            raise Conflict(
                "Items were received under another version of this protocol.",
                advice="Send them first, then start a home for the new version.",
            )
        found.protocol_source, found.protocol_sha256 = loaded.source, loaded.sha256
        found.save(update_fields=["protocol_source", "protocol_sha256"])
    return found


def desk(*, home: Home, slug: str | None = None) -> Desk:
    """Open the desk of a project, by default the one that the config names. `NotFound` where there is none."""
    wanted = slug or home.config.project
    project = Project.objects.filter(slug=wanted).first()
    if project is None:
        raise NotFound(f"There is no project {wanted} here.", advice="Make one with `midas spoke init`.")
    protocol = _protocol(project.protocol_source)
    return Desk(home=home, project=project, protocol=protocol, vault=Vault.of(home))


@lru_cache(maxsize=8)
def _protocol(source: str) -> Protocol:
    """Each page and each arrival asks for it, and reading it takes a quarter of a second."""
    return parse(source.encode()).protocol
