"""The audit: synthetic identifiers are planted in copies of a site's own files, the site's de-identification is run, and
what came out is scored.

In come files, a profile, keys and a seed; out come a corpus, its answer key, a `Score` and the page that shows it. No real
identifier enters a key or a report; sources are only read.
"""

from midas.deid.audit.answers import Answers, read_answers, write_answers
from midas.deid.audit.outputs import read_map
from midas.deid.audit.plant import plant
from midas.deid.audit.score import Score, score

__all__ = ["Answers", "Score", "plant", "read_answers", "read_map", "score", "write_answers"]
