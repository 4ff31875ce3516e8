"""The hospital's own site: what came in, what is held and why, what to do. It shows identified data to people who signed
in here, logs every view of an image, and never leaves this machine unless TLS is configured."""
