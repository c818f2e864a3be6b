"""The version of the package, for whoever writes it into a document. Imports nothing."""

__version__ = "0.3.0"
