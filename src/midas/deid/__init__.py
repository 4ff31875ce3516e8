"""Identified DICOM plus a profile and keys becomes a plan, then de-identified DICOM, re-read by a stranger.

In come files, a profile and a secret (`run`), or one `Job` with a person's sealed `Card` (`clean`); out come files and
`Outcome`s, or reasons why a file is held. What cannot be parsed, planned or verified is never written. No clock, network
or database is used.
"""

from midas.deid.batch import Batch, run
from midas.deid.cards import open_card, seal_card
from midas.deid.engine import clean, risk
from midas.deid.heads import Item
from midas.deid.model import Card, Job, Keys, Outcome, Placement, Profile, RuleRow, Uids, source_hmac
from midas.deid.profiles import load_profile
from midas.deid.report import report_html, report_json
from midas.deid.secret import Secret
from midas.deid.uids import map_uid
from midas.deid.words import Known, clean_cell, clean_text

__all__ = [
    "Batch", "Card", "Item", "Job", "Keys", "Known", "Outcome", "Placement", "Profile", "RuleRow", "Secret", "Uids",
    "clean", "clean_cell", "clean_text", "load_profile", "map_uid", "open_card", "report_html", "report_json",
    "risk", "run", "seal_card", "source_hmac",
]  # fmt: skip
