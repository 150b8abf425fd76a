"""The one C file; all else stands in pyproject.toml."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "hardtack.heap._native",
            ["src/hardtack/heap/_native.c"],
            extra_compile_args=["-std=gnu11", "-O2", "-Wall", "-Wextra", "-ftls-model=initial-exec"],
        )
    ]
)
