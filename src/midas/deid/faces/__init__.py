"""Faces: which series show one, where it is, and how it is cut from voxels, contours and photographs.

In come the files of one series and a profile; out come a `FaceVerdict` and, where a face was found and checked, a mask
in patient coordinates that `cut` applies to each file of the same frame of reference. A volume whose head cannot be
matched with the packaged template is never passed: a person decides. No clock, network or database is used.

`of_series` looks once per series, before its files are cleaned; `cut` belongs after the plan was applied and before the
file is written; `in_photo` looks at one RGB picture.
"""

from midas.deid.faces.cutting import cut
from midas.deid.faces.model import KEEPABLE, OPTION, FaceMask, FaceVerdict
from midas.deid.faces.photo import in_photo
from midas.deid.faces.series import frame_of, of_series

__all__ = ["KEEPABLE", "OPTION", "FaceMask", "FaceVerdict", "cut", "frame_of", "in_photo", "of_series"]
