"""Files in any shape become a stream of identified items; everything becomes DICOM here."""
