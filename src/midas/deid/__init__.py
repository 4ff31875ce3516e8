"""Identified DICOM plus a profile and keys becomes a plan, then de-identified DICOM that an independent verifier has re-read."""
