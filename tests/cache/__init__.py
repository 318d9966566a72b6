"""Caches beyond the disk, with real servers and with ones that misbehave."""
