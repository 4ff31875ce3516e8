"""Looks at series, images and tables and returns findings; it changes nothing."""
