"""The public Python client: open a release, read its tables and images, download it; and the client the spoke sends with."""
