"""Looks at files, images, series and lines and returns findings; it changes nothing and knows no person.

In come de-identified files (`leaks`), images (`first_look`), whole series (`series`) and the protocol; out come `Finding`
values with rule, severity, advice and citation. It never edits data, opens a network or database, or repeats a value.
"""

from midas.quality.first import first_look
from midas.quality.leaks import examine_dicom, examine_line
from midas.quality.whole_series import series

__all__ = ["examine_dicom", "examine_line", "first_look", "series"]
