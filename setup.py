"""The four C files; all else stands in pyproject.toml."""

from setuptools import Extension, setup

FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra"]

setup(
    ext_modules=[
        Extension(
            "hardtack.heap._native",
            ["src/hardtack/heap/_native.c"],
            # GCC would keep the books two fields at a time in vector registers, and spend more on putting
            # them in and taking them out.
            extra_compile_args=[*FLAGS, "-ftls-model=initial-exec", "-fno-tree-vectorize"],
        ),
        Extension("hardtack.kernel._words", ["src/hardtack/kernel/_words.c"], extra_compile_args=FLAGS),
        Extension("hardtack.wasm._callbacks", ["src/hardtack/wasm/_callbacks.c"], extra_compile_args=FLAGS),
        Extension(
            "hardtack.integrations._numpy", ["src/hardtack/integrations/_numpy.c"], extra_compile_args=FLAGS
        ),
    ]
)
