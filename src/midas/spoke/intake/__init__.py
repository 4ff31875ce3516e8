"""What came in: every unpacked file and every table row is an item in exactly one state.

In come files; out come items that are waiting, held, refused or sent, each with its reason. Nothing is dropped, and
nothing that a person reads about an item (reason, detail, findings) holds an identified value.
"""
