"""What happened in a run: written as it happens, read afterwards."""
