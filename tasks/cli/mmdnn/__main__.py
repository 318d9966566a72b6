"""``python -m tasks.cli.mmdnn mmconvert ...``."""

from __future__ import annotations

import sys

from tasks.cli import mmdnn
from tasks.cli.mmdnn.flags import COMMANDS

if __name__ == "__main__":
    name = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    sys.exit(getattr(mmdnn, name)() if name in COMMANDS else f"one of: {', '.join(COMMANDS)}")
