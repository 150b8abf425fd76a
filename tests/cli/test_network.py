"""`hardtack run --tcplisten`: a real server, and what a wrong address is told."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import CommandLine


@contextlib.contextmanager
def serving(cli: CommandLine, *arguments: object) -> Iterator[str]:
    """Serve at a port that the host chose; give its address."""
    child = cli.start("run", "--tcplisten", "127.0.0.1:0", *arguments)
    try:
        assert child.stderr is not None
        found = re.fullmatch(rb"hardtack: listening at (127\.0\.0\.1:\d+)\n", child.stderr.readline())
        assert found
        yield found[1].decode()
    finally:
        os.killpg(child.pid, signal.SIGINT)
        child.communicate(timeout=30)
    assert child.returncode == 130


def test_a_directory_is_served(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<h1>biscuits</h1>")
    with (
        serving(cli, "--dir", f"{tmp_path}::/www", "/bin/httpd", "/www") as address,
        urllib.request.urlopen(f"http://{address}/", timeout=30) as response,
    ):
        assert response.read() == b"<h1>biscuits</h1>"


def test_an_address_in_use(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        ending = cli("run", "--tcplisten", where, "/bin/httpd")
    assert (ending.status, ending.error) == (
        1, f"hardtack: cannot listen at {where}: Address already in use"
    )  # fmt: skip


@pytest.mark.parametrize("where", ["80", ":80", "127.0.0.1:http"])
def test_what_is_no_address(cli: CommandLine, where: str) -> None:
    ending = cli("run", "--tcplisten", where, "/bin/httpd")
    assert ending.status == 2
    assert "write ADDR:PORT" in ending.error
