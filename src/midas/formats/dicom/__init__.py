"""DICOM files of any SOP class and transfer syntax: read whole, described in plain facts, shown as a picture.

In comes a path; out come a pydicom dataset, facts that name nobody, or a PNG. A file that cannot be read whole is a
`BadInput` with advice; nothing is repaired in silence: `look` says what had to be assumed.
"""

from midas.formats.dicom.facts import facts
from midas.formats.dicom.frames import FrameTable, frame_table
from midas.formats.dicom.inflating import measured
from midas.formats.dicom.json import to_json
from midas.formats.dicom.quiet import quiet
from midas.formats.dicom.read import Read, look, read
from midas.formats.dicom.view import frame, picture, png, preview

__all__ = [
    "FrameTable", "Read", "facts", "frame", "frame_table", "look", "measured", "picture", "png", "preview", "quiet", "read",
    "to_json",
]  # fmt: skip
