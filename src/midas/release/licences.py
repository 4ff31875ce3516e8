"""Licences of data that are known by name, and whether each allows commercial use (the SPDX list's identifiers)."""

from __future__ import annotations

from collections.abc import Mapping

KNOWN: Mapping[str, bool] = {
    "CC0-1.0": True, "CC-BY-4.0": True, "CC-BY-SA-4.0": True, "CC-BY-ND-4.0": True, "CC-BY-3.0": True,
    "CC-BY-NC-4.0": False, "CC-BY-NC-SA-4.0": False, "CC-BY-NC-ND-4.0": False, "CC-BY-NC-3.0": False,
    "ODC-By-1.0": True, "ODbL-1.0": True, "PDDL-1.0": True, "CDLA-Permissive-2.0": True, "CDLA-Sharing-1.0": True,
}  # fmt: skip
