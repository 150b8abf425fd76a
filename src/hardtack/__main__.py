"""`python -m hardtack`: the command line."""

import sys

from hardtack.cli import main

sys.exit(main())
