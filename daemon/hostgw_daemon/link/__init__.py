"""The link that leads to the other nodes: which one it is, and noticing when it changes."""
