"""The task graph as a whole."""
