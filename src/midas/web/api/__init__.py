"""The hub's API, version 1: what the SDK and the spokes speak. In and out go `midas.wire.v1` models and bytes."""
