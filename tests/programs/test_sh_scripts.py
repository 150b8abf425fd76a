"""The shell's language: each script does the same here and under the host's sh."""

from __future__ import annotations

import subprocess

import pytest

from hardtack import Kernel

SCRIPTS = {
    "variables": "a=1; b=$a$a; echo $b ${b} ${b}x \"$b y\" '$b'; unset b; echo [$b]",
    "defaults": 'echo ${a:-x} ${a:=y z} "$a" ${a:+set} ${#a} ${none-d} ${none+e}',
    "fields": 'a=\'  one   two \'; for i in $a; do echo "<$i>"; done; for i in "$a"; do echo "<$i>"; done',
    "empty fields": 'e=; for i in $e "$e" \'\' x$e; do echo "<$i>"; done',
    "arguments": 'set -- \'a b\' c \'\'; echo $#; for i in "$@"; do echo "<$i>"; done; for i; do echo "$i."; done; echo "$*"; shift; echo $1 $#',
    "no arguments": 'set --; for i in "$@"; do echo never; done; echo $#',
    "arguments with text": 'set -- a b; for i in "x$@y"; do echo $i; done',
    "if": "if true; then echo a; fi; if false; then echo b; else echo c; fi; if false; then echo d; elif true; then echo e; else echo f; fi",
    "if over lines": "if [ a = a ]\nthen\n  echo yes\nelse\n  echo no\nfi",
    "while": "i=0; while [ $i -lt 5 ]; do i=$((i + 1)); if [ $i = 2 ]; then continue; fi; if [ $i = 4 ]; then break; fi; echo $i; done; echo end $i",
    "until": "i=3; until [ $i -eq 0 ]; do echo $i; i=$((i-1)); done",
    "nested loops": "for a in 1 2 3; do for b in 1 2 3; do if [ $b = 2 ]; then continue 2; fi; if [ $a = 3 ]; then break 2; fi; echo $a$b; done; done; echo out",
    "case": "for w in apple bean cat 'a*' x; do case $w in a\\*) echo star;; a*|b*) echo ab $w;; [c-d]at) echo cat;; *) echo other $w;; esac; done",
    "substitution": 'a=$(echo one; echo two; echo); echo "$a" $a; echo $(echo $(echo deep))',
    "substitution status": "a=$(exit 3); echo $?; echo $(false) $?; a=$(true); echo $?",
    "substitution keeps quotes": 'echo "$(echo "a  b")" $(echo \'c  d\') "$(echo \')\')"',
    "arithmetic": "x=7; echo $((1 + 2 * 3)) $(( (1+2)*3 )) $((x % 4)) $((-x / 2)) $((x > 3 && x < 9)) $((x == 7 || 0)) $((!x)) $(($x-1))",
    "and or": "true && echo a || echo b; false && echo c || echo d; ! true || echo e; ! false && echo f",
    "status": "false; echo $?; true; echo $?; (exit 5); echo $?; ! true; echo $?; echo x | false; echo $?",
    "groups": "{ echo a; echo b; } | cat; (echo c; exit 4; echo d); echo $?; x=1; (x=2; echo $x); echo $x; { x=3; }; echo $x",
    "pipelines of compound commands": 'for i in 1 2 3; do echo $i; done | while read n; do echo "n$n"; done',
    "read": 'printf \'a b c\\nlast\' | { read x y; echo "$x/$y"; read z; echo "$z $?"; }',
    "redirection of a loop": "for i in 1 2; do echo $i; done > f; cat f; while read x; do echo got $x; done < f",
    "redirections": "echo out > f; echo more >> f; cat < f; { echo err >&2; echo o; } 2> g > h; cat g h; sh -c 'echo both; echo err >&2' > f 2>&1; cat f",
    "exec": "exec > f; echo hidden; exec >&2; echo shown >&1; cat f",
    "here": "a=5\ncat <<END\n$a and $((a+1)) and $(echo x)\n  kept\nEND\ncat <<'END'\n$a\nEND\necho after",
    "names of files": "mkdir d; > d/a; > d/b; > d/c1; cd d; echo *; echo ?; echo [ab] c* no*; echo \"*\" '?'; cd ..; echo d/*; x='d/?'; echo $x \"$x\"",
    "directories": 'mkdir -p a/b; cd a; pwd > ../w; cd b; cd ..; [ "$(pwd)" = "$(cat ../w)" ]; echo $?; cd /none 2> /dev/null; echo $((!!$?))',
    "children start in the working directory": "mkdir sub; cd sub; echo here > file; cat file; sh -c 'cat file; echo $#'; cat ../sub/file",
    "environment": "a=1; sh -c 'echo [$a]'; export a; sh -c 'echo [$a]'; a=2 sh -c 'echo [$a]'; echo $a; export b=3; sh -c 'echo $b'",
    "scripts": "echo 'echo \"$0 $1 $#\"; exit 6' > script; sh script one two; echo $?; sh ./script",
    "dot": "echo 'x=9; echo in' > f; . ./f; echo $x",
    "background": "sleep 0 & wait $!; echo $?; sh -c 'exit 3' & wait $!; echo $?; true & false & wait; echo $?",
    "comments": "echo a # b\n# c\necho d#e",
    "continued lines": "echo a \\\n b; echo 'x\ny'; echo one |\n cat &&\n echo two",
    "quotes": 'echo "a\'b" \'c"d\' e\\ f "g\\"h" "\\$x" "\\q" \'i\\j\' "$(echo \'"\')"',
    "test": "mkdir d; > e; echo x > f; for t in '-d d' '-f f' '-s e' '-s f' '-e none' '-z x' '-n x' '! -f d' '-f d -o -d d' '-f d -a -d d' '3 -gt 2' '3 -le 2' 'a != b'; do [ $t ]; echo $?; done",
    "signals": "sh -c 'kill -9 $$'; echo $?; sh -c 'kill $$'; echo $?",
    "exit in a subshell of a pipeline": "echo a | (read x; exit 3); echo $?",
    "a loop that counts": "i=0; s=0; while [ $i -lt 100 ]; do s=$((s+i)); i=$((i+1)); done; echo $s",
    "recursion": "echo 'if [ $1 -gt 0 ]; then echo $1; sh ./r $(($1 - 1)); fi' > r; sh ./r 4",
}


@pytest.fixture(scope="module")
def kernel():
    with Kernel(heap="64 MiB", memory="4 GiB") as made:
        yield made
        made.check()
        assert made.statistics().processes == 0
        assert made.statistics().heap.overruns == 0


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_does_what_it_does_under_the_hosts_shell(kernel, tmp_path, name):
    script = SCRIPTS[name]
    theirs = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, check=False, timeout=60)
    files = f"/work-{name.replace(' ', '-')}"
    ours = kernel.run("/bin/sh", ["-c", f"mkdir {files}; cd {files}; {script}"], timeout=60)
    assert (ours.exit_code, ours.stdout, ours.stderr) == (
        theirs.returncode,
        theirs.stdout,
        b"" if name == "signals" else theirs.stderr,  # the host's shell says "Killed"
    ), ours.failure


def test_a_program_that_cannot_be_started_is_no_script(kernel):
    result = kernel.run("/bin/sh", ["-c", "/x"], files={"/x": b"\0asm" + b"echo no\n" * 10}, timeout=60)
    assert (result.exit_code, result.stdout) == (126, b"")
    assert b"`hardtack run` it once from the host" in result.stderr
