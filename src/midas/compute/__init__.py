"""Backends for bulk work: a pure function goes in with many items, its results come out in the items' order.

`here()` works in this process, `processes(n)` in a pool of worker processes. None knows what it runs. A `Meter` around
either tells what the work took.
"""

from midas.compute.local import Here, here
from midas.compute.metering import Meter, total
from midas.compute.pool import Processes, processes

__all__ = ["Here", "Meter", "Processes", "here", "processes", "total"]
