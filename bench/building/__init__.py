"""How fast the build system is where nothing is to be done, and how fast it moves large files."""
