"""What is kept on disk: who this node is, what it remembers, the subnet file."""
