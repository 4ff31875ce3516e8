"""Bytes to plain values and back, for every kind of file; no policy."""
