"""Runs pure functions over many items; it does not know what it runs."""
