"""The OCR models that the rapidocr wheel carries, run here on one thread: where text stands, and what it says.

In come eight-bit pictures, out come a map of text probability or strings with their confidence. The models are loaded
once per process, at first use, from files of the installed package; nothing is downloaded and nothing is logged.
"""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from midas.deid.pictures.frames import Array
from midas.kernel import BadInput

DETECTOR, RECOGNISER = "PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"
STRIDE = 32
"""The detector's picture is a multiple of this, in pixels a side."""
LINE, SQUEEZE = 48, 0.75
"""Height in pixels of a line as the recogniser reads it, and by how much it is made narrower: time goes with its length."""
WIDEST = 1280
NARROWEST = 48
GRAPH, INITIALIZER, DATA_TYPE, RAW_DATA, FLOAT = 7, 5, 2, 9, 1
"""Fields of ModelProto, GraphProto and TensorProto, and the data type of 32-bit floats (onnx.proto, ONNX 1.x)."""
DELIMITED, FIXED = 2, {1: 8, 5: 4}
"""Wire types of fields that tell their length, and of those of so many bytes (protocol buffers, encoding)."""
EXPONENT = 0x7F800000
"""The bits of a float that are zero where it is denormal."""
_LOADING = threading.Lock()
T = TypeVar("T")


@cache
def _folder() -> Path:
    found = importlib.util.find_spec("rapidocr")
    places = list(found.submodule_search_locations or ()) if found else []
    if not places or not (Path(places[0]) / "models" / DETECTOR).is_file():
        raise BadInput(
            "The models that read text in pictures are not installed.",
            advice="Install rapidocr 3.10 from its wheel.",
        )
    return Path(places[0]) / "models"


@cache
def _session(name: str) -> Any:
    with _LOADING:
        import onnxruntime

        how = onnxruntime.SessionOptions()
        how.intra_op_num_threads = how.inter_op_num_threads = 1
        how.log_severity_level = 4
        how.enable_cpu_mem_arena = False
        model = without_denormals((_folder() / name).read_bytes())
        return onnxruntime.InferenceSession(model, how, providers=["CPUExecutionProvider"])


def without_denormals(model: bytes) -> bytes:
    """Return an ONNX model whose weights below 1.2e-38 are zero: processors take a hundred times as long for these.

    Two layers of the detector hold 255,000 of them, and took two thirds of its time. No output changes.
    """
    data = bytearray(model)
    for _, start, end in _fields(data, 0, len(data), GRAPH):
        for _, first, last in _fields(data, start, end, INITIALIZER):
            if any(kind == FLOAT for kind, *_ in _fields(data, first, last, DATA_TYPE)):
                for size, at, _ in _fields(data, first, last, RAW_DATA):
                    bits = np.frombuffer(data, "<u4", size // 4, at)
                    bits[bits & EXPONENT == 0] = 0
    return bytes(data)


def _fields(data: bytearray, at: int, end: int, wanted: int) -> Iterator[tuple[int, int, int]]:
    """Yield every field of this number in a protocol buffer message: its value or size, and where its content stands."""
    while at < end:
        key, at = _varint(data, at)
        if key & 7 in FIXED:
            value, last = 0, at + FIXED[key & 7]
        else:
            value, at = _varint(data, at)
            last = at + value if key & 7 == DELIMITED else at
        if key >> 3 == wanted:
            yield value, at, last
        at = last


def _varint(data: bytearray, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


@cache
def _letters() -> tuple[str, ...]:
    listed = _session(RECOGNISER).get_modelmeta().custom_metadata_map["character"].splitlines()
    return ("", *listed, " ")


class Remembered(Generic[T]):
    """Answers by the exact bytes of the picture they were found in, bounded; the oldest are forgotten first."""

    def __init__(self, most: int) -> None:
        self._answers: OrderedDict[bytes, T] = OrderedDict()
        self._most = most

    @staticmethod
    def key(picture: Array) -> bytes:
        """Return a digest of the shape and every sample of a picture."""
        digest = hashlib.blake2b(repr((picture.shape, picture.dtype.str)).encode(), digest_size=20)
        digest.update(np.ascontiguousarray(picture).data)
        return digest.digest()

    def get(self, key: bytes) -> T | None:
        found = self._answers.get(key)
        if found is not None:
            self._answers.move_to_end(key)
        return found

    def put(self, key: bytes, answer: T) -> None:
        self._answers[key] = answer
        if len(self._answers) > self._most:
            self._answers.popitem(last=False)


_LINES_READ: Remembered[tuple[str, float]] = Remembered(4096)


def probability(picture: Array) -> Array:
    """Return for each pixel of an RGB picture how probably it belongs to a line of text (0 to 1)."""
    height, width = picture.shape[:2]
    tall, wide = -(-height // STRIDE) * STRIDE, -(-width // STRIDE) * STRIDE
    whole = np.empty((tall, wide, 3), np.float32)
    whole[:height, :width] = picture
    whole[height:], whole[:, width:] = whole[height - 1 : height], whole[:, width - 1 : width]
    whole = (whole / 127.5 - 1).transpose(2, 0, 1)[None]
    made = _session(DETECTOR).run(None, {"x": np.ascontiguousarray(whole)})[0]
    return np.asarray(made[0, 0, :height, :width])


def read(lines: Sequence[Array]) -> list[tuple[str, float]]:
    """Return (text, confidence 0 to 1) for each picture of one line, RGB; the same picture is never read twice."""
    said = []
    for line in lines:
        key = Remembered.key(line)
        known = _LINES_READ.get(key)
        if known is None:
            known = _fresh(line)
            _LINES_READ.put(key, known)
        said.append(known)
    return said


def _fresh(line: Array) -> tuple[str, float]:
    import cv2

    width = int(np.clip(round(SQUEEZE * line.shape[1] * LINE / line.shape[0]), NARROWEST, WIDEST))
    return _read(cv2.resize(np.ascontiguousarray(line), (width, LINE), interpolation=cv2.INTER_LINEAR))


def _read(line: Array) -> tuple[str, float]:
    picture = np.ascontiguousarray((line.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None])
    made = _session(RECOGNISER).run(None, {"x": picture})[0][0]
    marks = made.argmax(axis=1)
    return _said(marks, made[np.arange(len(marks)), marks])


def _said(marks: Array, sure: Array) -> tuple[str, float]:
    """Collapse repeats and blanks of one line (CTC); the confidence is the mean over its letters."""
    first = np.ones(len(marks), bool)
    first[1:] = marks[1:] != marks[:-1]
    first &= marks != 0
    text = "".join(_letters()[mark] for mark in marks[first])
    return text, float(sure[first].mean()) if first.any() else 0.0
