"""How many files a second `clean` does in one process, beside copying and hashing the same files.

    python benchmarks/deid.py [FILES]

Each file is a generated CT of 512 x 512 x 16 bits (0.5 MB). The floor is a copy with fsync and SHA-256.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.deid_bench import Bench, ct

from midas.deid import clean
from midas.kernel import sha256_file


def _copied(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    with target.open("rb") as stream:
        os.fsync(stream.fileno())
    sha256_file(target)


def main(number: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        sources = [
            bench.save(ct(size=512, SOPInstanceUID=f"1.2.826.0.1.99.2.{n}"), f"{n}.dcm")
            for n in range(number)
        ]
        target = bench.folder / "out"
        target.mkdir()
        clean(bench.job(sources[0]))
        start, busy = time.perf_counter(), time.process_time()
        states = [clean(bench.job(path, target=target / path.name)).state for path in sources]
        cleaned, busy = number / (time.perf_counter() - start), (time.process_time() - busy) / number
        start = time.perf_counter()
        for path in sources:
            _copied(path, target / f"copy-{path.name}")
        floor = number / (time.perf_counter() - start)
        done = states.count("cleaned")
        sys.stdout.write(
            f"clean {cleaned:.1f} files/s, {busy * 1000:.1f} ms of processor each ({done} of {number} cleaned)\n"
        )
        sys.stdout.write(f"copy + fsync + SHA-256 {floor:.1f} files/s\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
