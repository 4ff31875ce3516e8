"""The agent inside a hospital: receive, match, look, de-identify, verify, review, pack, send."""
