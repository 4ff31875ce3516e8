"""The seal of a set of files: entries → a salted Merkle tree with one subtree per subject → a key, signed, offline.

In come paths, digests and sizes, each owned by a subject or by the whole; out comes a key and, from a folder on disk,
one of three answers per file: right, withdrawn, wrong. Timestamps never enter a key. No server is needed.
"""

from midas.manifest.folder import Answer, FileAnswer, Verdict, read_seal, verify_folder, write_seal
from midas.manifest.sign import PrivateKey, sign, verify_signature
from midas.manifest.tree import WHOLE, Entry, Tombstone, Tree, key_of, new_salt, withdraw

__all__ = [
    "WHOLE", "Answer", "Entry", "FileAnswer", "PrivateKey", "Tombstone", "Tree", "Verdict", "key_of", "new_salt",
    "read_seal", "sign", "verify_folder", "verify_signature", "withdraw",
    "write_seal",
]  # fmt: skip
