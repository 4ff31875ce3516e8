"""Measures of privacy: the same tables by pyCANON, and the cost of a large one.

    python -m benchmarks.quality.privacy [--rows 100000]

pyCANON (Sáinz-Pardo Díaz and López García 2022, Apache-2.0) pins an older numpy, so it runs in an environment of its
own, as the peers of de-identification do. Where it cannot be installed, the table says why.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from benchmarks.peers.stand import environment

from midas.quality.attacker import attack
from midas.quality.generalise import coarser, proposals
from midas.quality.ladders import ZONE_OF_STATE, bands, tree
from midas.quality.risk import risk

PYCANON = "pycanon==1.3.6"
QUASI = ["sex", "age", "state"]
SENSITIVE = ["diagnosis", "size"]

THEIRS = """
import json, sys, time
import pandas as pd
from pycanon import anonymity, metrics
data, quasi, sensitive = pd.read_csv(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
start = time.process_time()
found = {"k": anonymity.k_anonymity(data, quasi), "highest": metrics.max_rir(data, quasi)}
for name in sensitive:
    found[name] = [anonymity.l_diversity(data, quasi, [name]), anonymity.entropy_l_diversity(data, quasi, [name]),
                   anonymity.t_closeness(data, quasi, [name])]
found["seconds"] = time.process_time() - start
print(json.dumps(found, default=float))
"""


def inpatients() -> pl.DataFrame:
    """Return the twelve inpatients of Machanavajjhala et al. 2007, figure 2, with a size added."""
    return pl.DataFrame({
        "sex": ["*"] * 12,
        "age": ["<30"] * 4 + [">=40"] * 4 + ["3x"] * 4,
        "state": ["130xx"] * 4 + ["1485x"] * 4 + ["130xx"] * 4,
        "diagnosis": ["heart", "heart", "viral", "viral", "cancer", "heart", "viral", "viral"] + ["cancer"] * 4,
        "size": [3, 5, 8, 8, 13, 3, 1, 1, 20, 20, 21, 2],
    })  # fmt: skip


def drawn(rows: int, *, years: int, seed: int) -> pl.DataFrame:
    """Return persons of nobody: sex, age within so many years, state, a diagnosis and a size that go with age."""
    rng = np.random.default_rng(seed)
    age = 20 + rng.integers(0, years, rows)
    likely = 1 / (1 + np.exp(-(age - 20 - years / 2) / (years / 4)))
    return pl.DataFrame({
        "sex": rng.choice(["F", "M"], rows, p=[0.4, 0.6]),
        "age": age,
        "state": rng.choice(sorted(ZONE_OF_STATE), rows, p=_falling(len(ZONE_OF_STATE))),
        "diagnosis": np.where(rng.random(rows) < likely, "carcinoma", rng.choice(["normal", "dysplasia"], rows)),
        "size": rng.gamma(2, 8, rows).round(0),
    })  # fmt: skip


def _falling(number: int) -> np.ndarray:
    weights = 1 / np.arange(1, number + 1)
    return np.asarray(weights / weights.sum())


def ours(table: pl.DataFrame) -> dict[str, object]:
    start = time.process_time()
    found = risk(table, quasi=QUASI, sensitive=SENSITIVE)
    said: dict[str, object] = {"k": found.k, "highest": found.highest}
    for one in found.diversity:
        said[one.attribute] = [one.distinct, int(one.entropy + 1e-9), one.t]
    return said | {"seconds": time.process_time() - start}


def theirs(table: pl.DataFrame) -> dict[str, object] | str:
    python = environment("pycanon", [PYCANON])
    if isinstance(python, str):
        return python
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        table.write_csv(path)
        done = subprocess.run(
            [python, "-W", "ignore", "-c", THEIRS, path, json.dumps(QUASI), json.dumps(SENSITIVE)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no result"])[-1][:120]
    return dict(json.loads(done.stdout))


def same(mine: dict[str, object], other: dict[str, object]) -> bool:
    names = [name for name in mine if name != "seconds"]
    return all(np.allclose(mine[name], other[name], atol=1e-9) for name in names)  # type: ignore[arg-type]


def agreement() -> bool:
    """Print both numbers for each table; return whether they are the same."""
    tables = {
        "inpatients, 12": inpatients(),
        "drawn, 200": drawn(200, years=60, seed=1),
        "drawn, 2 000 of few ages": drawn(2000, years=3, seed=2),
        "drawn, 5 000": drawn(5000, years=10, seed=3),
    }
    agreed = True
    for name, table in tables.items():
        mine, other = ours(table), theirs(table)
        print(f"{name}\n  midas   {mine}\n  pycanon {other}")
        if isinstance(other, dict):
            agreed &= same(mine, other)
            print(f"  {'the same' if same(mine, other) else 'NOT THE SAME'}")
    return agreed


def cost(rows: int) -> None:
    """Print seconds of processor time and the most memory for each step over one large table."""
    table = drawn(rows, years=70, seed=4).with_columns(
        subject=pl.int_range(pl.len()).cast(pl.String), spoke=pl.Series(np.arange(rows) % 12).cast(pl.String)
    )
    quasi = [*QUASI, "spoke"]
    steps = (
        tree("sex", table["sex"], broader={}),
        bands("age", table["age"], widths=(5, 10, 20, 40), low=0, high=90, unit="years"),
        tree("state", table["state"], broader=ZONE_OF_STATE, leaves=sorted(ZONE_OF_STATE)),
        tree("spoke", table["spoke"], broader={}),
    )
    clock = time.process_time
    start = clock()
    found = risk(table, quasi=quasi, sensitive=SENSITIVE)
    print(
        f"risk       {clock() - start:6.2f} s  k {found.k}, alone {found.uniqueness:.2%}, average {found.average:.2%}"
    )
    start = clock()
    best = proposals(table, steps, k=10, left_out=0.01)
    print(f"proposals  {clock() - start:6.2f} s")
    for one in best:
        print(f"           k {one.k}, loss {one.loss:.3f}, left out {one.left_out}: {dict(one.words)}")
    for name, frame in (("as it is", table), ("coarser", coarser(table, steps, best[0].steps))):
        start = clock()
        seen = attack(frame, quasi=quasi, seed=7)
        print(
            f"attack     {clock() - start:6.2f} s  {name}: {seen.success:.2%} ({seen.low:.2%} to {seen.high:.2%})"
        )
    print(f"most memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB, {rows} rows")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    asked = parser.parse_args()
    agreed = agreement()
    cost(asked.rows)
    return 0 if agreed else 1


if __name__ == "__main__":
    raise SystemExit(main())
