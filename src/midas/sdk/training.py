"""A release as a PyTorch dataset: (image, label, subject), one person in one part only. PyTorch is an optional extra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from midas.kernel import BadInput
from midas.sdk.images import Image, find, read
from midas.sdk.volumes import Array

if TYPE_CHECKING:
    from midas.sdk.release import Release


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise BadInput("PyTorch is not installed.", advice="Install midas-platform[torch].") from None
    return torch


class Examples:
    """A map-style dataset. An example is (float32 image, channels first, scaled to 0–1 if 8-bit; label; subject).

    Labels of a category are positions in `classes`; numbers stay numbers. The order is that of subjects and UIDs, so it
    is the same everywhere.
    """

    def __init__(
        self,
        release: Release,
        *,
        target: str,
        part: str | None = None,
        item: str | None = None,
        size: int | tuple[int, ...] | None = None,
    ) -> None:
        self._torch = _torch()
        self._release, self._size = release, size
        self._sources = find(release, target=target, part=part, item=item)
        every = next((one for one in release.protocol.targets if one.id == target), None)
        self.classes: tuple[str, ...] = every.values if every is not None and every.type == "category" else ()

    def __len__(self) -> int:
        return len(self._sources)

    def __getitem__(self, index: int) -> tuple[Any, Any, str]:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        image = max(read(self._release, self._sources[index]), key=lambda one: one.array.size)
        return self._tensor(image), self._label(image), image.subject

    def _label(self, image: Image) -> int | float | str:
        if self.classes:
            return self.classes.index(str(image.label))
        return image.label if image.label is not None else image.segmentation or ""

    def _tensor(self, image: Image) -> Any:
        tensor = self._torch.from_numpy(channels_first(image.array))
        if self._size is None:
            return tensor
        axes = tensor.ndim - 1
        shape = (self._size,) * axes if isinstance(self._size, int) else tuple(self._size)
        mode = {2: "bilinear", 3: "trilinear"}[axes]
        return self._torch.nn.functional.interpolate(
            tensor[None], size=shape, mode=mode, align_corners=False
        )[0]


def channels_first(array: Array) -> Array:
    """Return float32 with the channel axis in front; 8-bit values become 0–1."""
    scale = 255.0 if array.dtype == np.uint8 else 1.0
    colour = array.ndim >= 3 and array.shape[-1] == 3 and array.dtype == np.uint8
    moved = np.moveaxis(array, -1, 0) if colour else array[None]
    return np.ascontiguousarray(moved, dtype=np.float32) / np.float32(scale)
