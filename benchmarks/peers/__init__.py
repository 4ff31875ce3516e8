"""Peers: other tools that de-identify DICOM, each run in a virtual environment of its own on the same planted corpus.

In come a folder and the name of a tool, out come a folder of outputs and how long the tool took. `drive.py` runs inside
the tool's environment and imports nothing of MIDAS.
"""
