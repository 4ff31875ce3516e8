"""Ask DICOMweb servers what viewers and notebooks ask, each over one connection that stays open, and time each answer.

The servers take turns, answer by answer, so that whatever else this machine does hits all of them alike.
"""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
from benchmarks.dicomweb.servers import Root
from rich.progress import track

BIG, SMALL = "P00003", "Q{:05d}"


@dataclass(frozen=True)
class Timed:
    """Median and 95th percentile in milliseconds; `size` bytes and `rows` of the last answer."""

    p50_ms: float
    p95_ms: float
    size: int
    rows: int


Question = tuple[str, str, int]
"""Name, the path, and how often it is asked; each time {small}, {digit} and {accession} stand for other values."""


def questions(study: str, series: str) -> list[Question]:
    below = f"/studies/{study}/series/{series}"
    return [
        ("25 studies", "/studies?limit=25&offset=0", 40),
        ("25 studies from the 900th", "/studies?limit=25&offset=900", 40),
        ("1,000 studies", "/studies?limit=1000", 8),
        ("by PatientID", "/studies?PatientID={small}", 60),
        ("by name, wildcards", "/studies?PatientName=*Jane00{digit}*&limit=100", 20),
        ("by a range of dates", "/studies?StudyDate=20150101-20151231&limit=100", 20),
        ("by ModalitiesInStudy", "/studies?ModalitiesInStudy=CT&limit=25", 20),
        ("by AccessionNumber", "/studies?AccessionNumber={accession}", 40),
        ("series of a study", f"/studies/{study}/series", 60),
        ("100 instances of a series", f"{below}/instances", 20),
        ("metadata of 100 instances", f"{below}/metadata", 20),
    ]


def filled(path: str, time: int) -> str:
    number = time * 37 % 1000
    return path.format(small=SMALL.format(number), digit=time % 10, accession=f"A{number:07d}")


WARM_S = 0.5
"""Seconds that each question is asked before it counts: threads, connections and caches are there then."""


def measure(servers: dict[str, Root], *, times: float = 1.0) -> dict[str, dict[str, Timed]]:
    """Return server → name of the question → timing."""
    with ExitStack() as ends:
        clients = {name: ends.enter_context(_client(root)) for name, root in servers.items()}
        paths = {name: questions(*_series(client)) for name, client in clients.items()}
        found: dict[str, dict[str, Timed]] = {name: {} for name in servers}
        for number, (question, _, often) in enumerate(track(next(iter(paths.values())), "Questions")):
            asked = {name: (client, paths[name][number][1]) for name, client in clients.items()}
            for name, timed in _timed(asked, max(3, round(often * times))).items():
                found[name][question] = timed
    return found


def _client(root: Root) -> httpx.Client:
    headers = {"Accept": "application/dicom+json", "Accept-Encoding": "identity"}
    if root.token:
        headers["Authorization"] = f"Bearer {root.token}"
    return httpx.Client(base_url=root.url, headers=headers, timeout=300)


def _series(client: httpx.Client) -> tuple[str, str]:
    study = _ask(client, f"/studies?PatientID={BIG}").json()[0]["0020000D"]["Value"][0]
    return study, _ask(client, f"/studies/{study}/series").json()[0]["0020000E"]["Value"][0]


def _ask(client: httpx.Client, path: str) -> httpx.Response:
    answer = client.get(path)
    answer.raise_for_status()
    return answer


def _timed(asked: dict[str, tuple[httpx.Client, str]], often: int) -> dict[str, Timed]:
    for client, path in asked.values():
        start, at = time.perf_counter(), 0
        while at == 0 or time.perf_counter() - start < WARM_S:
            _ask(client, filled(path, at))
            at += 1
    spent: dict[str, list[float]] = {name: [] for name in asked}
    last: dict[str, httpx.Response] = {}
    for at in range(often):
        for name, (client, path) in asked.items():
            start = time.perf_counter()
            last[name] = _ask(client, filled(path, at))
            spent[name].append((time.perf_counter() - start) * 1e3)
    return {name: _summed(sorted(spent[name]), last[name]) for name in asked}


def _summed(spent: list[float], answer: httpx.Response) -> Timed:
    return Timed(
        statistics.median(spent),
        spent[min(len(spent) - 1, int(len(spent) * 0.95))],
        len(answer.content),
        len(answer.json()) if answer.content else 0,
    )
