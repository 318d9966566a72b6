"""``python -m tasks.cli``: see the package."""

import sys

from tasks.cli import main

sys.exit(main())
