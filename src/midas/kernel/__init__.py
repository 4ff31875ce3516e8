"""The ground everything stands on: errors, findings, hashes, ids, clocks, files that are whole or absent, runners.

In come bytes, names and times; out come values that every room shares. Nothing of MIDAS is imported here.
Identified values live in `midas.kernel.identified`, which only the edge rooms may import.
"""

from midas.kernel.clock import Clock, FixedClock, SystemClock
from midas.kernel.errors import (
    BadInput,
    BrokenPromise,
    Conflict,
    Forbidden,
    MidasError,
    NotFound,
    Unavailable,
    WorkerDied,
)
from midas.kernel.evidence import Evidence, Ink
from midas.kernel.files import whole_file
from midas.kernel.findings import Finding, Severity
from midas.kernel.hashing import Digest, canonical, sha256_bytes, sha256_file
from midas.kernel.progress import NoProgress, Progress
from midas.kernel.runner import Runner

__all__ = [
    "BadInput", "BrokenPromise", "Clock", "Conflict", "Digest", "Evidence", "Finding", "FixedClock", "Forbidden", "Ink",
    "MidasError", "NoProgress", "NotFound", "Progress", "Runner", "Severity", "SystemClock", "Unavailable",
    "WorkerDied", "canonical", "sha256_bytes", "sha256_file", "whole_file",
]  # fmt: skip
