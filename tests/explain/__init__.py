"""Why steps run."""
