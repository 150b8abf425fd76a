"""The small tools: each command prints and returns what the host's tool of that name does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hardtack import Kernel

# What the commands work on, made by the shell on both sides.
SETUP = r"""
printf 'pear\napple\nfig\napple\nBanana\n' > fruit
printf '10\n9\n-3\n10 x\n2\n' > numbers
printf 'a:b:c\nno\n::x\n' > fields
printf 'one line' > endless
> empty
mkdir d d/e; echo deep > d/e/f; echo x > d/x
"""
COMMANDS = {
    "basename": ["basename /a/b.c", "basename /a/b.c .c", "basename a/", "basename /", "basename .c .c"],
    "cat": ["cat fruit numbers", "cat < fruit", "cat empty endless"],
    "cmp": ["cmp fruit fruit; echo $?", "cmp fruit numbers; echo $?", "cmp empty fruit 2> /dev/null; echo $?"],
    "cp": ["cp fruit copy; cmp fruit copy; echo $?"],
    "cut": ["cut -d : -f 2 fields", "cut -f 1,3- -d : fields", "cut -c 1-3,5 fruit", "cut -c -2 < fruit"],
    "dirname": ["dirname /a/b/c", "dirname a", "dirname /a", "dirname a/b/", "dirname /"],
    "du": ["du -s empty | cut -f 2", "du -s d | cut -f 2", "du d | cut -f 2"],
    "echo": ["echo a  b", "echo -n a; echo b", "echo"],
    "env": ["env A=1 sh -c 'echo $A'", "A=2 env B=3 env | grep '^[AB]=' | sort", "env false; echo $?"],
    "false": ["false; echo $?"],
    "find": ["find d | sort", "find . -name '*e*' | sort", "find d -type f | sort", "find d -type d -name e", "find d/x fruit"],
    "grep": [
        "grep ap fruit; echo $?", "grep -v ap fruit", "grep -c p fruit numbers", "grep -in ^b fruit", "grep -l x d/x fruit numbers",
        "grep -q fig fruit; echo $?", "grep -q none fruit; echo $?", "grep '^[0-9][0-9]*$' numbers", "grep 'p*le' < fruit", "grep '' endless",
    ],
    "head": ["head -n 2 fruit", "head -n 0 fruit", "seq 30 | head", "head -n 100 endless", "head -n 1 fruit | cat"],
    "kill": ["sleep 100 & kill $!; wait $!; echo $?", "sleep 100 & kill -9 $!; wait $!; echo $?", "sleep 100 & kill -INT $!; kill -0 $!; echo $?"],
    "ln": ["ln fruit other; cat other; ln -s fruit soft; cat soft; ls -l > /dev/null"],
    "ls": ["ls d", "ls fruit", "ls d/e d/x 2> /dev/null | sort", "ls"],
    "mkdir": ["mkdir m; mkdir -p m/n/o m; ls m m/n"],
    "mv": ["cp fruit v; mv v w; ls w; mv w d/w; ls d"],
    "printf": [
        "printf '%s-%d\\n' a 1 b 2", "printf '%5s|%-5s|%05d|%x|%o|%c\\n' ab cd 42 255 8 xyz", "printf 'a\\tb\\\\\\n'", "printf '%b' 'x\\ny\\n'",
        "printf '%%\\n'", "printf '\\101\\n'", "printf 'no newline'", "printf '%s\\n'", "printf '[%s]' a b c; echo", "printf '%d\\n' 0x10 010",
    ],
    "pwd": ["[ \"$(pwd)\" = \"$PWD\" ]; echo $?"],
    "readlink": ["ln -s to/where l; readlink l; readlink fruit 2> /dev/null; echo $?"],
    "rm": ["cp fruit r; rm r; ls r 2> /dev/null; mkdir -p t/u/v; echo x > t/u/w; rm -r t; ls"],
    "seq": ["seq 3", "seq 2 4", "seq 1 3 10", "seq 3 -1 1", "seq -2 2", "seq 3 1"],
    "sleep": ["sleep 0.05; echo $?", "sleep 0; echo $?"],
    "sort": ["sort fruit", "sort -r fruit", "sort -u fruit", "sort -n numbers", "sort -nr numbers", "sort fruit numbers", "sort < endless", "sort empty"],
    "tail": ["tail -n 2 fruit", "seq 30 | tail", "tail -n 0 fruit", "tail -n 3 endless"],
    "tee": ["echo a | tee t u; cat t u; echo b | tee -a t > /dev/null; cat t"],
    "test": ["test -f fruit; echo $?", "test 1 -gt 2; echo $?", "test a = a -a b != c; echo $?", "test; echo $?", "test -d d; echo $?"],
    "touch": ["touch new fruit; cat new; ls new"],
    "tr": ["tr a-z A-Z < fruit", "tr -d pe < fruit", "tr -s p < fruit", "tr 'a\\n' 'x ' < fruit", "tr a-c 1 < fruit", "tr -s a-z x < fruit"],
    "true": ["true; echo $?"],
    "uniq": ["sort fruit | uniq", "sort fruit | uniq -d", "uniq empty", "uniq < fruit"],
    "wc": ["wc -l < fruit", "wc -c < endless", "wc -w < fields"],
    "xargs": ["cat fruit | xargs", "seq 7 | xargs -n 3 echo x", "echo a b | xargs -n 1 echo", "seq 2000 | xargs -n 100 | wc -l", "seq 2 | xargs sh -c 'exit 3'; echo $?"],
    "yes": ["yes 2> /dev/null | head -n 3", "yes a b 2> /dev/null | head -n 1"],
}  # fmt: skip
OURS = {
    "abuser", "arghog", "calls", "deafhog", "fdhog", "filehog", "forkbomb", "forkhog", "forktime", "hello", "httpd", "keeper", "mail", "memhog",
    "namehog", "pipehog", "recurse", "sleeper", "nc", "sockhog", "spin", "swarm", "unlinkhog", "zombiehog",
}  # fmt: skip
USAGES = [
    "basename", "cmp a", "cp a", "cut -f", "cut -d x", "dirname", "du -x", "find -name", "find -type q", "grep", "grep -z a", "head -n x",
    "kill", "kill x", "ln a", "mkdir", "mv a", "printf", "printf %q", "ps x", "readlink", "rm", "seq", "seq x", "seq 1 0 2", "sleep", "sleep x", "sort -z",
    "tail -n x", "tee -x", "touch", "tr a", "tr -d", "uniq -z", "wc -z", "xargs -n 0",
]  # fmt: skip


@pytest.fixture(scope="module")
def kernel():
    with Kernel(heap="64 MiB", memory="4 GiB") as made:
        yield made
        made.check()
        assert made.statistics().processes == 0
        assert made.statistics().heap.overruns == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_a_tool_does_what_the_hosts_does(kernel, tmp_path, name):
    script = SETUP + "\n".join(COMMANDS[name])
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    theirs = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, capture_output=True, check=False, timeout=60, env=environment
    )
    ours = kernel.run("/bin/sh", ["-c", f"mkdir /{name}; cd /{name}\n{script}"], timeout=60)
    assert (ours.stdout.decode(), ours.stderr) == (theirs.stdout.decode(), b""), ours.failure


@pytest.mark.parametrize("command", USAGES)
def test_wrong_use_is_told_how_it_is_right(kernel, command):
    result = kernel.run("/bin/sh", ["-c", command], timeout=60)
    assert (result.exit_code, result.stdout) == (2, b"")
    assert result.stderr.startswith(b"usage: " + command.split()[0].encode())


def test_every_program_is_tested_here_or_is_no_tool():
    folder = Path(__file__).parents[2] / "src" / "hardtack" / "programs"
    assert {path.stem for path in folder.glob("*.wasm")} == COMMANDS.keys() | OURS | {"ps", "sh"}


def test_an_error_of_one_file_does_not_keep_a_tool_from_the_others(kernel):
    for tool in ("cat", "head", "tail", "sort", "grep ''"):
        result = kernel.run("/bin/sh", ["-c", f"echo there > /file; {tool} /none /file"], timeout=60)
        assert b"there" in result.stdout
        assert result.stderr == f"{tool.split()[0]}: /none: No such file or directory\n".encode()
        assert result.exit_code in {1, 2}


def test_ps_shows_the_processes_of_its_own_tree(kernel):
    other = kernel.spawn("/bin/sleeper", ["1000"])
    result = kernel.run("/bin/sh", ["-c", "sleep 100 & sleep 0.2; ps; kill $!"], timeout=60)
    lines = [line.split() for line in result.stdout.decode().splitlines()]
    assert lines[0] == ["Pid", "PPid", "State", "Heap", "Memory", "Descriptors", "Name"]
    assert [(line[2], line[-1]) for line in lines[1:]] == [
        ("blocked", "sh"), ("blocked", "sleep"), ("runnable", "ps")
    ]  # fmt: skip
    shell = lines[1][0]
    assert [line[1] for line in lines[1:]] == ["0", shell, shell]
    assert all(int(line[3]) > 0 and int(line[4]) > 0 and int(line[5]) > 3 for line in lines[1:])
    other.kill()
    other.wait(timeout=60)
