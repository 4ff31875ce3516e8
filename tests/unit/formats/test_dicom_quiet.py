"""While a file is read, pydicom says nothing: its words quote values."""

from __future__ import annotations

import logging
import warnings

import pytest

from midas.formats.dicom import quiet


@pytest.mark.parametrize("name", ["pydicom", "pydicom.pixels.decoders.base"])
def test_what_was_said_before_is_silent_within_and_said_again_after(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger(name)
    with caplog.at_level(logging.WARNING, logger="pydicom"):
        logger.warning("before")  # the logger now remembers that it may warn
        with quiet():
            logger.warning("Invalid value for VR PN: 'Kumari^Asha'")
        logger.warning("after")
    assert [one.message for one in caplog.records] == ["before", "after"]


def test_warnings_within_are_not_raised_nor_shown_and_come_back_after() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with quiet():
            warnings.warn("Kumari^Asha", stacklevel=1)
        with pytest.raises(UserWarning, match="after"):
            warnings.warn("after", stacklevel=1)


def test_a_failure_within_leaves_the_log_as_it_was() -> None:
    logger = logging.getLogger("pydicom")
    before = logger.level
    with pytest.raises(ValueError, match="broken"), quiet():
        raise ValueError("broken")
    assert logger.level == before
