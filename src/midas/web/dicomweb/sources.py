"""One object of a scope as it lies in the store: its header, its frames, and the same in another transfer syntax.

A frame is one ranged read by the table that intake made. Only a deflated object, whose frames cannot be told apart before
it is inflated, is taken into memory whole.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import cached_property

import pydicom
from pydicom.dataset import Dataset

from midas.catalogue.lens import Found
from midas.formats.dicom import FrameTable, frame_table, quiet, transcode
from midas.formats.dicom.syntaxes import BIG_ENDIAN, DEFLATED, EXPLICIT, syntax
from midas.kernel import BadInput, NotFound
from midas.store import Blobs
from midas.web.dicomweb.bodies import Cut, Piece, whole
from midas.web.dicomweb.messages import NotAcceptable


class Source:
    """An object that was found, with what is read of it at most once."""

    def __init__(self, found: Found, store: Blobs) -> None:
        self.found = found
        self.store = store
        self.stored = EXPLICIT if self._deflated else found.transfer_syntax_uid

    @property
    def _deflated(self) -> bool:
        return self.found.transfer_syntax_uid == DEFLATED

    @cached_property
    def _inflated(self) -> bytes:
        """The object as Explicit VR Little Endian (PS3.5 A.5)."""
        return transcode.inflated(whole(self.store, self.found.sha256, 0, self.found.size))

    @cached_property
    def table(self) -> FrameTable:
        if not self._deflated:
            return self.found.frame_table
        stream = io.BytesIO(self._inflated)
        with quiet():
            return frame_table(pydicom.dcmread(stream, stop_before_pixels=True), stream)

    def _read(self, start: int, end: int) -> bytes:
        if self._deflated:
            return self._inflated[start:end]
        return whole(self.store, self.found.sha256, start, end)

    @cached_property
    def header(self) -> Dataset:
        """The dataset before the pixel data; all of it where there are no frames."""
        size = len(self._inflated) if self._deflated else self.found.size
        end = self.table.pieces(1)[0][0] if self.table.ranged else size
        return transcode.header(self._read(0, end))

    @property
    def can_be_remade(self) -> bool:
        """May the frames be made in another syntax? What only a look at them shows is said later."""
        return syntax(self.stored).decoded and (self.found.frames == 0 or self.table.ranged)

    @property
    def swapped(self) -> bool:
        """Are the pixels stored with the high byte first, which is never sent?"""
        return self.stored == BIG_ENDIAN

    def check(self, numbers: Iterable[int]) -> None:
        """Raise `NotFound` where a frame is not there, `NotAcceptable` where frames cannot be told apart."""
        if self.found.frames == 0:
            raise NotFound("The object has no frames.", advice="Fetch the instance.")
        if not self.table.ranged:
            raise NotAcceptable(
                "The frames of this object cannot be told apart.", advice="Fetch the instance."
            )
        for number in numbers:
            if not 1 <= number <= self.table.frames:
                raise NotFound(f"There is no frame {number}.", advice=f"Frames are 1 to {self.table.frames}.")

    def frame(self, number: int) -> bytes:
        """Return the stored bytes of a frame, counted from 1."""
        return self.table.read(number, self._read)

    def all_native(self) -> list[Piece]:
        """Return the uncompressed pixels of all frames as they lie in the file."""
        start = self.table.start
        size = (self.table.bits * self.table.frames + 7) // 8
        if self._deflated:
            return [self._read(start, start + size)]
        return [Cut(self.found.sha256, start, size)]

    def untouched(self, number: int) -> list[Piece]:
        """Return a frame as it is stored, by its ranges where it begins and ends at a byte."""
        if self._deflated or (not self.table.encapsulated and self.table.bits % 8):
            return [self.frame(number)]
        return [Cut(self.found.sha256, offset, length) for offset, length in self.table.pieces(number)]

    def picture(self, number: int) -> transcode.Picture:
        """Return a frame decoded."""
        return transcode.decoded(self.frame(number), self.header)

    def remade(self, number: int, to: str) -> bytes:
        """Return a frame in another transfer syntax; `NotAcceptable` where it cannot be made."""
        try:
            return transcode.encoded(self.picture(number), self.header, to)
        except BadInput as problem:
            raise NotAcceptable(problem.message, advice=problem.advice) from problem

    def recoded(self, to: str) -> transcode.Recoded:
        """Return the object in another transfer syntax; `NotAcceptable` where it cannot be made."""
        try:
            return transcode.recoded(self.header, self.frame, to)
        except BadInput as problem:
            raise NotAcceptable(problem.message, advice=problem.advice) from problem
