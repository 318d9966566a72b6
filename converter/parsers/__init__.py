"""Frontends: one package for each source framework, with a function `parse`."""
