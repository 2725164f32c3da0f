"""The support archive: what a stranger needs to understand a host, and no secret."""
