"""One thin file per command group; it wires rooms and contains no logic."""
