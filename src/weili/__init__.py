"""Weili (微力): one goods pool, one stock and one ledger, opened to everyone who sells."""

__version__ = "0.1.0"
