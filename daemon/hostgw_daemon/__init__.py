"""hostgwd, the node agent: one lease, the routes to all others, health and metrics."""
