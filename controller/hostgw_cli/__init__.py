"""hostgwctl, the operator's command, and the lab: a cluster of namespaces on one machine."""
