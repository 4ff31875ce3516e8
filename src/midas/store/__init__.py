"""Content-addressed blobs (SHA-256) on a local disk or an S3-compatible store; a blob is never overwritten."""
