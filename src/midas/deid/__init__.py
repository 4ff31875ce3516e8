"""Identified DICOM plus a profile and keys becomes a plan, then de-identified DICOM, re-read by a stranger.

In come files, a profile and a secret (`run`), or one `Job` with a person's sealed `Card` (`clean`); out come files and
`Outcome`s, or reasons why a file is held. What cannot be parsed, planned or verified is never written. No clock, network
or database is used. What the rooms around use beside these (`uids`, `words`, `model`, `tables`) they take from the modules.
"""

from midas.deid.batch import Batch, run
from midas.deid.cards import seal_card
from midas.deid.engine import clean
from midas.deid.heads import Item
from midas.deid.model import Card, Job, Keys, Outcome, Placement, Profile
from midas.deid.profiles import load_profile
from midas.deid.report import report_html, report_json
from midas.deid.secret import Secret

__all__ = [
    "Batch", "Card", "Item", "Job", "Keys", "Outcome", "Placement", "Profile", "Secret", "clean", "load_profile",
    "report_html", "report_json", "run", "seal_card",
]  # fmt: skip
