"""Live Gluon nets converted where they are."""
