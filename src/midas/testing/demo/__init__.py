"""The demo: the product's main job on the sample hospital, through the commands that people use, and what it proves.

In comes a folder; out come a hub, two hospitals, two releases, and a table of expectations with ✓ or ✗. Nothing in it
reaches behind the product's doors but the checks, which look at the bytes that the hub holds.
"""
