"""`hardtack top`: what runs in the kernels of this user, again and again."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict

import click

from hardtack.cli.process import Interruptible
from hardtack.cli.ps import lines, rendered


@click.command(
    epilog="""\b
Examples:
  hardtack top
  hardtack top --json --interval 0.5 --count 10 jobs

\b
Ctrl-C ends it. See `hardtack ps --help` for which kernels are found."""
)
@click.option(
    "--interval", type=click.FloatRange(0.05, 3600), default=1.0, show_default=True, metavar="SECONDS"
)
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after so many looks.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON a look: a list of kernels.")
@click.argument("name", required=False)
def command(interval: float, count: int | None, as_json: bool, name: str | None) -> int:
    """Show the processes of each running kernel, or of those called NAME, as they change."""
    from rich.console import Console
    from rich.live import Live

    from hardtack.runtime.inspection import look_at_all

    live = sys.stdout.isatty() and not as_json
    screen = Live(console=Console(), auto_refresh=False, screen=count is None) if live else None
    left = count
    with Interruptible():
        if screen is not None:
            screen.start()
        try:
            while left is None or left > 0:
                tables = look_at_all(name)
                if screen is not None:
                    screen.update(rendered(tables), refresh=True)
                elif as_json:
                    click.echo(json.dumps([asdict(table) for table in tables]))
                else:
                    click.echo("\n".join(lines(tables)))
                left = None if left is None else left - 1
                if left != 0:
                    sys.stdout.flush()
                    time.sleep(interval)
        except KeyboardInterrupt:
            pass
        finally:
            if screen is not None:
                screen.stop()
    return 0
