"""hostgw-controller: cluster-wide work. No packet ever depends on it."""
