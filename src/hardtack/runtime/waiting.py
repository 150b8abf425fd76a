"""How a task of asyncio waits for a job that another thread does."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from hardtack.runtime.worker import HURRY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardtack.runtime.worker import Job


async def wait_in_task(job: Job, begin: Callable[[Job], None], hurry: Callable[[], None]) -> object:
    """As `worker.wait_for`, in a task: the event loop goes on, and a cancellation is what strikes the caller.

    Raises:
        CancelledError: the task was cancelled; the job is done or was called off, nothing of it is left.
    """
    loop = asyncio.get_running_loop()
    finished = loop.create_future()

    def wake() -> None:
        if not finished.done():
            finished.set_result(None)

    def notify() -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(wake)

    job.notify = notify
    begin(job)
    cancelled: asyncio.CancelledError | None = None
    while not job.finished:
        try:
            if job.late():
                hurry()
                patience: float | None = HURRY_SECONDS
            else:
                patience = job.patience() if job.deadline is not None else None
            await asyncio.wait([finished], timeout=patience)
        except asyncio.CancelledError as error:
            cancelled = error
            job.stop()
    try:
        if cancelled is not None:
            raise cancelled
        if job.error is not None:
            raise job.error
        return job.result
    finally:
        del job, cancelled, notify  # an error refers to this frame: no cycle
