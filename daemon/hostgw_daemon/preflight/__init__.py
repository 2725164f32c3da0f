"""What `--check` finds before a daemon runs: one subject beside the other, each with its cure."""
