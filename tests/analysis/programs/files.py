"""A file system in memory, written as one would naively: its state grows with what it holds."""

from __future__ import annotations


class Inode:
    def __init__(self, number: int) -> None:
        self.number = number
        self.data = bytearray()
        self.links = 0


class Directory:
    def __init__(self) -> None:
        self.entries: dict[str, Inode | Directory] = {}


class Files:
    def __init__(self) -> None:
        self.root = Directory()
        self.open_files: dict[int, tuple[Inode, int]] = {}
        self.next = 1

    def walk(self, path: str) -> Directory | Inode | None:
        at: Directory | Inode = self.root
        for name in path.split("/"):
            if not name or name == ".":
                continue
            if not isinstance(at, Directory):
                return None
            found = at.entries.get(name)
            if found is None:
                return None
            at = found
        return at

    def parent(self, path: str) -> tuple[Directory, str] | None:
        cut = path.rfind("/")
        where = self.walk(path[:cut]) if cut > 0 else self.root
        return (where, path[cut + 1 :]) if isinstance(where, Directory) else None

    def make_directory(self, path: str) -> bool:
        found = self.parent(path)
        if found is None or not found[1] or found[1] in found[0].entries:
            return False
        found[0].entries[found[1]] = Directory()
        return True

    def open(self, path: str, create: bool = False) -> int:
        node = self.walk(path)
        if node is None and create:
            found = self.parent(path)
            if found is None or not found[1]:
                return -1
            node = Inode(self.next)
            node.links = 1
            found[0].entries[found[1]] = node
        if not isinstance(node, Inode):
            return -1
        fd = self.next
        self.next += 1
        self.open_files[fd] = (node, 0)
        return fd

    def write(self, fd: int, data: bytes) -> int:
        found = self.open_files.get(fd)
        if found is None:
            return -1
        inode, offset = found
        inode.data[offset : offset + len(data)] = data
        self.open_files[fd] = (inode, offset + len(data))
        return len(data)

    def read(self, fd: int, size: int) -> bytes:
        found = self.open_files.get(fd)
        if found is None or size < 0:
            return b""
        inode, offset = found
        data = bytes(inode.data[offset : offset + size])
        self.open_files[fd] = (inode, offset + len(data))
        return data

    def rename(self, old: str, new: str) -> bool:
        source, target = self.parent(old), self.parent(new)
        if source is None or target is None or source[1] not in source[0].entries:
            return False
        target[0].entries[target[1]] = source[0].entries.pop(source[1])
        return True

    def close(self, fd: int) -> bool:
        return self.open_files.pop(fd, None) is not None
