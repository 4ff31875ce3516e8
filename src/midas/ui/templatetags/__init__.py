"""Template tags and filters of both sites."""
