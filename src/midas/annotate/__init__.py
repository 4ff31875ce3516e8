"""What readers say of images: tasks, readings that are never overwritten, agreement, and labels that were settled.

In come items of the catalogue and what readers store; out come labels with who read and how far they agreed. No reader
sees another's reading before it is settled, and no reading is ever edited.
"""
