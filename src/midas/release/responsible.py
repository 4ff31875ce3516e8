"""Responsible-AI facts of a release (Croissant RAI 1.0) that are counted from its own tables, never stated by anyone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa

from midas.release.content import Content
from midas.release.readings import tasks_read


def counted(content: Content) -> dict[str, Any]:
    """Return the RAI fields that the tables answer; a field without an answer is left out."""
    read = tasks_read(content)
    found: dict[str, Any] = {
        "rai:dataImputationProtocol": "No value is imputed: what is missing is empty.",
        "rai:dataCollectionMissingData": _missing(content),
        "rai:dataBiases": _biases(content),
        "rai:annotationsPerItem": _per_item(content),
        "rai:dataAnnotationPlatform": ["MIDAS reading tasks, blinded"] if read else None,
        "rai:dataAnnotationAnalysis": [
            f"Task {one.task}: {one.items} items, {one.readings} readings, {one.agreed} items agreed; {one.agreement}."
            for one in read
        ],
    }
    return {name: value for name, value in found.items() if value}


def _missing(content: Content) -> str:
    """Say of each clinical table in which columns values are missing, and how many."""
    said = []
    for name, table in sorted(content.tables.items()):
        if not name.startswith("clinical/") or not table.num_rows:
            continue
        holes = [(column, table[column].null_count) for column in table.column_names[4:]]
        told = ", ".join(f"{column} {count} of {table.num_rows}" for column, count in holes if count)
        said.append(f"{name}: {told or 'nothing missing'}")
    return "; ".join(said)


def _biases(content: Content) -> list[str]:
    """Set the shares of each variable that the protocol has a target for beside that target."""
    subjects = content.tables["subjects"]
    found = []
    for name, shares in content.about.protocol.population.variable.items():
        if name not in subjects.column_names:
            continue
        counts = Counter(subjects[name].to_pylist())
        told = ", ".join(
            f"{one.value} {counts[one.value] / subjects.num_rows:.1%} (target {one.share:.1%})"
            for one in shares
        )
        found.append(f"Persons by {name}: {told}.")
    hospitals = Counter(subjects["spoke"].to_pylist())
    if len(hospitals) == 1:
        found.append("All persons come from one hospital.")
    return found


def _per_item(content: Content) -> str:
    """Return how many readers read each item: one number, or the least and the most."""
    readings: pa.Table | None = content.tables.get("readings")
    if readings is None or not readings.num_rows:
        return ""
    rows = zip(
        readings["task"].to_pylist(), readings["item"].to_pylist(), readings["role"].to_pylist(), strict=True
    )
    counts = Counter((task, item) for task, item, role in rows if role == "reader")
    if not counts:
        return ""
    least, most = min(counts.values()), max(counts.values())
    return str(least) if least == most else f"{least} to {most}"
