"""The words of a protocol in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import get_language

from midas.catalogue.protocols import in_force as in_force
from midas.catalogue.protocols import protocol_of as protocol_of


def said(words: Mapping[Any, str]) -> str:
    """Return the words in the reader's language, else in English."""
    language = (get_language() or "en")[:2]
    return {str(key): text for key, text in words.items()}.get(language) or words["en"]
