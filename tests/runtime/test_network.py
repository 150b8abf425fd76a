"""Programs that serve clients on the host's network: with real ones, beside hogs, with clients that stall."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time

import pytest

from hardtack import Kernel
from hardtack.errors import KernelError
from hardtack.runtime.listening import parse_address

GREETING = b"hello from hardtack\n"


@contextlib.contextmanager
def serving(kernel, arguments=(), beside=()):
    """Serve on a thread of its own, with programs beside; give the server's address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = kernel.spawn("/bin/httpd", arguments, listen=[listener], protected=True)
        others = [kernel.spawn(*other) for other in beside]
        thread = threading.Thread(target=server.wait)
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            for process in (*others, server):
                process.kill()
            thread.join()


def get(address, path="/"):
    connection = http.client.HTTPConnection(*address, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()


def test_a_program_serves_a_client():
    with Kernel(heap="16 MiB") as kernel, serving(kernel) as address:
        assert get(address) == (200, GREETING)
        assert get(address, "/missing")[0] == 404


def test_files_of_the_kernel_are_served_whole():
    content = bytes(i * 7 % 251 for i in range(1_000_000))
    with Kernel(heap="16 MiB") as kernel:
        kernel.write_file("/www/big", content)
        with serving(kernel, ["/www"]) as address:
            assert get(address, "/big") == (200, content)


@pytest.mark.parametrize(
    "beside",
    [
        [("/bin/spin",)],
        [("/bin/fdhog", ["-k"])],
        [("/bin/sockhog",), ("/bin/pipehog",), ("/bin/forkbomb",)],
        [("/bin/memhog",)],
    ],
    ids=lambda beside: beside[0][0],
)
def test_clients_are_served_beside_a_hog(beside):
    with Kernel(heap="8 MiB", memory="64 MiB") as kernel:
        with serving(kernel, beside=beside) as address:
            answers = [get(address) for _ in range(20)]
        assert answers == [(200, GREETING)] * 20
        kernel.check()


def test_a_client_that_says_nothing_and_one_that_reads_nothing_keep_nobody_waiting():
    with Kernel(heap="16 MiB") as kernel:
        kernel.write_file("/www/big", bytes(6_000_000))
        kernel.write_file("/www/index.html", GREETING)
        with (
            serving(kernel, ["/www"]) as address,
            socket.create_connection(address),
            socket.create_connection(address) as greedy,
            socket.create_connection(address) as half,
        ):
            greedy.sendall(b"GET /big HTTP/1.1\r\n\r\n" * 20)
            half.sendall(b"GET / HT")
            began = time.monotonic()
            assert [get(address) for _ in range(20)] == [(200, GREETING)] * 20
            assert time.monotonic() - began < 8  # a slot is taken away after 10


def test_many_clients_at_once():
    with Kernel(heap="16 MiB") as kernel, serving(kernel) as address:
        answers = []
        threads = [
            threading.Thread(target=lambda: answers.extend(get(address) for _ in range(5))) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [(200, GREETING)] * 40


def test_listening_sockets_come_before_directories_which_are_still_found(tmp_path):
    (tmp_path / "page").write_bytes(b"of the host")
    with Kernel(heap="16 MiB", dirs={"/data": tmp_path}) as kernel:
        assert kernel.run("/bin/cat", ["/data/page"], listen=["127.0.0.1:0"] * 3).stdout == b"of the host"


def test_a_server_waits_without_end_and_is_killed_by_its_timeout():
    with Kernel(heap="16 MiB") as kernel:
        result = kernel.run("/bin/httpd", listen=["127.0.0.1:0"], timeout=0.5)
        assert result.killed == "timeout: it had not ended after 0.5 s"


def test_without_a_socket_a_server_ends_with_an_error():
    with Kernel(heap="16 MiB") as kernel:
        assert kernel.run("/bin/httpd", timeout=60).exit_code == 1


# -- what callers give
@pytest.mark.parametrize(
    "text", ["", "80", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "::1:80", "a:65536"]
)
def test_what_is_no_address(text):
    with pytest.raises(KernelError, match="ADDR:PORT"):
        parse_address(text)


def test_an_address_in_use_says_so():
    with socket.create_server(("127.0.0.1", 0)) as taken, Kernel(heap="16 MiB") as kernel:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(KernelError, match=f"cannot listen at {where}: Address already in use"):
            kernel.spawn("/bin/httpd", listen=[where])
        assert kernel.statistics().processes == 0


def test_a_name_is_not_looked_up():
    with (
        Kernel(heap="16 MiB") as kernel,
        pytest.raises(KernelError, match=r"cannot listen at host\.example:80"),
    ):
        kernel.spawn("/bin/httpd", listen=["host.example:80"])


def test_a_socket_that_does_not_listen_is_refused():
    with (
        Kernel(heap="16 MiB") as kernel,
        socket.socket() as fresh,
        pytest.raises(KernelError, match="listens"),
    ):
        kernel.spawn("/bin/httpd", listen=[fresh])


def test_what_is_no_socket_is_refused_and_the_others_are_closed():
    with Kernel(heap="16 MiB") as kernel, pytest.raises(TypeError, match="neither"):
        kernel.spawn("/bin/httpd", listen=["127.0.0.1:0", 3])
