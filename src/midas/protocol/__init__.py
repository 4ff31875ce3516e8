"""A dataset protocol file ↔ a validated, frozen `Protocol`; it reads no data."""
