r"""Python code in one call, in a kernel of its own that ends with it, or in one that is there.

    >>> from hardtack import run_python
    >>> run_python("print(6 * 7)").stdout
    b'42\n'

The code is a file of that kernel, the interpreter one of the host: see `interpreter`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from hardtack.errors import KernelError
from hardtack.runtime.arguments import as_code, as_files, as_list
from hardtack.runtime.interpreter import find_interpreter
from hardtack.runtime.kernel import Kernel

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from hardtack.limits import Limits
    from hardtack.runtime.arguments import Input
    from hardtack.runtime.results import Result

CODE_PATH: Final = "/main.py"
FLAGS: Final = ("-B",)  # what it would compile for the next time nobody would read


def run_python(
    code: str,
    args: Sequence[str] = (),
    *,
    files: Mapping[str, bytes] | None = None,
    stdin: Input = b"",
    env: Mapping[str, str] | None = None,
    dirs: Mapping[str, str | os.PathLike[str]] | None = None,
    limits: Limits | None = None,
    heap: int | str = "64 MiB",
    memory: int | str = "1 GiB",
    python: str | os.PathLike[str] | None = None,
    kernel: Kernel | None = None,
) -> Result:
    r"""Run Python code as a program; blocks. It ends with everything that it made but files in `dirs`.

    The first run of an interpreter on a machine compiles it, which takes half a minute; later ones start in a
    tenth of a second.

    Args:
        code: the program. It is the file /main.py for itself, so tracebacks show its lines.
        args: sys.argv[1:].
        files: what it finds in its file system, as {path: content}; modules in / can be imported.
        stdin: what it reads, or an open file or descriptor of the host, or subprocess.DEVNULL.
        env: its environment; nothing of the host's is passed on.
        dirs: directories of the host that it may use, as {its name for it: path on the host}.
        limits: what it may take; `Result.limit` names the one that ended it.
        heap: capacity of its kernel's heap: files in memory, descriptors, captured output.
        memory: capacity of user memory, where limits say nothing.
        python: an interpreter to use, a .wasm file; else `find_interpreter` says which.
        kernel: run it in this one, with the files and directories that it has, and not in one of its own.
            What it leaves in files stays, the code as /main.py, too.

    Raises:
        ProgramError: there is no interpreter, or it can't run.
        KernelError: a file does not fit, a directory is not there, or code has a lone surrogate.

    Example:
        >>> import hardtack
        >>> result = hardtack.run_python("print(open('/data').read())", files={"/data": b"ahoy"})
        >>> result.exit_code, result.stdout
        (0, b'ahoy\n')
        >>> hardtack.run_python("while True: pass", limits=hardtack.Limits(wall=1)).killed
        'wall limit: it had not ended after 1 s'
    """
    content = as_code(code)
    interpreter = find_interpreter(python)
    contents, arguments = as_files(files), as_list("args", args, "strings")
    if CODE_PATH in contents:
        raise KernelError(f"files: {CODE_PATH} is where the code itself is put")
    if kernel is not None and dirs:
        raise KernelError("dirs: a kernel that is there has the directories that it was made with")
    own = Kernel(heap, memory, dirs=dirs) if kernel is None else contextlib.nullcontext(kernel)
    with own as used:
        return used.run(
            interpreter,
            [*FLAGS, CODE_PATH, *arguments],
            stdin=stdin,
            files={**contents, CODE_PATH: content},
            env=env,
            limits=limits,
        )
