"""Have this host leave the cluster on purpose, step by step."""
