"""Content-addressed blobs: bytes go in and are known by their SHA-256; the same bytes come out, or an error.

A blob stands in a folder (`/data/blobs`) or in an S3-compatible bucket (`s3://bucket/prefix`). It is never changed
and never overwritten, and nothing half-written is ever visible under its digest.
"""

from midas.store.blobs import Blobs

__all__ = ["Blobs"]
