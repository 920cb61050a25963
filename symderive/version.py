"""The version of symderive, for documents and certificates that name it."""

__version__ = "0.1.0"
