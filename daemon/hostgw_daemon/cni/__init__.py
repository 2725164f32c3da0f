"""How containers are attached to this host's subnet: the configuration for the CNI plugins."""
