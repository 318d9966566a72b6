"""The build system: what a step is, where its results are kept, who runs it."""
