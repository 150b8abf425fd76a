"""Real clients at a server that runs under hardtack, alone and beside hogs: `make http`.

curl fetches every file whole; wrk keeps connections busy and counts. One line a situation; fails at the first
answer that is wrong or missing.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from test_network import serving

from hardtack import Kernel

SECONDS = 3
CONNECTIONS = 16
CONTENT = bytes(i * 7 % 251 for i in range(700_000))
HOGS = {
    "alone": [],
    "beside an endless loop": [("/bin/spin",)],
    "beside hogs of descriptors, sockets, pipes": [
        ("/bin/fdhog", ["-k"]),
        ("/bin/sockhog",),
        ("/bin/pipehog",),
    ],
    "beside a fork bomb": [("/bin/forkbomb",)],
}


def fetch(address: str, path: str) -> bytes:
    return subprocess.run(
        ["curl", "--silent", "--fail", "--max-time", "30", f"http://{address}{path}"],
        check=True,
        capture_output=True,
    ).stdout


def load(address: str) -> float:
    """Return how many requests a second wrk got answered, none of them wrong."""
    report = subprocess.run(
        [
            "wrk",
            "--threads",
            "1",
            "--connections",
            f"{CONNECTIONS}",
            "--duration",
            f"{SECONDS}s",
            f"http://{address}/",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "Non-2xx" not in report, report
    assert "Socket errors" not in report, report
    found = re.search(r"Requests/sec:\s+([\d.]+)", report)
    assert found, report
    rate = float(found[1])
    assert rate > 0, report
    return rate


def main() -> int:
    for situation, beside in HOGS.items():
        with Kernel(heap="16 MiB", memory="256 MiB") as kernel, tempfile.TemporaryDirectory() as name:
            kernel.write_file("/www/big", CONTENT)
            kernel.write_file("/www/index.html", b"a page\n")
            with serving(kernel, ["/www"], beside=beside) as (host, port):
                address = f"{host}:{port}"
                assert fetch(address, "/big") == CONTENT
                assert fetch(address, "/") == b"a page\n"
                out = Path(name) / "out"
                slow = threading.Thread(  # a client that takes its time, meanwhile
                    target=subprocess.run,
                    args=(
                        [
                            "curl",
                            "--silent",
                            "--limit-rate",
                            "100k",
                            "--output",
                            out,
                            f"http://{address}/big",
                        ],
                    ),
                    kwargs={"check": True},
                )
                slow.start()
                rate = load(address)
                slow.join()
                assert out.read_bytes() == CONTENT
            kernel.check()
            kills = ", ".join(kill.program for kill in kernel.statistics().kills) or "nobody"
        print(f"{situation:45} {rate:8.0f} requests/s; killed: {kills[:60]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
