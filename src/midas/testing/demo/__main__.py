"""`python -m midas.testing.demo`: build the demo where its code or its folder changed, check it, show it, serve it."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

from rich.markup import escape

from midas.kernel import MidasError
from midas.testing.demo import checks, closing, story
from midas.testing.demo.checks import Check
from midas.testing.demo.commands import console
from midas.testing.demo.place import Place, code_print
from midas.testing.demo.story import DATASETS, Addresses
from midas.testing.hospital import Truth


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m midas.testing.demo",
        description="From a hospital's export to a released dataset that loads, then the sites to look at.",
    )
    parser.add_argument(
        "--once", action="store_true", help="stop after the closing tables; exit 0 if all held"
    )
    parser.add_argument("--fresh", action="store_true", help="build again even if nothing changed")
    parser.add_argument("--home", type=Path, default=Path(".demo"), help="the demo's folder (default: .demo)")
    parser.add_argument(
        "--port", type=int, default=8030, help="the hub's port; the spokes take the next free ones"
    )
    return parser.parse_args()


def expectations(place: Place, truths: list[Truth]) -> list[tuple[str, Check]]:
    """Look at everything that must hold, in the order in which it is shown."""
    looked: list[tuple[str, Check]] = []
    for truth in truths:
        looked += [(truth.spoke, check) for check in checks.of_spoke(place, truth)]
    planted = tuple({value for truth in truths for value in truth.planted})
    looked.append(("hub", checks.of_hub(place, planted)))
    for truth in truths:
        name = f"{truth.dataset}@{story.VERSION}"
        looked += [(name, check) for check in checks.of_release(place, truth)]
    looked += [(story.RISES, check) for check in checks.of_rise(place)]
    return looked


def looked_at(place: Place, truths: list[Truth], *, built_now: bool) -> list[tuple[str, Check]]:
    """Return the expectations: those kept with an unchanged demo where all held, else looked at afresh."""
    kept = None if built_now else place.kept("checks.json")
    if kept is not None:
        return [(about, Check(**check)) for about, check in kept]
    looked = expectations(place, truths)
    if all(check.ok for _, check in looked):
        place.keep("checks.json", [(about, asdict(check)) for about, check in looked])
    return looked


def show(place: Place, *, built_now: bool) -> bool:
    """Print the closing tables; return whether every expectation held."""
    done = place.kept("done.json")
    truths = [Truth.read(place.truth(dataset)) for dataset in DATASETS]
    spokes = [(truth, checks.states(place.spoke(truth.spoke))) for truth in truths]
    console.print()
    closing.stand_ins(console, truths[0])
    closing.tallies(console, spokes)
    closing.reasons(console, spokes)
    closing.findings(console, spokes)
    closing.releases(console, done["releases"])
    closing.rise(console, place.kept("rise.json"))
    return closing.expectations(console, looked_at(place, truths, built_now=built_now))


def serve(place: Place) -> None:
    """Serve the hub and the spokes' sites until Ctrl-C."""
    done = place.kept("done.json")
    addresses = Addresses(done["hub"], done["spokes"])
    with story.served(place, addresses):
        closing.doors(console, place.kept("accounts.json"))
        console.print("[dim]Ctrl-C stops the servers; the next `make demo` starts in seconds.[/]")
        try:
            signal.pause()
        except KeyboardInterrupt:
            console.print("\nStopped.")


def main() -> int:
    asked = arguments()
    place = Place(asked.home.resolve())
    began = time.monotonic()
    try:
        done = place.kept("done.json")
        built_now = asked.fresh or done is None or done["code"] != code_print()
        if built_now:
            story.tell(place, port=asked.port)
        else:
            console.print(
                f"[dim]Built before by this code in {done['built_in_s']} s and looked at then; --fresh builds it again.[/]"
            )
        held = show(place, built_now=built_now)
        console.print(
            f"\n[bold {'green' if held else 'red'}]{'Every expectation held' if held else 'Not every expectation held'}[/]"
            f" [dim]({time.monotonic() - began:.0f} s)[/]"
        )
        if not asked.once:
            serve(place)
    except MidasError as error:
        console.print(f"[bold red]{type(error).__name__}[/] {escape(error.message)}", soft_wrap=True)
        console.print(f"[dim]{escape(error.advice)}[/]")
        return 2
    return 0 if held else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
