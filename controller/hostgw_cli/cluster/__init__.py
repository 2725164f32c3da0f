"""The commands about the cluster as a whole: what the store says, and what is done there."""
