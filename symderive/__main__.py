"""``python -m symderive`` is the command ``symderive``."""

import sys

from symderive.cli import main

sys.exit(main())
