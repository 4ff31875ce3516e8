"""Protocols that the hub knows, by the SHA-256 of their files; the newest of a dataset is in force."""

from __future__ import annotations

from functools import lru_cache

from django.db import transaction

from midas.catalogue.models import Dataset, ProtocolVersion
from midas.kernel import Clock, Conflict, NotFound
from midas.ledger import Deed, enter
from midas.protocol import Loaded, Protocol, parse


@transaction.atomic
def add_protocol(*, loaded: Loaded, clock: Clock) -> tuple[ProtocolVersion, bool]:
    """Register a protocol file, making its dataset if that is new; return it and whether it is new.

    The same bytes again change nothing. `Conflict` where other bytes carry a version number that is taken.
    """
    known = ProtocolVersion.objects.filter(sha256=loaded.sha256).select_related("dataset").first()
    if known is not None:
        return known, False
    dataset, _ = Dataset.objects.get_or_create(slug=loaded.protocol.id, defaults={"created_at": clock.now()})
    if ProtocolVersion.objects.filter(dataset=dataset, version=loaded.protocol.version).exists():
        raise Conflict(
            f"{dataset.slug} has a protocol {loaded.protocol.version} with other content.",
            advice="Raise the version in the file: what was registered under a version stays as it is.",
        )
    version = ProtocolVersion.objects.create(
        dataset=dataset,
        sha256=loaded.sha256,
        version=loaded.protocol.version,
        source=loaded.source,
        added_at=clock.now(),
    )
    enter(
        Deed.PROTOCOL, by=None, clock=clock, dataset=dataset.slug, target=loaded.sha256, protocol=version.version
    )  # fmt: skip
    return version, True


def in_force(dataset: Dataset) -> ProtocolVersion | None:
    """Return a dataset's newest protocol."""
    return ProtocolVersion.objects.filter(dataset=dataset).order_by("-added_at", "-pk").first()


def protocol_known(*, dataset: str, sha256: str) -> ProtocolVersion:
    """Return the registered protocol with these bytes; `NotFound` where the hub does not know it for this dataset."""
    found = (
        ProtocolVersion.objects.filter(dataset__slug=dataset, sha256=sha256).select_related("dataset").first()
    )
    if found is None:
        raise NotFound(
            f"The hub knows no protocol {sha256[:12]}… for {dataset}.",
            advice="The hub's operator registers it: midas hub protocol add FILE.",
        )
    return found


@lru_cache(maxsize=64)
def _parsed(sha256: str, source: str) -> Protocol:
    return parse(source.encode(), name=f"protocol {sha256[:12]}").protocol


def protocol_of(version: ProtocolVersion) -> Protocol:
    """Return the protocol itself, read once per process."""
    return _parsed(version.sha256, version.source)
