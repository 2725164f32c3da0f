"""Masquerade and forwarding: what the packet filter must hold, and the loop that keeps it."""
