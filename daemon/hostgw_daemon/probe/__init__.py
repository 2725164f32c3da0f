"""Whether packets reach the other nodes and their containers, found out by sending some."""
