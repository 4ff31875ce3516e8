"""The nouns of defacing: a verdict on a series, and the mask that cuts what shows a face.

All are frozen and small enough to be sent between processes. A mask is a grid of yes and no in patient coordinates
(PS3.3 C.7.6.2.1.1), so that one mask cuts slices, contours and segmentations of the same frame of reference alike.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from midas.kernel import BadInput, Finding, whole_file

OPTION = "clean-recognizable-visual-features"
"""The option of PS3.15 E.3.2 under which faces are cut; without it nothing here is asked."""

KEEPABLE = frozenset({"teeth", "jaw", "orbit", "lesion"})
"""What a protocol may ask to keep (`Profile.face_keep`). It stays recognisable: a residual risk is recorded."""

Array = np.ndarray[Any, Any]
MAGIC = b"MIDASFACE1\n"


@dataclass(frozen=True)
class FaceVerdict:
    """What becomes of one series.

    `none-needed`: nothing in it can be rendered to a face; `mask`: `FaceMask` was written and every file of the same
    frame of reference is cut by it; `person`: a face may be there and could not be cut with certainty. `reason` is a
    stable word, `evidence` a sentence without an identified value. `overlap` (Dice) is None where nothing was
    registered. `frame` is the Frame of Reference UID: identified, it stays in the hospital.
    """

    state: Literal["none-needed", "mask", "person"]
    reason: str
    evidence: str = ""
    overlap: float | None = None
    seconds: float = 0.0
    frame: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class FaceMask:
    """Voxels to be cut. `grid[z, y, x]` is true where a voxel goes; x, y, z run along the patient's axes (LPS, mm).

    Outside the grid nothing is cut. What goes becomes air, but where `plate` is true it becomes `tissue`: a smooth wall
    before what is left, so that a rendering shows no cavities that look like a face. Both values stand in the series' own
    units (HU for CT).
    """

    grid: Array
    origin: tuple[float, float, float]
    spacing: float
    air: float
    frame: str = ""
    tissue: float = 0.0
    plate: Array | None = None

    def save(self, path: Path) -> None:
        """Write the mask to `path`, whole or not at all."""
        about = {
            "shape": self.grid.shape, "origin": self.origin, "spacing": self.spacing, "air": self.air,
            "frame": self.frame, "tissue": self.tissue,
        }  # fmt: skip
        head = json.dumps(about).encode()
        plate = np.zeros_like(self.grid) if self.plate is None else self.plate
        body = zlib.compress(np.packbits(np.stack([self.grid, plate])).tobytes(), 6)
        with whole_file(path) as out:
            out.write(MAGIC + len(head).to_bytes(4, "big") + head + body)

    @classmethod
    def load(cls, path: Path) -> FaceMask:
        """Read a mask; BadInput where the file is none."""
        data = path.read_bytes()
        if not data.startswith(MAGIC):
            raise BadInput("This is no face mask.", advice="Make the mask of the series anew.")
        start = len(MAGIC) + 4
        size = int.from_bytes(data[len(MAGIC) : start], "big")
        about = json.loads(data[start : start + size])
        shape = tuple(about["shape"])
        bits = np.frombuffer(zlib.decompress(data[start + size :]), np.uint8)
        both = np.unpackbits(bits, count=2 * int(np.prod(shape))).reshape(2, *shape).astype(bool)
        x, y, z = about["origin"]
        return cls(
            both[0], (x, y, z), about["spacing"], about["air"], about["frame"], about["tissue"], both[1]
        )

    def inside(self, points: Array) -> Array:
        """Return for each LPS point (…, 3) in mm whether it is to be cut."""
        index = np.rint((points - np.asarray(self.origin)) / self.spacing).astype(np.int64)
        z, y, x = self.grid.shape
        within = np.all((index >= 0) & (index < (x, y, z)), axis=-1)
        found = np.zeros(points.shape[:-1], bool)
        at = index[within]
        found[within] = self.grid[at[:, 2], at[:, 1], at[:, 0]]
        return found
