"""Who is who, inside the hospital only: keys, persons and what they are known by, lawful basis, facts of the clinic.

In come identified values; out come random pseudonyms, shifts and neutral names. Identifying columns are encrypted at rest
and looked up by keyed hashes; nothing of the vault ever leaves the spoke, and no pseudonym is ever issued twice.
"""
