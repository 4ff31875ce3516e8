"""The hub: pages and API over the rooms; the only place that reads its environment is bootstrap.py."""
