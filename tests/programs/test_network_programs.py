"""Programs that talk over sockets of the kernel: nc, httpd, and the hog."""

from __future__ import annotations

import pytest

from hardtack import Kernel


@pytest.fixture
def kernel():
    with Kernel(heap="32 MiB") as made:
        yield made
        made.check()


def test_two_programs_of_a_shell_talk(kernel):
    connect = "until { echo there | nc /s; } 2> /dev/null; do true; done"  # the other one may not listen yet
    script = f"echo hello | nc -l /s > /out & {connect}; wait; cat /out"
    result = kernel.run("/bin/sh", ["-c", script], timeout=60)
    assert (result.stdout, result.stderr) == (b"hello\nthere\n", b"")


@pytest.mark.parametrize("name", ["/run/name", "8080"])
def test_two_process_trees_talk(kernel, name):
    server = kernel.spawn("/bin/nc", ["-l", name], stdin=b"from the server" * 5000)
    kernel.run_turns(10)
    client = kernel.spawn("/bin/nc", [name], stdin=b"from the client" * 5000)
    assert client.wait(60).stdout == b"from the server" * 5000
    assert server.wait(60).stdout == b"from the client" * 5000


@pytest.mark.parametrize(
    ("name", "why"), [("/nobody", b"No such file or directory"), ("81", b"Connection refused")]
)
def test_nobody_listens(kernel, name, why):
    result = kernel.run("/bin/nc", [name], timeout=60)
    assert (result.exit_code, result.stderr) == (1, b"nc: %s: %s\n" % (name.encode(), why))


def test_a_name_that_is_too_long(kernel):
    assert kernel.run("/bin/nc", ["-l", "n" * 108], timeout=60).exit_code == 1
    assert kernel.run("/bin/nc", ["65536"], timeout=60).exit_code == 1


@pytest.mark.parametrize("program", ["nc", "httpd"])
def test_wrong_use(kernel, program):
    result = kernel.run(f"/bin/{program}", ["a", "b", "c"], timeout=60)
    assert result.exit_code == 2
    assert result.stderr.startswith(b"usage: " + program.encode())


def test_a_hog_of_sockets_is_killed_and_a_connection_goes_on(kernel):
    server = kernel.spawn("/bin/nc", ["-l", "80"], stdin=b"still here")
    kernel.run_turns(10)
    hog = kernel.run("/bin/sockhog", timeout=60)
    assert hog.killed is not None
    assert kernel.run("/bin/nc", ["80"], timeout=60).stdout == b"still here"
    assert server.wait(60).exit_code == 0


# -- a server of HTTP
GREETING = b"hello from hardtack\n"


def ask(kernel, request, files=None, arguments=()):
    for path, data in (files or {}).items():
        kernel.write_file(path, data)
    server = kernel.spawn("/bin/httpd", ["-b", "80", *arguments])
    kernel.run_turns(10)
    result = kernel.run("/bin/nc", ["80"], stdin=request, timeout=60)
    server.kill()
    return result.stdout


def test_a_greeting(kernel):
    assert ask(kernel, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n") == (
        b"HTTP/1.1 200 OK\r\nServer: hardtack\r\nContent-Length: 20\r\nConnection: close\r\n\r\n" + GREETING
    )


def test_a_connection_is_kept_for_further_requests(kernel):
    answers = ask(kernel, b"GET / HTTP/1.1\r\n\r\nHEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\n")
    assert answers.count(b"HTTP/1.1 200 OK") == 3
    assert answers.count(GREETING) == 2
    assert answers.count(b"keep-alive") == 2


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /a.txt HTTP/1.0\r\n\r\n", b"200 OK"),
        (b"GET /%61.txt?query HTTP/1.0\r\n\r\n", b"200 OK"),
        (b"GET / HTTP/1.0\r\n\r\n", b"200 OK"),
        (b"GET /missing HTTP/1.0\r\n\r\n", b"404 Not Found"),
        (b"GET /below HTTP/1.0\r\n\r\n", b"404 Not Found"),
        (b"GET /../secret HTTP/1.0\r\n\r\n", b"404 Not Found"),
        (b"GET /%2e%2e/secret HTTP/1.0\r\n\r\n", b"404 Not Found"),
        (b"GET /" + b"x" * 1500 + b" HTTP/1.0\r\n\r\n", b"404 Not Found"),
        (b"POST / HTTP/1.0\r\n\r\n", b"405 Method Not Allowed"),
        (b"GET /\r\n\r\n", b"400 Bad Request"),
        (b"\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.0\r\nX: " + b"x" * 3000, b"400 Bad Request"),
        (b"\0\0\0", b"400 Bad Request"),
    ],
)
def test_requests_and_their_statuses(kernel, request_, status):
    files = {"/www/a.txt": b"a", "/www/index.html": b"i", "/www/below/b": b"b", "/secret": b"s"}
    assert ask(kernel, request_, files, ["/www"]).startswith(b"HTTP/1.1 " + status)


def test_a_large_file_arrives_whole(kernel):
    content = bytes(i * 7 % 251 for i in range(300_000))
    answer = ask(kernel, b"GET /big HTTP/1.0\r\n\r\n", {"/www/big": content}, ["/www"])
    assert answer.partition(b"\r\n\r\n")[2] == content
