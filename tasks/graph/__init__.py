"""The task graph as a whole: whether it is right, and what it looks like."""
