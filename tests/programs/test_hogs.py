"""Hogs: each takes one thing without end, in a kernel of 16 MiB; the citizen beside it has no error."""

from __future__ import annotations

import pytest

from hardtack import Kernel

# A hog's command, and how it may end: killed for memory, or by an error of its own that it prints.
KILLED, REFUSED = "killed", "refused"
HOGS = {
    "descriptors": (["fdhog", "-k"], KILLED),
    "a file": (["filehog"], REFUSED),
    "files that are unlinked": (["unlinkhog"], REFUSED),
    "names": (["namehog"], REFUSED),
    "pipes": (["pipehog"], KILLED),
    "readers that never read": (["deafhog"], KILLED),
    "processes": (["forkbomb"], None),  # user memory, of which there is 1 GiB, ends first; so that of forks
    "forks": (["forkhog"], None),
    "zombies": (["zombiehog"], None),  # there can be only so many processes of one tree
    "arguments": (["arghog"], None),  # they are in user memory
    "environment": (["arghog", "env"], None),
    "linear memory": (["memhog"], REFUSED),
    "the stack": (["recurse"], REFUSED),
    "time": (["spin"], None),
    "output": (["yes"], None),
}


@pytest.mark.parametrize("what", HOGS)
def test_a_hog_ends_and_the_citizen_beside_it_has_no_error(what):
    (name, *args), ending = HOGS[what]
    with Kernel(heap="16 MiB") as kernel:
        before = kernel.run("/bin/mail", ["warm", "1"], timeout=60)
        assert before.exit_code == 0
        live = kernel.statistics().heap.live
        hog = kernel.spawn(f"/bin/{name}", args)
        mail = kernel.spawn("/bin/mail", ["ann", "200"])
        citizen = mail.wait(timeout=120)
        assert (citizen.exit_code, citizen.stderr, citizen.killed) == (0, b"", None)
        if ending is None:
            hog.kill()
        ended = hog.wait(timeout=120)
        if ending == KILLED:
            assert ended.killed == "out of memory: its group held most of the kernel's heap"
            assert [kill.program for kill in kernel.statistics().kills] == [name]
        elif ending == REFUSED:
            assert (ended.killed, ended.exit_code in {1, 134}) == (None, True)
        for path in ("/spool", "/namehog", "/filehog", "/fdhog"):
            kernel.run("/bin/rm", ["-r", path], timeout=60)
        kernel.run("/bin/sh", ["-c", "rm /filehog.*"], timeout=60)
        kernel.check()
        statistics = kernel.statistics()
        assert (statistics.heap.overruns, statistics.heap.leaked, statistics.processes) == (0, 0, 0)
        assert statistics.memory == 0
        assert statistics.heap.live - live < 20_000


@pytest.mark.parametrize("name", ["forkbomb", "forkhog"])
def test_a_hog_of_processes_leaves_others_the_user_memory_to_start_programs(name):
    with Kernel(heap="32 MiB", memory="64 MiB") as kernel:
        hog = kernel.spawn(f"/bin/{name}")
        while kernel.statistics().memory_peak < 46 << 20:
            kernel.run("/bin/true", timeout=60)
        assert kernel.statistics().memory <= 48 << 20
        pipeline = kernel.run("/bin/sh", ["-c", "echo ahoy | cat | wc -c"], timeout=60)
        assert (pipeline.exit_code, pipeline.stdout) == (0, b"5\n")
        hog.kill()


@pytest.mark.parametrize("name", ["zombiehog", "forkbomb", "forkhog"])
def test_a_hog_of_processes_is_killed_as_a_whole_where_the_heap_ends_first(name):
    with Kernel(heap="4 MiB", memory="4 GiB") as kernel:
        hog = kernel.spawn(f"/bin/{name}")
        citizen = kernel.run("/bin/mail", ["ann", "300"], timeout=120)
        assert (citizen.exit_code, citizen.stderr) == (0, b"")
        assert hog.wait(timeout=120).exit_code == 137
        assert [kill.program for kill in kernel.statistics().kills] == [name]
        kernel.check()
        assert kernel.statistics().processes == 0
