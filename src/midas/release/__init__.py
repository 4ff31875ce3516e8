"""A draft becomes an immutable, verifiable release, and a synthetic twin that anyone may look at."""
