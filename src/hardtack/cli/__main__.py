"""`python -m hardtack.cli` is `hardtack`; so the command line starts itself under a watchdog."""

import sys

from hardtack.cli import main

sys.exit(main())
