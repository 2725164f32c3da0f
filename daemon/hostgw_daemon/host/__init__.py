"""The host as packets find it: what on it would drop them, take them elsewhere, or lose routes."""
