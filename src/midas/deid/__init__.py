"""Identified DICOM plus a profile and keys becomes a plan, then de-identified DICOM, re-read by a stranger.

In come a `Job` (paths, profile, placement) and a person's sealed `Card`; out come one file and an `Outcome`, or a reason
why the file is held. What cannot be parsed, planned or verified is never written. No clock, network or database is used.
"""

from midas.deid.cards import open_card, seal_card
from midas.deid.engine import clean, risk
from midas.deid.model import Card, Job, Keys, Outcome, Placement, Profile, RuleRow, Uids, source_hmac
from midas.deid.report import report_html, report_json
from midas.deid.uids import map_uid

__all__ = [
    "Card", "Job", "Keys", "Outcome", "Placement", "Profile", "RuleRow", "Uids", "clean", "map_uid", "open_card",
    "report_html", "report_json", "risk", "seal_card", "source_hmac",
]  # fmt: skip
