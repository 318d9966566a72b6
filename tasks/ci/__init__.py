"""What a change runs, for those who plan it: continuous integration."""
