"""Backends for bulk work: a pure function goes in with many items, its results come out in the items' order.

`here()` works in this process, `processes(n)` in a pool of worker processes. None knows what it runs.
"""

from midas.compute.local import Here, here
from midas.compute.pool import Processes, processes

__all__ = ["Here", "Processes", "here", "processes"]
