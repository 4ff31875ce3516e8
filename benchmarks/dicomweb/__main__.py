"""DICOMweb of the hub and of Orthanc, in turns on this machine, with the same 11,000 instances.

    python -m benchmarks.dicomweb [--folder DIR] [--only sqlite,postgres] [--no-million] [--times 0.5] [--keep]

The table gives the median and the 95th percentile of each question in milliseconds and how many times faster than
Orthanc the hub answers, on each database and, as a hub of its own, with a million further series in the catalogue.
`--keep` leaves the hubs running and prints their DICOMweb roots and tokens. Where Orthanc or PostgreSQL is not
installed, its columns are left out.
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
from benchmarks.dicomweb.servers import PLUGIN, Root, fill, has_postgres, hub, orthanc, postgres

Results = dict[str, dict[str, Timed]]
ORTHANC, MORE = "Orthanc", ", 1 M series"


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
    parser.add_argument("--keep", action="store_true", help="leave the hubs running at the end")
    asked = parser.parse_args()
    with ExitStack() as ends:
        folder = asked.folder or Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="midas-bench-")))
        compare(folder.absolute(), asked)


def compare(folder: Path, asked: argparse.Namespace) -> None:
    images = make(folder / "images")
    with ExitStack() as ends:
        servers: dict[str, Root] = {}
        if PLUGIN.exists() and shutil.which("Orthanc"):
            servers[ORTHANC] = ends.enter_context(orthanc(folder / "orthanc", images))
        for name in asked.only.split(","):
            if name == "postgres" and not has_postgres():
                continue
            for million in (False,) if asked.no_million else (False, True):
                title = name + (MORE if million else "")
                servers[title] = _hub(ends, folder / f"hub-{title.replace(MORE, '-million')}", name, million)
        results = measure(servers, times=asked.times)
        speeds = rates({name: root for name, root in servers.items() if not name.endswith(MORE)})
        show(results, speeds)
        told = {
            name: {question: vars(one) for question, one in found.items()} for name, found in results.items()
        }
        (folder / "results.json").write_text(json.dumps({"questions": told, "rates": speeds}, indent=1))
        if asked.keep:
            _keep({name: root for name, root in servers.items() if name != ORTHANC})


def _hub(ends: ExitStack, home: Path, database: str, million: bool) -> Root:
    url = ends.enter_context(postgres()) if database == "postgres" else ""
    shutil.rmtree(home, ignore_errors=True)
    token = fill(home, home.parent / "images", url)
    if million:
        fill(home, home.parent / "images", url, million=True)
    return ends.enter_context(hub(home, url, token))


def _keep(hubs: dict[str, Root]) -> None:
    for name, root in hubs.items():
        print(f"\nHub on {name}\nDICOMweb root  {root.url}\nToken          {root.token}")
    print("\nCtrl-C stops them.", flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print()


def show(results: Results, speeds: dict[str, dict[str, float]]) -> None:
    """Print a line for each question: median / 95th percentile of each server.

    In brackets: how many times faster than Orthanc, and with a million further series also the change of the median.
    """
    names = list(results)
    wide = 32
    print(f"{'milliseconds, p50 / p95':28}" + "".join(f"{name:>{wide}}" for name in names))
    for question in results[names[0]]:
        cells = (_cell(results, name, question) for name in names)
        print(f"{question:28}" + "".join(f"{cell:>{wide}}" for cell in cells))
    before = speeds.get(ORTHANC, {})
    for what in next(iter(speeds.values()), {}):
        cells = (_rate(speeds.get(name, {}).get(what), before.get(what), name) for name in names)
        print(f"{what:28}" + "".join(f"{cell:>{wide}}" for cell in cells))


def _cell(results: Results, name: str, question: str) -> str:
    one, said = results[name][question], []
    if ORTHANC in results and name != ORTHANC:
        said.append(f"{results[ORTHANC][question].p50_ms / one.p50_ms:,.1f}×")
    if name.endswith(MORE):
        said.append(f"{one.p50_ms / results[name.removesuffix(MORE)][question].p50_ms - 1:+.0%}")
    return f"{one.p50_ms:,.1f} / {one.p95_ms:,.1f}" + (f" ({', '.join(said)})" if said else "")


def _rate(one: float | None, before: float | None, name: str) -> str:
    if one is None:
        return ""
    return f"{one:,.0f}" + (f" ({one / before:.1f}×)" if before and name != ORTHANC else "")


if __name__ == "__main__":
    main()
