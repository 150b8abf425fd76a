"""Whether annotations are checked; `hardtack.annotations.checks` turns it."""

import os

on: bool = os.environ.get("HARDTACK_CHECKS") != "0"
