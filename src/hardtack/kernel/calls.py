"""The system calls on descriptors, paths, clocks and the process itself: WASI preview1's.

Each handler gets the process and the call's arguments as they stand in the ABI (unsigned; pointers into
`process.memory`), checks them, does the work through a `Description`, writes its results to the guest's
memory and returns an errno. It runs admitted: it may allocate up to its row's bound and never waits; WAIT
means that it has changed nothing, and put the process on a queue or doomed it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from hardtack.kernel import abi
from hardtack.kernel.abi import (
    CLOCK_MONOTONIC,
    EBADF,
    EFAULT,
    EILSEQ,
    EINVAL,
    ENAMETOOLONG,
    ENOTSUP,
    OK,
    PAIR,
    RIGHT_READ,
    RIGHT_WRITE,
    U32,
    U64,
    WAIT,
    fits,
    pack_u32,
    pack_u64,
    unpack_pair,
)
from hardtack.kernel.descriptions import Description, close
from hardtack.kernel.params import FAN, MAX_DESCRIPTORS, MAX_IO, MAX_IOVS, PATH_MAX, RANDOM_STEP, STEP_IO

if TYPE_CHECKING:
    from hardtack.kernel.process import Process
    from hardtack.kernel.ranges import Block, Long, Number, PathBytes, Transfer, Word


# -- bytes: each call moves the first buffer that is not empty, MAX_IO bytes in a turn (`count_moved`)
def fd_write(process: Process, fd: Word, vectors: Word, count: Word, out: Word) -> int:
    """Write from the guest's memory to a descriptor."""
    descriptors = process.descriptors
    description = descriptors.first[fd] if fd < FAN else descriptors.find(fd)
    if description is None or not description.rights & RIGHT_WRITE:
        return EBADF
    memory = process.memory
    try:  # one buffer's own bounds are checked by struct, which is cheaper than here
        start, size = unpack_pair(memory, vectors) if count == 1 else first_buffer(memory, vectors, count)
    except struct.error:
        return EFAULT
    if not fits(memory, start, size) or not fits(memory, out, 4):
        return EFAULT
    if size > MAX_IO or process.moved:
        start += process.moved
        piece = min(size - process.moved, MAX_IO)
    else:
        piece = size
    done = description.write(process, start, piece)
    if done != size:
        return count_moved(process, done, done > 0, size, out)
    pack_u32(memory, out, done)
    return OK


def fd_read(process: Process, fd: Word, vectors: Word, count: Word, out: Word) -> int:
    """Read from a descriptor to the guest's memory."""
    descriptors = process.descriptors
    description = descriptors.first[fd] if fd < FAN else descriptors.find(fd)
    if description is None or not description.rights & RIGHT_READ:
        return EBADF
    memory = process.memory
    try:  # one buffer's own bounds are checked by struct, which is cheaper than here
        start, size = unpack_pair(memory, vectors) if count == 1 else first_buffer(memory, vectors, count)
    except struct.error:
        return EFAULT
    if size > MAX_IO:
        return _read(process, fd, vectors, count, None, out)
    if not fits(memory, start, size) or not fits(memory, out, 4):
        return EFAULT
    done = description.read(process, start, size)
    if done < 0:
        return -done
    pack_u32(memory, out, done)
    return OK


def fd_pwrite(process: Process, fd: Word, vectors: Word, count: Word, offset: Long, out: Word) -> int:
    """Write at a position that does not move."""
    return _write(process, fd, vectors, count, offset, out, MAX_IO)


def fd_pread(process: Process, fd: Word, vectors: Word, count: Word, offset: Long, out: Word) -> int:
    """Read at a position that does not move."""
    return _read(process, fd, vectors, count, offset, out)


def fd_write_step(process: Process, fd: Word, vectors: Word, count: Word, out: Word) -> int:
    """As fd_write, of STEP_IO bytes in this turn."""
    return _write(process, fd, vectors, count, None, out, STEP_IO)


def fd_pwrite_step(process: Process, fd: Word, vectors: Word, count: Word, offset: Long, out: Word) -> int:
    """As fd_pwrite, of STEP_IO bytes in this turn."""
    return _write(process, fd, vectors, count, offset, out, STEP_IO)


def _write(
    process: Process,
    fd: Word,
    vectors: Word,
    count: Word,
    offset: Long | None,
    out: Word,
    most: Transfer,
) -> int:
    """Write the next `most` bytes, at an offset or for None at the descriptor's own position."""
    description = process.descriptors.find(fd)
    if description is None or not description.rights & RIGHT_WRITE:
        return EBADF
    buffer = _buffer(process, vectors, count, offset, out)
    if isinstance(buffer, int):
        return buffer
    start, size = buffer
    moved = process.moved
    piece = min(size - moved, most)
    if offset is None:
        done = description.write(process, start + moved, piece)
    else:
        done = description.write_at(process, offset + moved, start + moved, piece)
    return count_moved(process, done, done > 0, size, out)


def _read(process: Process, fd: Word, vectors: Word, count: Word, offset: Long | None, out: Word) -> int:
    """As `_write`, from a descriptor. Not one with it: its bound would be that of both."""
    description = process.descriptors.find(fd)
    if description is None or not description.rights & RIGHT_READ:
        return EBADF
    buffer = _buffer(process, vectors, count, offset, out)
    if isinstance(buffer, int):
        return buffer
    start, size = buffer
    moved = process.moved
    piece = min(size - moved, MAX_IO)
    if offset is None:
        done = description.read(process, start + moved, piece)
    else:
        done = description.read_at(process, offset + moved, start + moved, piece)
    # what is no file may keep a reader waiting who has something already
    further = done == piece and description.filetype == abi.REGULAR_FILE
    return count_moved(process, done, further, size, out)


def _buffer(
    process: Process, vectors: Word, count: Word, offset: Long | None, out: Word
) -> tuple[int, int] | int:
    """Return (start, size) of the buffer that is to be moved, or an errno."""
    memory = process.memory
    try:
        start, size = first_buffer(memory, vectors, count)
    except struct.error:
        return EFAULT
    if start + size > len(memory) or out + 4 > len(memory):
        return EFAULT
    return EINVAL if offset is not None and offset >> 63 else (start, size)


def count_moved(process: Process, done: int, further: bool, size: Word, out: Word) -> int:
    """Answer for a read or write of `size` bytes that has moved `done` more, or met an errno, negated.

    WAIT if it is to go further: in another turn, so that no call takes long. So a write ends short only where
    an error would come next, which who writes on will meet, and a read of a file only at its end.
    """
    if done == -WAIT:
        return WAIT
    moved = process.moved
    if done > 0:
        moved += done
        if further and moved < size:
            with process.heap:
                process.moved = moved
            return WAIT
    elif done < 0 and not moved:
        return -done
    process.moved = 0
    U32.pack_into(process.memory, out, moved)
    return OK


def first_buffer(memory: memoryview, vectors: Word, count: Word) -> tuple[int, int]:
    """Return (start, size) of the first buffer that is not empty, among MAX_IOVS at most.

    Raises:
        struct.error: the list of buffers does not lie in memory.
    """
    if vectors + 8 * count > len(memory):
        raise struct.error
    start = size = 0
    for i in range(min(count, MAX_IOVS)):
        start, size = PAIR.unpack_from(memory, vectors + 8 * i)
        if size:
            break
    return start, size


# -- descriptors
def fd_close(process: Process, fd: Word) -> int:
    """Close a descriptor."""
    description = process.descriptors.remove(fd)
    if description is None:
        return EBADF
    close(description)
    return OK


def fd_renumber(process: Process, fd: Word, to: Word) -> int:
    """Let `to` lead to what fd leads to, and free fd."""
    description = process.descriptors.find(fd)
    other = process.descriptors.find(to)
    if description is None or other is None or to >= MAX_DESCRIPTORS:
        return EBADF
    if fd != to:
        process.descriptors.put(to, description)
        close(other)
        process.descriptors.remove(fd)
    return OK


def fd_seek(process: Process, fd: Word, offset: Long, whence: Word, out: Word) -> int:
    """Move the position."""
    descriptors = process.descriptors
    description = descriptors.first[fd] if fd < FAN else descriptors.find(fd)
    if description is None:
        return EBADF
    memory = process.memory
    if not fits(memory, out, 8):
        return EFAULT
    position = description.seek(offset if offset < 1 << 63 else offset - (1 << 64), whence)
    if position < 0:
        return -position
    pack_u64(memory, out, position)
    return OK


def fd_tell(process: Process, fd: Word, out: Word) -> int:
    """Report the position."""
    return fd_seek(process, fd, 0, abi.SEEK_CUR, out)


def fd_fdstat_get(process: Process, fd: Word, out: Word) -> int:
    """Report type, flags and rights."""
    description = process.descriptors.find(fd)
    if description is None:
        return EBADF
    if out + 24 > len(process.memory):
        return EFAULT
    abi.FDSTAT.pack_into(
        process.memory,
        out,
        description.filetype,
        description.flags,
        description.rights,
        description.inheriting,
    )
    return OK


def fd_fdstat_set_flags(process: Process, fd: Word, flags: Word) -> int:
    """Set append, nonblock, and the flags that have each write brought to where it is kept."""
    description = process.descriptors.find(fd)
    if description is None or not description.takes_flags:
        return EBADF
    if flags & ~31:
        return EINVAL
    description.flags = flags
    return OK


def fd_fdstat_set_rights(process: Process, fd: Word, rights: Long, inheriting: Long) -> int:
    """Refuse, as wasmtime does: a description is shared, so one process could take another's rights."""
    description = process.descriptors.find(fd)
    if description is None or description.filetype not in {abi.REGULAR_FILE, abi.DIRECTORY}:
        return EBADF
    return ENOTSUP


def fd_filestat_get(process: Process, fd: Word, out: Word) -> int:
    """Report a file's status."""
    description = process.descriptors.find(fd)
    if description is None:
        return EBADF
    return _put_filestat(process, description.filestat(), out)


def _put_filestat(process: Process, status: tuple[int, ...] | int, out: Word) -> int:
    if isinstance(status, int):
        return status
    if out + abi.FILESTAT.size > len(process.memory):
        return EFAULT
    abi.FILESTAT.pack_into(process.memory, out, *status)
    return OK


def fd_filestat_set_size(process: Process, fd: Word, size: Long) -> int:
    """Cut or lengthen a file."""
    description = process.descriptors.find(fd)
    if description is None:
        return EBADF
    if description.filetype == abi.REGULAR_FILE and (size >> 63 or not description.rights & abi.RIGHT_WRITE):
        return EINVAL
    return description.set_size(size)


def fd_filestat_set_times(process: Process, fd: Word, atime: Long, mtime: Long, flags: Word) -> int:
    """Set a file's times."""
    times = _times(process, atime, mtime, flags)
    if isinstance(times, int):
        return times
    description = process.descriptors.find(fd)
    return EBADF if description is None else description.set_times(*times)


def _times(process: Process, atime: Long, mtime: Long, flags: Word) -> tuple[int | None, int | None] | int:
    now = process.system.files.now
    if flags & abi.SET_ATIM and flags & abi.SET_ATIM_NOW:
        return EINVAL
    if flags & abi.SET_MTIM and flags & abi.SET_MTIM_NOW:
        return EINVAL
    return (
        now if flags & abi.SET_ATIM_NOW else atime if flags & abi.SET_ATIM else None,
        now if flags & abi.SET_MTIM_NOW else mtime if flags & abi.SET_MTIM else None,
    )


def fd_advise(process: Process, fd: Word, offset: Long, length: Long, advice: Word) -> int:
    """Take advice."""
    description = process.descriptors.find(fd)
    if description is None:
        return EBADF
    if advice > 5:
        return EINVAL
    return description.advise()


def fd_allocate(process: Process, fd: Word, offset: Long, length: Long) -> int:
    """Make a file at least so long."""
    description = process.descriptors.find(fd)
    if description is None:
        return EBADF
    return description.allocate(offset, length)


def fd_sync(process: Process, fd: Word) -> int:
    """Bring what was written to where it is kept."""
    description = process.descriptors.find(fd)
    return EBADF if description is None else description.sync()


def fd_datasync(process: Process, fd: Word) -> int:
    """As fd_sync, but for a file's times."""
    description = process.descriptors.find(fd)
    return EBADF if description is None else description.sync_data()


def fd_prestat_get(process: Process, fd: Word, out: Word) -> int:
    """Report what was opened for the program, and the length of its name."""
    description = process.descriptors.find(fd)
    if description is None or description.preopen is None:
        return EBADF
    if out + 8 > len(process.memory):
        return EFAULT
    PAIR.pack_into(process.memory, out, description.preopen_type, len(description.preopen))
    return OK


def fd_prestat_dir_name(process: Process, fd: Word, start: Word, size: Word) -> int:
    """Report a preopened directory's name."""
    description = process.descriptors.find(fd)
    if description is None:
        return EBADF
    if description.preopen is None:
        return abi.ENOTDIR
    name = description.preopen
    if size < len(name):
        return ENAMETOOLONG
    if start + len(name) > len(process.memory):
        return EFAULT
    process.memory[start : start + len(name)] = name
    return OK


def fd_readdir(process: Process, fd: Word, start: Word, size: Word, cookie: Long, out: Word) -> int:
    """List a directory from a cookie on."""
    description = process.descriptors.find(fd)
    if description is None:
        return EBADF
    size = min(size, MAX_IO)
    if start + size > len(process.memory) or out + 4 > len(process.memory):
        return EFAULT
    done = description.readdir(process, start, size, cookie)
    if done < 0:
        return -done
    U32.pack_into(process.memory, out, done)
    return OK


# -- paths
def get_path(process: Process, start: Word, size: Word) -> PathBytes | int:
    """Return a path from the guest's memory, or an errno: it must be UTF-8 without NUL."""
    if size > PATH_MAX:
        return ENAMETOOLONG
    if start + size > len(process.memory):
        return EFAULT
    path = bytes(process.memory[start : start + size])
    if b"\0" in path:
        return EINVAL
    return path if path.isascii() or _is_utf8(path) else EILSEQ


def _is_utf8(path: PathBytes) -> bool:
    """Decode piece by piece: a whole path could take eight times its length while it is decoded."""
    start = 0
    for _ in range(len(path)):
        for back in range(4):  # to between two characters; where there are none, what follows is refused
            length = 256 - back
            end = start + length
            if end >= len(path) or path[end] & 0xC0 != 0x80:
                break
        try:
            path[start : start + length].decode()
        except UnicodeDecodeError:
            return False
        start += length
        if start >= len(path):
            break
    return True


def path_open(
    process: Process,
    fd: Word,
    lookup: Word,
    start: Word,
    size: Word,
    oflags: Word,
    rights: Long,
    inheriting: Long,
    flags: Word,
    out: Word,
) -> int:
    """Open what a path names."""
    directory = process.descriptors.find(fd)
    if directory is None:
        return EBADF
    path = get_path(process, start, size)
    if isinstance(path, int):
        return path
    if out + 4 > len(process.memory):
        return EFAULT
    if flags & ~31 or oflags & ~15:
        return EINVAL
    if oflags & abi.O_DIRECTORY and oflags & (abi.O_CREAT | abi.O_EXCL | abi.O_TRUNC):
        return EINVAL
    if not rights & abi.RIGHT_WRITE:
        rights |= abi.RIGHT_READ
    number = process.descriptors.lowest_free()
    if number < 0:
        return abi.EMFILE
    description = directory.open_at(process, path, bool(lookup & 1), oflags, flags, rights, inheriting)
    del path  # before there is more
    if isinstance(description, int):
        return description
    install(process, number, description)
    U32.pack_into(process.memory, out, number)
    return OK


def install(process: Process, number: Number, description: Description) -> None:
    """Let a free number lead to a description."""
    process.descriptors.put(number, description)
    description.references += 1


def path_create_directory(process: Process, fd: Word, start: Word, size: Word) -> int:
    """Make a directory."""
    directory = process.descriptors.find(fd)
    if directory is None:
        return EBADF
    path = get_path(process, start, size)
    return path if isinstance(path, int) else directory.create_directory_at(process, path)


def path_remove_directory(process: Process, fd: Word, start: Word, size: Word) -> int:
    """Remove an empty directory."""
    directory = process.descriptors.find(fd)
    if directory is None:
        return EBADF
    path = get_path(process, start, size)
    return path if isinstance(path, int) else directory.remove_directory_at(path)


def path_unlink_file(process: Process, fd: Word, start: Word, size: Word) -> int:
    """Remove a name."""
    directory = process.descriptors.find(fd)
    if directory is None:
        return EBADF
    path = get_path(process, start, size)
    return path if isinstance(path, int) else directory.unlink_at(path)


def path_filestat_get(process: Process, fd: Word, lookup: Word, start: Word, size: Word, out: Word) -> int:
    """Report the status of what a path names."""
    directory = process.descriptors.find(fd)
    if directory is None:
        return EBADF
    path = get_path(process, start, size)
    if isinstance(path, int):
        return path
    return _put_filestat(process, directory.filestat_at(path, bool(lookup & 1)), out)


def path_filestat_set_times(
    process: Process, fd: Word, lookup: Word, start: Word, size: Word, atime: Long, mtime: Long, flags: Word
) -> int:
    """Set the times of what a path names."""
    directory = process.descriptors.find(fd)
    if directory is None:
        return EBADF
    path = get_path(process, start, size)
    if isinstance(path, int):
        return path
    times = _times(process, atime, mtime, flags)
    return times if isinstance(times, int) else directory.set_times_at(path, bool(lookup & 1), *times)


def path_symlink(process: Process, target: Word, target_size: Word, fd: Word, start: Word, size: Word) -> int:
    """Make a symbolic link."""
    directory = process.descriptors.find(fd)
    if directory is None:
        return EBADF
    leads_to = get_path(process, target, target_size)
    if isinstance(leads_to, int):
        return leads_to
    path = get_path(process, start, size)
    return path if isinstance(path, int) else directory.symlink_at(process, leads_to, path)


def path_readlink(
    process: Process, fd: Word, start: Word, size: Word, buffer: Word, room: Word, out: Word
) -> int:
    """Report a symbolic link's target, cut to the room there is."""
    directory = process.descriptors.find(fd)
    if directory is None:
        return EBADF
    path = get_path(process, start, size)
    if isinstance(path, int):
        return path
    target = directory.readlink_at(path)
    if isinstance(target, int):
        return target
    room = min(room, len(target))
    if buffer + room > len(process.memory) or out + 4 > len(process.memory):
        return EFAULT
    process.memory[buffer : buffer + room] = target[:room]
    U32.pack_into(process.memory, out, room)
    return OK


def path_link(
    process: Process,
    fd: Word,
    lookup: Word,
    start: Word,
    size: Word,
    to_fd: Word,
    to_start: Word,
    to_size: Word,
) -> int:
    """Give a file another name."""
    if lookup & 1:
        return EINVAL
    directory = _directory(process, fd)
    to = _directory(process, to_fd)
    if directory is None or to is None:
        return EBADF
    path = get_path(process, start, size)
    if isinstance(path, int):
        return path
    new = get_path(process, to_start, to_size)
    return new if isinstance(new, int) else directory.link_at(process, path, to, new)


def path_rename(
    process: Process, fd: Word, start: Word, size: Word, to_fd: Word, to_start: Word, to_size: Word
) -> int:
    """Move a name."""
    directory = _directory(process, fd)
    to = _directory(process, to_fd)
    if directory is None or to is None:
        return EBADF
    path = get_path(process, start, size)
    if isinstance(path, int):
        return path
    new = get_path(process, to_start, to_size)
    if isinstance(new, int):
        return new
    length = len(new)
    new = new.rstrip(b"/") or new
    return directory.rename_at(path, to, new, len(new) < length)


def _directory(process: Process, fd: Word) -> Description | None:
    """Return what a descriptor leads to, if that is a directory."""
    description = process.descriptors.find(fd)
    return description if description is not None and description.filetype == abi.DIRECTORY else None


# -- arguments, environment, clocks, randomness
def args_sizes_get(process: Process, count: Word, size: Word) -> int:
    """Report how many arguments there are, and their bytes."""
    return _sizes(process, process.arguments, count, size)


def args_get(process: Process, pointers: Word, start: Word) -> int:
    """Copy the arguments."""
    return _strings(process, process.arguments, pointers, start)


def environ_sizes_get(process: Process, count: Word, size: Word) -> int:
    """Report how many variables there are, and their bytes."""
    return _sizes(process, process.environment, count, size)


def environ_get(process: Process, pointers: Word, start: Word) -> int:
    """Copy the environment."""
    return _strings(process, process.environment, pointers, start)


def _sizes(process: Process, block: Block, count: Word, size: Word) -> int:
    if count + 4 > len(process.memory) or size + 4 > len(process.memory):
        return EFAULT
    U32.pack_into(process.memory, count, block.count(b"\0"))
    U32.pack_into(process.memory, size, len(block))
    return OK


def _strings(process: Process, block: Block, pointers: Word, start: Word) -> int:
    memory = process.memory
    if start + len(block) > len(memory) or pointers + 4 * block.count(b"\0") > len(memory):
        return EFAULT
    memory[start : start + len(block)] = block
    position = 0
    for _ in range(block.count(b"\0")):
        U32.pack_into(memory, pointers, start + position)
        pointers += 4
        position = block.index(b"\0", position) + 1
    return OK


def clock_res_get(process: Process, clock: Word, out: Word) -> int:
    """Report a clock's resolution: 1 us."""
    if clock > abi.CLOCK_THREAD_CPUTIME:
        return EINVAL
    if out + 8 > len(process.memory):
        return EFAULT
    U64.pack_into(process.memory, out, 1000)
    return OK


def clock_time_get(process: Process, clock: Word, precision: Long, out: Word) -> int:
    """Report the time in ns."""
    memory = process.memory
    if not fits(memory, out, 8):
        return EFAULT
    if clock == CLOCK_MONOTONIC:
        pack_u64(memory, out, process.system.clock.monotonic())
    elif clock == abi.CLOCK_REALTIME:
        pack_u64(memory, out, process.system.clock.realtime())
    elif clock <= abi.CLOCK_THREAD_CPUTIME:
        pack_u64(memory, out, _processor_time(process))
    else:
        return EINVAL
    return OK


def _processor_time(process: Process) -> int:
    """Return ns of processor time, from when it is first asked for: nobody else's turns are measured."""
    now = process.system.clock.processor()
    if process.cpu_began is None:
        with process.heap:
            process.cpu_began = now + 0
    return process.cpu_used + now - process.cpu_began


def random_get(process: Process, start: Word, size: Word) -> int:
    """Fill a buffer with random bytes, RANDOM_STEP in a turn: they cost time that no fuel is taken for."""
    memory = process.memory
    if start + size > len(memory):
        return EFAULT
    done = process.random_done
    piece = min(RANDOM_STEP, size - done)
    memory[start + done : start + done + piece] = process.system.random(piece)
    if done + piece == size:
        process.random_done = 0
        return OK
    with process.heap:
        process.random_done = done + piece
    return WAIT
