"""What is written down of runs, and what is made of it."""
