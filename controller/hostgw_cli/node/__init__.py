"""What the daemon of this host says, asked over its socket, and what can be said without it."""
