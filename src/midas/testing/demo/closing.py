"""What the demo says at the end: what came in and where it went, why, what was released, what was checked, where to look.

In come values that were counted from files and databases; out go tables on the terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from midas.testing.demo.checks import Check, State, tally_of
from midas.testing.hospital import Truth

REASON_WORDS = 3


def tallies(console: Console, spokes: Sequence[tuple[Truth, tuple[State, ...]]]) -> None:
    table = Table(title="Everything in = sent + held + refused", title_justify="left", header_style="bold")
    for heading in ("spoke", "dataset"):
        table.add_column(heading)
    for heading in ("in", "sent", "held", "refused", "waiting"):
        table.add_column(heading, justify="right")
    for truth, items in spokes:
        tally = tally_of(items)
        numbers = (str(tally[name]) for name in ("in", "sent", "held", "refused", "waiting"))
        table.add_row(truth.spoke, truth.dataset, *numbers)
    console.print(table)


def reasons(console: Console, spokes: Sequence[tuple[Truth, tuple[State, ...]]]) -> None:
    table = Table(title="Held and refused, by reason", title_justify="left", header_style="bold")
    table.add_column("state")
    table.add_column("reason")
    for truth, _ in spokes:
        table.add_column(truth.spoke, justify="right")
    counts = [Counter((item.state, item.reason) for item in items if item.reason) for _, items in spokes]
    for key in sorted({key for count in counts for key in count}):
        table.add_row(*key, *(str(count[key] or "–") for count in counts))
    console.print(table)


def findings(console: Console, spokes: Sequence[tuple[Truth, tuple[State, ...]]]) -> None:
    counts = [Counter(rule for item in items for rule in item.findings) for _, items in spokes]
    rules = sorted({rule for count in counts for rule in count})
    if not rules:
        return
    table = Table(title="Findings, by rule", title_justify="left", header_style="bold")
    table.add_column("rule")
    for truth, _ in spokes:
        table.add_column(truth.spoke, justify="right")
    for rule in rules:
        table.add_row(rule, *(str(count[rule] or "–") for count in counts))
    console.print(table)


def releases(console: Console, cards: Iterable[Mapping[str, Any]]) -> None:
    table = Table(title="Releases", title_justify="left", header_style="bold")
    for heading in ("release", "key"):
        table.add_column(heading)
    for heading in ("subjects", "instances", "MB"):
        table.add_column(heading, justify="right")
    for card in cards:
        name = card["release"] + (" (open twin)" if card["twin"] else "")
        size = f"{card['bytes'] / 1e6:.1f}"
        table.add_row(name, f"{card['key'][:16]}…", str(card["subjects"]), str(card["instances"]), size)
    console.print(table)


def stand_ins(console: Console, truth: Truth) -> None:
    table = Table(title="Real images, and what they stand in for", title_justify="left", header_style="bold")
    for heading in ("image", "from", "stands in for"):
        table.add_column(heading)
    for row in truth.stand_ins:
        table.add_row(*row)
    console.print(table)


def rise(console: Console, told: Mapping[str, Any]) -> None:
    """Draw how the dataset was graded, round by round, and which domains rose between the rounds."""
    table = Table(
        title="Graded by MIDAS 2.0, a draft for expert validation", title_justify="left", header_style="bold"
    )
    for heading in ("version", "decision", "CQI", "of it computed", "band", "access", ""):
        table.add_column(heading)
    for one in told["rounds"]:
        table.add_row(
            one["version"], one["status"].replace("_", " "), f"{one['cqi']:.2f}", f"{one['computed']:.2f}", one["band"],
            one["access"] or "not releasable", "demonstration evidence" if one["demonstration evidence"] else "",
        )  # fmt: skip
    console.print(table)
    before, after = told["first"]["levels"], told["second"]["levels"]
    rose = [f"domain {name}: {before[name]} → {after[name]}" for name in after if after[name] > before[name]]
    console.print(f"  Rose by computed facts alone: {', '.join(rose)}")


def expectations(console: Console, checks: Iterable[tuple[str, Check]]) -> bool:
    """Draw every check; return whether all hold."""
    table = Table(title="Expectations", title_justify="left", header_style="bold")
    for heading in ("", "about", "what must hold", "seen"):
        table.add_column(heading, overflow="fold")
    held = True
    for about, check in checks:
        held = held and check.ok
        table.add_row(
            "[green]✓[/]" if check.ok else "[bold red]✗[/]", about, check.title, _plain(check.detail)
        )
    console.print(table)
    return held


def _plain(text: str) -> str:
    return text.replace("[", "\\[")


def doors(console: Console, accounts: Iterable[Mapping[str, str]]) -> None:
    table = Table(title="Where to look", title_justify="left", header_style="bold")
    for heading in ("role", "address", "name", "password"):
        table.add_column(heading)
    for account in accounts:
        table.add_row(account["role"], account["address"], account["name"], account["password"])
    console.print(table)
