"""Measurements of the toolkit: not part of the package that is installed."""
