"""Every cause, made for real in a cluster of five nodes, and named by every node."""
