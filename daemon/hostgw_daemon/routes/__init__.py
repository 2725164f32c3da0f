"""The routes: from the records of the store to what the kernel must hold, and the loop between."""
