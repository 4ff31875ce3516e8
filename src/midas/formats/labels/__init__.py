"""Labels that already exist, in the tools' own formats, as plain regions of named pictures.

In come COCO, VIA and QuPath GeoJSON documents and NIfTI masks; out come regions in pixels of the picture they belong to,
or a volume of whole numbers with its place in space. What a label means, and whether it may be used, is not decided.
"""

from midas.formats.labels.documents import LabelledImage, Region, Shape, read
from midas.formats.labels.volumes import LabelVolume, read_volume

__all__ = ["LabelVolume", "LabelledImage", "Region", "Shape", "read", "read_volume"]
