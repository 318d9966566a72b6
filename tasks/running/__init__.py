"""Running tasks: which comes next, what it may take of the machine, and who does it."""
