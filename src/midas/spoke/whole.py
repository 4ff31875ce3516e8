"""What is said of whole series of matched images: each is looked at once, before any of its files is cleaned.

In come the waiting images of a run; out come findings by item. A finding that stops holds every image of its series, others
are told at the first. That one series has several hospital numbers is no fault here: whose they are, the vault has settled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from midas.kernel import Clock, Finding, Progress, Runner, Severity
from midas.spoke.bench import Series, look
from midas.spoke.dying import worked_on
from midas.spoke.heads import files_of
from midas.spoke.intake.models import Item
from midas.spoke.vault.projects import Desk


def look_at_series(
    desk: Desk, chosen: Iterable[Item], *, runner: Runner, progress: Progress, clock: Clock
) -> dict[int, tuple[Finding, ...]]:
    """Look at each series of the chosen images with all its files that are here; return findings by item."""
    series: defaultdict[tuple[int, str], list[Item]] = defaultdict(list)
    for item in chosen:
        if item.kind == "dicom" and item.person_id and item.group:
            series[item.person_id, item.group].append(item)
    wanted = {one.id: one for one in desk.protocol.items}
    tasks = [
        (members, Series(files_of(desk, person, members), wanted[members[0].definition]))
        for (person, _), members in series.items()
    ]
    found: defaultdict[int, tuple[Finding, ...]] = defaultdict(tuple)
    looked = worked_on(runner, look, tasks, clock=clock)
    for members, _, told in progress.track(looked, label="Look at series", total=len(tasks)):
        for item in members:
            found[item.pk] += tuple(one for one in told if one.severity is Severity.ERROR)
        found[members[0].pk] += tuple(one for one in told if one.severity is not Severity.ERROR)
    return found
