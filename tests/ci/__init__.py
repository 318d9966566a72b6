"""What continuous integration is told."""
