"""The frontends."""
