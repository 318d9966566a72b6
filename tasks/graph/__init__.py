"""The task graph itself: what is wrong with it, and pictures of it."""
