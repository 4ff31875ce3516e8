"""Files in any shape become a stream of identified items; everything becomes DICOM here.

In come folders, archives, photographs, slides and labels of a hospital; out come `Identified` arrivals and DICOM files
that hold what the tables know, and nothing that a camera or scanner wrote about the case. No identified value leaves
in a message or an error, nothing is dropped in silence, and no file that came in is changed.
"""

from midas.ingest.arrivals import Arrival, arrivals
from midas.ingest.convert import to_dicom
from midas.ingest.door import Door
from midas.ingest.labels import ImportedLabels, labels_to_dicom
from midas.ingest.loose import loose_to_dicom

__all__ = ["Arrival", "Door", "ImportedLabels", "arrivals", "labels_to_dicom", "loose_to_dicom", "to_dicom"]
