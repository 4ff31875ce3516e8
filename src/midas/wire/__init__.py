"""What hub, spoke and SDK say to each other: versioned, frozen models without logic (`midas.wire.v1`)."""
