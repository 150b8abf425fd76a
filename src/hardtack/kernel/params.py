"""System-wide limits, one comment each. What only one module knows of stands there."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024

# -- processes
MAX_PROCESSES: Final = 10_000  # Biscuit's limit (OSDI'18, limits.go)
MAX_GROUP_PROCESSES: Final = 7_500  # of one process tree, so that none can have all of them
OTHERS_PART: Final = 4  # of user memory: a process tree that would leave less than a quarter starts no more
MAX_DESCRIPTORS: Final = 64**3  # per process: what a table can number
MAX_ARGUMENT_BYTES: Final = 128 * KIB  # arguments, or environment, of one process, with their NULs
MAX_ARGUMENTS: Final = 4096  # strings in either of them
MAX_MAP: Final = 64  # descriptors in one spawn's map
MAX_PROGRAM_FILE: Final = 64 * KIB * KIB  # bytes of a program that a guest starts from a file
QUANTUM: Final = 500_000  # fuel (about as many wasm instructions) until the next process has its turn
TURN_CALLS: Final = 128  # or so many system calls, which take about as long

# -- one system call
MAX_IO: Final = 64 * KIB  # bytes that one read or write moves in a turn
STEP_IO: Final = 4 * KIB + 1  # and a write where no memory is free for that: just more than pipes.ATOMIC
RANDOM_STEP: Final = 8 * KIB  # bytes that random_get fills in one turn
MAX_IOVS: Final = 1024  # buffers in one scatter or gather call
MAX_POLL: Final = 1024  # subscriptions in one poll_oneoff
PATH_MAX: Final = 4096  # bytes of a path, links expanded
NAME_MAX: Final = 255  # bytes of one component
MAX_LINKS: Final = 40  # symbolic links followed in one walk, as Linux

# -- files
PAGE: Final = 16 * KIB - 1  # a bytearray of it fills a 16 KiB block: one byte is CPython's
FIRST_PAGES: Final = (127, 1023, 4095, PAGE)  # sizes that a file's first page grows through
FAN: Final = 64  # children of a node in every tree of the kernel
TABLE_ITEMS: Final = FAN**3  # that one table can number: three levels
MAX_FILE: Final = PAGE * FAN**4  # bytes: four levels of pages
BUCKET: Final = 40  # names in a directory's leaf before it splits
LEAST_FILES_BYTES: Final = 8 * KIB  # of a file system, for its root
DISK_PAGE: Final = 8 * KIB  # bytes of a durable file that are one row of its database
COMMIT_CHANGES: Final = 512  # rows that one transaction of a durable file system changes, about
DISK_SIZE: Final = 1024 * 1024 * KIB  # of the file of a durable file system, unless the caller says otherwise
CACHE_SHARE: Final = 8  # its cache may take an eighth of the kernel's heap
LEAST_CACHE_BYTES: Final = 128 * KIB  # of the kernel's heap, for a durable file system's pages in memory
PIPE_PAGES: Final = 4  # pages of a pipe, which is as many bytes as it holds
MAX_BACKLOG: Final = 16  # connections that wait to be accepted by one socket; who comes then waits
SOCKET_NAME_MAX: Final = 107  # bytes of an AF_UNIX socket's name, as Linux

# -- the kernel's own memory
SCHEDULER_BYTES: Final = 192 * KIB  # the scheduler's standing reservation
START_BYTES: Final = 8 * KIB  # the most that starting a guest allocates, arguments aside
LEAST_BYTES: Final = SCHEDULER_BYTES + 160 * KIB  # of a heap, files aside: some processes, and any call
LEAST_PROGRAM_BYTES: Final = 224 * KIB  # that a program's heap limit may be: any call of one process
RECLAIM_MARGIN: Final = 16 * KIB  # what reclaim frees beyond the need, so that it does not run at each call
KILLS_KEPT: Final = 256  # kills that the statistics tell of, the last ones
MAX_OUTPUT: Final = 1024 * KIB  # bytes of captured output a stream, unless the caller says otherwise
MAX_HOST_FILES: Final = 256  # host descriptors that all guests together may hold
MAX_HOST_SOCKETS: Final = 1024  # connections from the host's network that they may, besides
