"""`python -m midas.testing.hospital FOLDER --dataset oral-cancer`: write the sample hospital's export and say what it holds.

In come an empty folder, the name of a dataset and a seed; out come the export and a table of what must become of it.
The truth goes to a file of its own where `--truth` asks for it, never into the export.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from midas.cli.show import fail, out, table
from midas.kernel import BadInput, MidasError
from midas.testing.hospital import DEPARTMENTS, Truth, build

SEED = 20261122
EPILOG = """examples:
  python -m midas.testing.hospital export --dataset oral-cancer
  python -m midas.testing.hospital export --dataset meningioma --seed 7 --truth truth.json"""


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m midas.testing.hospital",
        description="Write a synthetic hospital's export: real images out of open packages, synthetic persons, and "
        "everything that must not pass.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="where to write it: a new or an empty folder")
    parser.add_argument(
        "--dataset", required=True, choices=list(DEPARTMENTS), help="the department to export"
    )
    parser.add_argument(
        "--seed", type=int, default=SEED, help="same seed, same export (default: %(default)s)"
    )
    parser.add_argument(
        "--truth", type=Path, help="also write what must become of each thing, as JSON, outside FOLDER"
    )
    return parser.parse_args(words)


def tell(truth: Truth) -> None:
    """Print how much was written and what must become of it."""
    files = sum(path.is_file() for path in Path(truth.folder).rglob("*"))
    persons = {one.person for one in truth.expected if one.person}
    tally = truth.tally()
    table(f"{truth.spoke} · {truth.dataset} · {truth.folder}", ("what", "how many"), [
        ("files", files),
        ("persons", len(persons)),
        ("planted identifiers", len(truth.planted)),
        ("items: files, members of archives, rows of tables", tally["in"]),
        ("  must be sent, once each image was looked at", tally["sent"]),
        ("  must be held", tally["held"]),
        ("  must be refused", tally["refused"]),
        ("persons of whom something must be sent", truth.subjects),
    ])  # fmt: skip
    table("Stand-ins", ("real image", "from", "stands in for"), truth.stand_ins)
    out.print("No real person is in it.", highlight=False)


def main(words: Sequence[str] | None = None) -> int:
    """Write the export and print the tables; return the exit code, 2 for a folder that holds something."""
    asked = arguments(words)
    try:
        folder = asked.folder.resolve()
        if asked.truth and asked.truth.resolve().is_relative_to(folder):
            raise BadInput(
                "The truth may not lie in the export.", advice="Give --truth a place outside the folder."
            )
        truth = build(asked.folder, seed=asked.seed, dataset=asked.dataset)
        if asked.truth:
            truth.write(asked.truth)
    except MidasError as error:
        return fail(error)
    tell(truth)
    return 0


if __name__ == "__main__":
    sys.exit(main())
