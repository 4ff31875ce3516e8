"""Reading without a word: what pydicom warns and logs of odd files quotes their values, which may name a person.

A block of code goes in; while it runs nothing that pydicom or a decoder would say reaches a log or a terminal.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings and pydicom's log for a while; also usable as a decorator. What is critical is still logged."""
    logger = logging.getLogger("pydicom")
    before = logger.level
    logger.setLevel(logging.CRITICAL)  # not `.level = …`: a logger remembers what it said yes to
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
