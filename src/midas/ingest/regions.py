"""Regions of one picture, as a mask or as an SR TID 1500 report.

In come regions in pixels; out come boolean planes for areas, or a Comprehensive SR with one planar region per mark,
titled IMPORTED. On slides the coordinates are those of the total pixel matrix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as known

from midas.formats.labels import Region, Shape
from midas.ingest.door import MAKER, derived_uid
from midas.ingest.planes import filled
from midas.ingest.segmentation import MARK, concept, timeless
from midas.kernel import BadInput, sha256_file, whole_file
from midas.wire.v1 import Code

Group = hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations


def area_mask(regions: Sequence[Region], labels: Sequence[str], *, rows: int, columns: int) -> np.ndarray:
    """Return booleans (1, row, column, segment) of polygons and masks; BadInput where one reaches beyond the picture."""
    planes = np.zeros((1, rows, columns, len(labels)), bool)
    for region in regions:
        mask = region.mask if region.mask is not None else _polygon(region, rows, columns)
        if mask.shape != (rows, columns):
            raise BadInput(
                "The labels are of a picture of another size.", advice="Label the picture handed in."
            )
        planes[0, :, :, labels.index(region.label)] |= mask
    return planes


def _polygon(region: Region, rows: int, columns: int) -> np.ndarray:
    _inside(region, columns, rows)
    mask = np.zeros((rows, columns), bool)
    for ring in region.rings:
        mask ^= filled(ring, rows, columns)
    return mask


def _inside(region: Region, columns: int, rows: int) -> None:
    for ring in region.rings:
        for x, y in ring:
            if not (-1 <= x <= columns + 1 and -1 <= y <= rows + 1):
                raise BadInput(
                    "A label reaches beyond its picture.", advice="Check that the two belong together."
                )


def write_report(
    regions: Sequence[Region], image: Dataset, codes: Mapping[str, Code], size: tuple[int, int], *, target: str,
    origin: str, out: Path, source: Path,
) -> tuple[Path, str]:  # fmt: skip
    """Write the regions as one Comprehensive SR (TID 1500) about `image`; return file and UID."""
    digest = sha256_file(source)
    uid = derived_uid("report", str(image.SOPInstanceUID), target, digest)
    groups = []
    for at, region in enumerate(regions):
        _inside(region, *size)
        groups += _groups(region, image, codes[region.label], f"{uid}.{at}", at)
    report = hd.sr.MeasurementReport(
        observation_context=_observer(),
        procedure_reported=known.SCT.ImagingProcedure,
        imaging_measurements=groups,
    )
    document = hd.sr.ComprehensiveSR(
        evidence=[image], content=report, series_number=1001, instance_number=1, sop_instance_uid=uid,
        series_instance_uid=derived_uid("report-series", str(image.SeriesInstanceUID), target),
        manufacturer=MAKER.manufacturer, is_complete=True, is_final=False, is_verified=False,
        series_description=f"{MARK} {target} ({origin})"[:64],
    )  # fmt: skip
    timeless(document, image)
    for keyword in ("ObservationDateTime",):
        if keyword in document:
            delattr(document, keyword)
    path = out / f"{uid}.dcm"
    with whole_file(path) as stream:
        document.save_as(stream, enforce_file_format=True)
    return path, str(uid)


def _observer() -> hd.sr.ObservationContext:
    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=derived_uid("device", MAKER.model),
        name=MARK,
        manufacturer_name=MAKER.manufacturer,
        model_name=MAKER.model,
    )
    return hd.sr.ObservationContext(observer_device_context=hd.sr.ObserverContext(known.DCM.Device, device))


def _groups(region: Region, image: Dataset, code: Code, key: str, at: int) -> list[Group]:
    made: list[Group] = []
    for ring in _outlines(region):
        kind, points = ring
        place = hd.sr.ImageRegion(
            graphic_type=kind, graphic_data=np.asarray(points, float),
            source_image=hd.sr.SourceImageForRegion.from_source_image(image),
        )  # fmt: skip
        tracking = hd.sr.TrackingIdentifier(
            uid=derived_uid("mark", key, str(len(made))), identifier=f"{MARK} {at + 1}"
        )
        made.append(
            hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
                tracking_identifier=tracking, referenced_region=place, finding_type=concept(code)
            )
        )
    return made


def _outlines(region: Region) -> list[tuple[str, list[tuple[float, float]]]]:
    """SCOORD graphics (PS3.3 C.18.6.1.2): a closed polyline ends where it began."""
    if region.shape is Shape.POINT:
        return [("POINT", [region.rings[0][0]])]
    if region.shape is Shape.LINE:
        return [("POLYLINE", list(region.rings[0]))]
    if region.shape is Shape.POLYGON:
        if len(region.rings) > 1:
            raise BadInput(
                "An outline on a slide has a hole.", advice="Split it into outlines without holes."
            )
        return [("POLYLINE", [*region.rings[0], region.rings[0][0]])]
    (left, top), (right, bottom) = region.rings[0]
    if region.shape is Shape.BOX:
        return [("POLYLINE", [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)])]
    middle, centre = (left + right) / 2, (top + bottom) / 2
    ends = [(left, centre), (right, centre), (middle, top), (middle, bottom)]
    return [("ELLIPSE", ends if right - left >= bottom - top else [*ends[2:], *ends[:2]])]
