"""The registry: every check of images, series and tables that MIDAS knows, as one value each, and how a value is judged.

A check has one measured value and at most two thresholds, `min` and `max`, in the unit it names: a value outside them is
a finding. The protocol may set both, the severity and the citation (`Item.quality`). Each area of checks is one module
with a tuple `CHECKS` and functions that yield `Measured`; its name stands in `AREAS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple

from midas.kernel import Finding, Severity
from midas.protocol.model import Item, Table

AREAS = tuple(
    f"midas.quality.{name}"
    for name in (
        "examine", "headers", "conformance", "grey", "ct", "mr", "xray", "whole_series", "steadiness", "photos", "slides",
        "tables", "agreement", "duplicates", "duplicate_series",
    )
)  # fmt: skip
"""Modules of `midas.quality` that hold checks; each has `CHECKS: tuple[Check, ...]` and may have rules (`examine`)."""

CT, MR, XRAY = frozenset({"CT"}), frozenset({"MR"}), frozenset({"CR", "DX", "PX", "IO", "MG"})


@dataclass(frozen=True)
class Check:
    """One small rule. `id` is stable and dotted, and the `rule` of its findings; `title` holds `en` and `hi`.

    `modalities` are DICOM Modality values, empty: all. `default` has `min` and `max`, in `unit`, or neither, where the
    check only says right or wrong. `cites` names the clause or paper that the measure, and where there is one the
    threshold, comes from.
    """

    id: str
    severity: Severity
    modalities: frozenset[str]
    unit: str
    title: Mapping[str, str]
    advice: str
    cites: str
    default: Mapping[str, float] = field(default_factory=dict)

    def concerns(self, modality: str) -> bool:
        return not self.modalities or modality in self.modalities


class Measured(NamedTuple):
    """What one check saw in one scope: each check that ran says so, also when all is well.

    `value` is `None` where there is nothing to measure; `finding` is `None` where nothing stands against it.
    """

    check: str
    value: float | None
    finding: Finding | None


class Bounds(NamedTuple):
    """The thresholds that hold for one check in one item, in the check's unit."""

    min: float | None
    max: float | None
    severity: Severity
    cites: str


def bounds(check: Check, item: Item | Table | None = None) -> Bounds:
    """Return the check's defaults, overridden by the protocol's limits for this item."""
    low, high, severity, cites = (
        check.default.get("min"),
        check.default.get("max"),
        check.severity,
        check.cites,
    )
    for limit in item.quality if item else ():
        if limit.check == check.id:
            low = low if limit.min is None else limit.min
            high = high if limit.max is None else limit.max
            severity = Severity(limit.severity) if limit.severity else severity
            cites = limit.cites or cites
    return Bounds(low, high, severity, cites)


def judge(check: Check, value: float | None, said: str, *, item: Item | Table | None, scope: str) -> Measured:
    """Hold a value against its thresholds. `said` begins the message: "The noise is"; value, unit and limit follow."""
    if value is None:
        return Measured(check.id, None, None)
    limit = bounds(check, item)
    unit = f" {check.unit}" if check.unit else ""
    if limit.min is not None and value < limit.min:
        beyond = f"below {limit.min:g}"
    elif limit.max is not None and value > limit.max:
        beyond = f"above {limit.max:g}"
    else:
        return Measured(check.id, value, None)
    return wrong(check, f"{said} {value:.4g}{unit}, {beyond}.", item=item, scope=scope, value=value)


def wrong(
    check: Check, message: str, *, item: Item | Table | None, scope: str, value: float | None = None, cites: str = "",
    severity: Severity | None = None,
) -> Measured:  # fmt: skip
    """Return the finding of a check that says right or wrong; `value` where it counted something."""
    limit = bounds(check, item)
    found = Finding(
        check.id,
        severity or limit.severity,
        scope,
        message,
        check.advice,
        cites or limit.cites,
        "midas.quality",
    )
    return Measured(check.id, value, found)


def well(check: Check, value: float | None = None) -> Measured:
    """Say that a check ran and found nothing."""
    return Measured(check.id, value, None)


def findings(measured: Iterable[Measured]) -> tuple[Finding, ...]:
    """Keep only what stands against something."""
    return tuple(one.finding for one in measured if one.finding is not None)


@cache
def registry() -> Mapping[str, Check]:
    """Return every check of every area by its id, in the order of the areas."""
    found: dict[str, Check] = {}
    for area in AREAS:
        for check in import_module(area).CHECKS:
            if check.id in found:
                raise ValueError(f"two checks are called {check.id}")
            found[check.id] = check
    return MappingProxyType(found)


def unknown_limits(item: Item | Table) -> tuple[str, ...]:
    """Return the names in the protocol's limits that no check has."""
    return tuple(limit.check for limit in item.quality if limit.check not in registry())
