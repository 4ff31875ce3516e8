"""Bytes to plain values and back, for every kind of file; no policy.

In come files and archives of any name; out come their kind (judged by content alone), safe walks through trees and
archives, datasets, tables, pictures and shapes. Nothing here knows a person, a protocol or a network; nothing is
written outside the scratch folder given, no link is followed, and nothing that was seen is passed over in silence.

`dicom`, `tables`, `photos`, `slides` and `labels` are imported by name, so that looking at names stays cheap.
"""

from midas.formats.sniff import MIRAX_INDEX, Kind, sniff
from midas.formats.walk import Found, Limits, Trouble, slide_folder, walk

__all__ = ["MIRAX_INDEX", "Found", "Kind", "Limits", "Trouble", "slide_folder", "sniff", "walk"]
