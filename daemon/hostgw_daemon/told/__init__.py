"""What is told outside: conditions, status, health, metrics, systemd, HTTP."""
