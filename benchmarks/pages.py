"""`python benchmarks/pages.py`: what the pages that are looked at often cost the server on a filled hub, and for whom.

Persons, hospitals and pictures are the synthetic ones of the tests' gallery. Each page is asked without a server in
between: its time is the hub's own. What it should cost: less than 200 ms, and 300 kB with nothing cached.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TIMES = 15


def row(client: Any, page: str) -> str:
    """Ask a page often, once not counted; return its median time and processor time in ms, size in kB and status."""
    took, used = [], []
    answer = client.get(page)
    for _ in range(TIMES):
        start, before = time.perf_counter(), time.process_time()
        answer = client.get(page)
        used.append(1e3 * (time.process_time() - before))
        took.append(1e3 * (time.perf_counter() - start))
    wall, cpu = statistics.median(took), statistics.median(used)
    return f"{wall:6.0f} ms p50, {cpu:4.0f} ms of CPU, {len(answer.content) / 1000:5.0f} kB  {answer.status_code}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=148)
    subjects = parser.parse_args().subjects
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "gallery")]
    from midas.web import bootstrap

    with tempfile.TemporaryDirectory() as folder:
        bootstrap.initialise(Path(folder) / "hub")
        from django.test import Client
        from django.test.utils import setup_test_environment
        from fill_grade import graded
        from fill_hub import fill
        from often import OFTEN

        setup_test_environment()
        graded(fill(bootstrap.store(), subjects=subjects), bootstrap.store())
        for who, pages in OFTEN.items():
            client = Client()
            if who:
                client.login(username=who, password="look-and-see-1")
            for page in pages:
                print(f"{row(client, page)} {who or 'nobody':15} {page}", flush=True)


if __name__ == "__main__":
    main()
