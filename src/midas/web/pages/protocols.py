"""A stored protocol as pages show it: parsed once per digest, its words in the reader's language."""

from __future__ import annotations

from functools import lru_cache

from django.utils.translation import get_language

from midas.catalogue.models import Dataset, ProtocolVersion
from midas.protocol import parse
from midas.protocol.model import Protocol, Words


@lru_cache(maxsize=64)
def _parsed(sha256: str, source: str) -> Protocol:
    return parse(source.encode(), name=f"protocol {sha256[:12]}").protocol


def protocol_of(version: ProtocolVersion) -> Protocol:
    return _parsed(version.sha256, version.source)


def in_force(dataset: Dataset) -> ProtocolVersion | None:
    """Return the newest protocol of a dataset."""
    return ProtocolVersion.objects.filter(dataset=dataset).order_by("-added_at", "-pk").first()


def said(words: Words) -> str:
    """Return the words in the reader's language, else in English."""
    language = (get_language() or "en")[:2]
    return {str(key): text for key, text in words.items()}.get(language) or words["en"]
