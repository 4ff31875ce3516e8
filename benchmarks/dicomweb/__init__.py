"""The hub's DICOMweb against Orthanc's: the same images, the same machine, the same client, one run."""
