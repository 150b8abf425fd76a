"""Keeps a small library in files: JSON, CSV, a journal, links, temporary files; checks itself on the way."""

import collections
import csv
import dataclasses
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "/work")
SUBJECTS = ["ships", "bread", "kernels"]


@dataclasses.dataclass(order=True)
class Book:
    isbn: str
    title: str
    subject: str
    pages: int

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.isbn}{self.title}".encode()).hexdigest()[:12]


class Library:
    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.root.mkdir(parents=True, exist_ok=True)
        self.journal = root / "journal.log"

    def log(self, text: str) -> None:
        with self.journal.open("a") as journal:
            journal.write(text + "\n")

    def add(self, book: Book) -> None:
        folder = self.root / book.subject
        folder.mkdir(exist_ok=True)
        partial = folder / f".{book.isbn}.tmp"
        partial.write_text(json.dumps(dataclasses.asdict(book)), encoding="utf-8")
        partial.rename(folder / f"{book.isbn}.json")
        self.log(f"add {book.isbn}")

    def remove(self, isbn: str) -> bool:
        for path in self.root.glob(f"*/{isbn}.json"):
            path.unlink()
            self.log(f"remove {isbn}")
            return True
        return False

    def books(self) -> list[Book]:
        found = []
        for folder, folders, names in os.walk(self.root):
            folders.sort()
            for name in sorted(names):
                if re.fullmatch(r"\d{4}\.json", name):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        found.append(Book(**json.load(file)))
        return sorted(found)

    def export(self, path: pathlib.Path) -> int:
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([field.name for field in dataclasses.fields(Book)])
            rows = [dataclasses.astuple(book) for book in self.books()]
            writer.writerows(rows)
        return len(rows)


def main() -> None:
    library = Library(ROOT / "library")
    for number in range(120):
        subject = SUBJECTS[number % len(SUBJECTS)]
        library.add(Book(f"{number:04}", f"On {subject}, volume {number}", subject, 50 + number * 7 % 400))
    assert all(library.remove(f"{number:04}") for number in range(0, 120, 10))
    assert not library.remove("9999")

    books = library.books()
    count = collections.Counter(book.subject for book in books)
    print("books", len(books), dict(sorted(count.items())))
    print("pages", sum(book.pages for book in books), "digest", books[0].digest)

    exported = library.export(ROOT / "books.csv")
    with (ROOT / "books.csv").open(newline="") as file:
        again = [Book(r["isbn"], r["title"], r["subject"], int(r["pages"])) for r in csv.DictReader(file)]
    print("exported", exported, "same" if again == books else "DIFFERENT")

    lines = library.journal.read_text().splitlines()
    print("journal", len(lines), lines[0], "...", lines[-1])

    with tempfile.TemporaryDirectory(dir=ROOT) as scratch:
        archive = pathlib.Path(scratch) / "all.zip"
        with zipfile.ZipFile(archive, "w") as file:
            for path in sorted((ROOT / "library" / "ships").iterdir()):
                file.write(path, path.name)
        with zipfile.ZipFile(io.BytesIO(archive.read_bytes())) as file:
            print("archived", len(file.namelist()), file.testzip())
    print("scratch is gone", not archive.exists())

    os.symlink("books.csv", ROOT / "latest")
    print(
        "link",
        os.readlink(ROOT / "latest"),
        (ROOT / "latest").stat().st_size == (ROOT / "books.csv").stat().st_size,
    )
    with (ROOT / "books.csv").open("r+b") as file:
        file.seek(-5, os.SEEK_END)
        tail = file.read()
        file.truncate(100)
    print("truncated", (ROOT / "books.csv").stat().st_size, len(tail))
    shutil.rmtree(ROOT / "library" / "bread")
    print("left", sorted(path.name for path in (ROOT / "library").iterdir()))
    try:
        (ROOT / "library" / "missing").read_text()
    except FileNotFoundError as error:
        print("error", error.errno, error.strerror)
    (ROOT / "summary.json").write_text(json.dumps(count))


main()
