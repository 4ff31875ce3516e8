"""DICOMweb of the hub and of Orthanc, one after the other on this machine, with the same 11,000 instances.

    python -m benchmarks.dicomweb [--folder DIR] [--only sqlite,postgres] [--no-million] [--times 0.5] [--keep]

The table gives the median and the 95th percentile of each question in milliseconds and how many times faster than
Orthanc the hub answers; then the same with a million further series in the catalogue. `--keep` leaves the hub on SQLite
running and prints its DICOMweb root and a token. Where Orthanc or PostgreSQL is not installed, its columns are left out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.dicomweb.images import make
from benchmarks.dicomweb.measure import Timed, measure
from benchmarks.dicomweb.rates import rates
from benchmarks.dicomweb.servers import PLUGIN, fill, hub, orthanc, postgres

Results = dict[str, dict[str, Timed]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="where images and servers stand; kept, to be used again")
    parser.add_argument("--only", default="sqlite,postgres", help="databases of the hub, with commas")
    parser.add_argument("--no-million", action="store_true", help="leave out the million further series")
    parser.add_argument(
        "--times", type=float, default=1.0, help="how often each question is asked, as a factor"
    )
    parser.add_argument("--keep", action="store_true", help="leave the hub running at the end")
    asked = parser.parse_args()
    with ExitStack() as ends:
        folder = asked.folder or Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="midas-bench-")))
        compare(folder.absolute(), asked)


def compare(folder: Path, asked: argparse.Namespace) -> None:
    images = make(folder / "images")
    results: Results = {}
    speeds: dict[str, dict[str, float]] = {}
    if PLUGIN.exists() and shutil.which("Orthanc"):
        with orthanc(folder / "orthanc", images) as root:
            results["Orthanc"] = measure(root.url, times=asked.times)
            speeds["Orthanc"] = rates(root.url)
    for name in asked.only.split(","):
        if name == "postgres" and not (
            shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin"))
        ):
            continue
        with ExitStack() as ends:
            url = ends.enter_context(postgres()) if name == "postgres" else ""
            _hub(folder, name, url, asked, results, speeds)
    show(results, speeds)
    told = {name: {question: vars(one) for question, one in found.items()} for name, found in results.items()}
    (folder / "results.json").write_text(json.dumps({"questions": told, "rates": speeds}, indent=1))


def _hub(
    folder: Path,
    name: str,
    url: str,
    asked: argparse.Namespace,
    results: Results,
    speeds: dict[str, dict[str, float]],
) -> None:
    home = folder / f"hub-{name}"
    shutil.rmtree(home, ignore_errors=True)
    token = fill(home, folder / "images", url)
    with hub(home, url, token) as root:
        results[name] = measure(root.url, token=root.token, times=asked.times)
        speeds[name] = rates(root.url, token=root.token)
    if not asked.no_million:
        fill(home, folder / "images", url, million=True)
        with hub(home, url, token) as root:
            results[f"{name}, 1 M series"] = measure(root.url, token=root.token, times=asked.times)
    if asked.keep and name == "sqlite":
        with hub(home, url, token) as root:
            show(results, speeds)
            print(f"\nDICOMweb root  {root.url}\nToken          {root.token}\nCtrl-C stops it.", flush=True)
            try:
                while True:
                    time.sleep(3600)
            except KeyboardInterrupt:
                print()


def show(results: Results, speeds: dict[str, dict[str, float]]) -> None:
    """Print one line for each question: median / 95th percentile of each server, and the ratio of medians."""
    names = list(results)
    first = results[names[0]]
    print(f"{'milliseconds, p50 / p95':28}" + "".join(f"{name:>26}" for name in names))
    for question, before in first.items():
        cells = []
        for name in names:
            one = results[name][question]
            ratio = (
                f" ({before.p50_ms / one.p50_ms:,.1f}×)"
                if names[0] == "Orthanc" and name != "Orthanc"
                else ""
            )
            cells.append(f"{one.p50_ms:,.1f} / {one.p95_ms:,.1f}{ratio}")
        print(f"{question:28}" + "".join(f"{cell:>26}" for cell in cells))
    for what in next(iter(speeds.values()), {}):
        told = (speeds.get(name, {}).get(what) for name in names)
        print(f"{what:28}" + "".join(f"{'' if one is None else f'{one:,.0f}':>26}" for one in told))


if __name__ == "__main__":
    main()
