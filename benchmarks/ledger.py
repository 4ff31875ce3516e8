"""`python benchmarks/ledger.py [--rows 50000]`: what the ledger costs, on a hub of its own in a temporary folder.

Prints one JSON line: microseconds to enter a row and to be told that a view is noted already, rows a second that the
sealer links and that verification works out again, by the clock and by this process's share of the processor (on a busy
machine the clock tells little). `DATABASE_URL` chooses PostgreSQL instead of SQLite.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any


def seconds(do: Callable[[], Any]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def measure(rows: int) -> dict[str, float]:
    """Measure all four on an empty ledger that grows to `rows`."""
    from django.db import connection, transaction

    from midas.kernel import SystemClock
    from midas.ledger import Deed, enter, seal, verify, viewed
    from midas.ledger.reading import Wanted, page
    from midas.people import add_account
    from midas.web.bootstrap import signer

    clock, key = SystemClock(), signer()
    asha = add_account(name="asha", password="a long river of words")

    def one(number: int) -> None:
        enter(
            Deed.GRANT,
            by=asha,
            clock=clock,
            dataset="oral-cancer",
            version="1.0.0",
            target=str(number),
            why="because",
        )

    def deed(number: int) -> None:
        with transaction.atomic():
            one(number)

    with transaction.atomic():  # what a row adds to the transaction of its deed
        in_deed = [seconds(partial(one, number)) for number in range(rows)]
    alone = [seconds(partial(deed, number)) for number in range(300)]
    study = "2.25.123456789"
    first = seconds(lambda: viewed(by=asha, dataset="d", version="1.0.0", target=study, clock=clock))
    many = 20_000

    def again() -> None:
        for _ in range(many):
            viewed(by=asha, dataset="d", version="1.0.0", target=study, clock=clock)

    remembered = seconds(again)
    used = time.process_time()
    sealing = seconds(lambda: seal(signer=key, clock=clock))
    used, used_before = time.process_time(), used
    sealing_cpu = used - used_before
    verifying = seconds(lambda: verify(trusted=key.public_hex, clock=clock))
    verifying_cpu = time.process_time() - used
    newest = seconds(lambda: page(Wanted()))
    last = page(Wanted(), size=rows - 100).older
    oldest = seconds(lambda: page(Wanted(), before=last))
    return {
        "database": connection.vendor, "rows": rows,
        "enter_us": round(median(in_deed) * 1e6, 1), "enter_and_commit_us": round(median(alone) * 1e6, 1),
        "view_first_us": round(first * 1e6, 1), "view_remembered_us": round(remembered / many * 1e6, 2),
        "seal_rows_per_s": round((rows + 301) / sealing), "verify_rows_per_s": round((rows + 301) / verifying),
        "seal_rows_per_cpu_s": round((rows + 301) / sealing_cpu),
        "verify_rows_per_cpu_s": round((rows + 301) / verifying_cpu),
        "newest_page_ms": round(newest * 1e3, 1), "oldest_page_ms": round(oldest * 1e3, 1),
    }  # fmt: skip


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rows", type=int, default=50_000)
    asked = words.parse_args()
    from midas.web.bootstrap import initialise

    with tempfile.TemporaryDirectory() as folder:
        initialise(Path(folder) / "hub")
        print(json.dumps(measure(asked.rows)))


if __name__ == "__main__":
    main()
