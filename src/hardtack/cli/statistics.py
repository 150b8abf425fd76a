"""A kernel's books as text, for `run --stats`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from hardtack.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardtack.kernel.disk_inodes import DiskStatistics
    from hardtack.runtime import KernelStatistics


def show_statistics(statistics: KernelStatistics, limits_met: Sequence[str], seconds: float) -> None:
    """Print a kernel's books to standard error: a table on a terminal, plain lines elsewhere."""
    rows = _rows(statistics, limits_met, seconds)
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.table import Table

        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        table.add_column(style="bold")
        table.add_column()
        for name, text in rows:
            table.add_row(name, text)
        Console(stderr=True).print(table)
    else:
        for name, text in rows:
            click.echo(f"{name:<14}{text}", err=True)


def _rows(statistics: KernelStatistics, limits_met: Sequence[str], seconds: float) -> list[tuple[str, str]]:
    heap, files = statistics.heap, statistics.files
    kills = ", ".join(
        f"{kill.program} (pid {kill.pid}, {format_bytes(kill.held)})" for kill in statistics.kills
    )
    disk = statistics.disk
    return [
        ("heap", _use(heap.live, heap.peak, heap.capacity) + f", {format_bytes(heap.footprint)} mapped"),
        (
            "set aside",
            f"{format_bytes(heap.reserved)} reserved, {format_bytes(heap.slack)} slack for overruns",
        ),
        ("file system", _use(files.live, files.peak, files.capacity)),
        *([] if disk is None else [("disk", _disk(disk))]),
        ("user memory", _use(statistics.memory, statistics.memory_peak, statistics.memory_capacity)),
        ("waits", f"{statistics.waits} calls waited for memory"),
        ("kills", f"{len(statistics.kills)} to free memory{': ' if kills else ''}{kills}"),
        *([("limits met", ", ".join(limits_met))] if limits_met else []),
        ("overruns", _overruns(heap.overruns, heap.overrun_bytes)),
        ("failed calls", f"{statistics.failed_calls} met a failed allocation"),
        ("seconds", f"{seconds:.3f}"),
    ]


def _use(live: int, peak: int, capacity: int | None) -> str:
    text = f"{format_bytes(live)} live, {format_bytes(peak)} at the peak"
    if not capacity:
        return text
    return f"{text} ({100 * peak / capacity:.1f} % of {format_bytes(capacity)})"


def _disk(disk: DiskStatistics) -> str:
    pages = f"{disk.pages} pages in memory, {disk.hits} hits, {disk.misses} misses, {disk.evictions} evicted"
    return f"{_use(disk.heap.live, disk.heap.peak, disk.heap.capacity)}: {pages}, {disk.commits} commits"


def _overruns(count: int, over: int) -> str:
    if not count:
        return "0 calls went beyond their bound"
    return f"{count} calls went beyond their bound, by {format_bytes(over)} in all: a bug, please report it"
