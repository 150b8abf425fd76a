"""`python -m hardtack`: the command line."""

from hardtack.cli import main

main()
