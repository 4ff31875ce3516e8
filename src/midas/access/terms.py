"""The terms of a release: the words of its own sealed `LICENSE.txt`, kept by their SHA-256, and what they allow.

In comes a release; out come its terms and the purposes that its protocol allows. Another text is other terms, which must
be accepted again.
"""

from __future__ import annotations

from midas.access.models import Terms
from midas.catalogue.protocols import protocol_of
from midas.kernel import BadInput, Clock, Digest, NotFound, sha256_bytes
from midas.protocol.duo import duo_term, purposes_under
from midas.protocol.model import Access
from midas.release.models import Release, ReleaseFile
from midas.store import Blobs

PAPER = "LICENSE.txt"


def terms_of(text: str, *, title: str, clock: Clock) -> Terms:
    """Return the terms with this text, kept by its SHA-256; made at first use."""
    found, _ = Terms.objects.get_or_create(
        sha256=sha256_bytes(text.encode()), defaults={"title": title, "text": text, "added_at": clock.now()}
    )
    return found


def terms_of_release(release: Release, *, store: Blobs, clock: Clock) -> Terms:
    """Return what must be accepted to have a release: their hash is that of its `LICENSE.txt`, as `SHA256SUMS` says it."""
    found = ReleaseFile.objects.filter(release=release, path=PAPER).first()
    if found is None:
        raise NotFound("This release has no terms.", advice="Ask the hub's curator.")
    text = b"".join(store.read(Digest(found.sha256))).decode()
    return terms_of(text, title=f"{release.dataset.slug}@{release.version}", clock=clock)


def access_of(release: Release) -> Access:
    """Return what the protocol that the release was cut under says of access."""
    return protocol_of(release.draft.protocol).access


def purposes_of(release: Release) -> tuple[str, ...]:
    """Return the purposes that a release may be asked for, as DUO ids."""
    return purposes_under(access_of(release).uses)


def purpose_for(release: Release, code: str) -> str:
    """Return the DUO id of a purpose that the release allows, by id or abbreviation; else `BadInput`."""
    term, allowed = duo_term(code), purposes_of(release)
    if term is None or term.id not in allowed:
        raise BadInput(
            f"{release.dataset.slug}@{release.version} may not be used for {term.label if term else code}.",
            advice=f"Its terms allow {', '.join(allowed) or 'no purpose that can be asked for'}.",
        )
    return term.id
