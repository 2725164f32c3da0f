"""Faults in a real cluster with packets in flight: `make chaos`. See README.md here."""
