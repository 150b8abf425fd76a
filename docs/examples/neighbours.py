"""A hog and a citizen in one kernel, under a policy: `python neighbours.py POLICY`."""

import sys

from hardtack import Kernel

with Kernel("1 MiB", on_exhaustion=sys.argv[1]) as kernel:
    citizen = kernel.spawn("/bin/mail", ["ann", "3000"])
    kernel.spawn("/bin/fdhog", ["-k"])
    status = citizen.wait().exit_code
    books = kernel.statistics()

print("the citizen ended with", status)
print("calls that failed half-way:", books.failed_calls)
print("calls that waited:", books.waits)
print("killed:", ", ".join(kill.program for kill in books.kills) or "nobody")
