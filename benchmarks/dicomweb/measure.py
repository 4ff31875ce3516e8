"""Ask one DICOMweb server what viewers and notebooks ask, over one connection that stays open, and time each answer."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

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


def measure(root: str, *, token: str = "", times: float = 1.0) -> dict[str, Timed]:
    """Return name → timing; one more answer before each, not counted, opens what is to be opened."""
    headers = {"Accept": "application/dicom+json", "Accept-Encoding": "identity"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with httpx.Client(base_url=root, headers=headers, timeout=300) as client:

        def ask(path: str) -> httpx.Response:
            answer = client.get(path)
            answer.raise_for_status()
            return answer

        study = ask(f"/studies?PatientID={BIG}").json()[0]["0020000D"]["Value"][0]
        series = ask(f"/studies/{study}/series").json()[0]["0020000E"]["Value"][0]
        return {
            name: _timed(lambda at, path=path: ask(filled(path, at)), max(3, round(number * times)))  # type: ignore[misc]
            for name, path, number in questions(study, series)
        }


def _timed(ask: Callable[[int], httpx.Response], number: int) -> Timed:
    ask(0)
    spent = []
    for at in range(number):
        start = time.perf_counter()
        answer = ask(at)
        spent.append((time.perf_counter() - start) * 1e3)
    spent.sort()
    rows = len(answer.json()) if answer.content else 0
    return Timed(
        statistics.median(spent),
        spent[min(len(spent) - 1, int(len(spent) * 0.95))],
        len(answer.content),
        rows,
    )
