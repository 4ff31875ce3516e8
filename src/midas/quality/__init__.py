"""Looks at files, images, series and lines and returns findings; it changes nothing and knows no person.

In come de-identified files (`leaks`), images and whole series (`examine`) and the protocol; out come `Measured` and
`Finding` values with rule, severity, advice and citation. Every check stands in the `registry`. It never edits data, opens a
network or database, or repeats a value that someone typed.
"""

from midas.quality.checks import Check, Measured, findings, registry
from midas.quality.examine import checks_of_series, examine
from midas.quality.leaks import examine_dicom, examine_line

__all__ = [
    "Check", "Measured", "checks_of_series", "examine", "examine_dicom", "examine_line", "findings", "registry",
]  # fmt: skip
