"""The words that all programs of hostgw speak: values, records, and the port to the store."""

__version__ = "0.1.0"
