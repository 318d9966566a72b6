"""The build system's own errors; like all of transship's, each prints as one to three lines."""

from __future__ import annotations

from converter.errors import BadInput, TransshipError


class UsageError(BadInput):
    """A command that is not right in itself, whatever its files hold."""


class StepFailed(TransshipError):
    """A step ended without its outputs: it refused its input, failed, or ran out of time or memory."""


class NotRun(TransshipError):
    """A step was not tried, since one that it comes after has failed."""


class EngineError(TransshipError):
    """No container engine, or one that went away."""


class ImageError(TransshipError):
    """An image could not be built."""
