"""The hub: pages and API over the rooms.

In come requests of people, programs and spokes; out go pages, files and problems in words. Each route names the act
that it needs. Only `bootstrap.py` reads the environment; nothing here decides who may do what (`midas.people` does).
"""
