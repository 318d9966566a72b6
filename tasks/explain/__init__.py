"""Why a step runs or does not: which part of which action has changed since last time."""
