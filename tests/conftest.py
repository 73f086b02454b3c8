"""What every test may ask for: the real command in a process of its own, in an empty home."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


class Command:
    """Runs ``python -m dlkit`` as a user does: own process, own folder, own artifacts."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.home = folder / "artifacts"
        self.environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("DLKIT_", "LC_", "LANG", "COLUMNS", "NO_COLOR", "FORCE_COLOR"))
        } | {
            "DLKIT_HOME": str(self.home),
            "XDG_CACHE_HOME": str(cache),
            "HF_HOME": str(cache / "hf"),
            "LANG": "C.UTF-8",
            "TERM": "xterm",
        }

    def __call__(
        self,
        *arguments: str | Path,
        stdin: bytes | str = b"",
        env: dict[str, str] | None = None,
        check: int | None = 0,
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end; ``check`` is the exit code asked for (None: any)."""
        done = subprocess.run(
            [sys.executable, "-m", "dlkit", *map(str, arguments)],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            cwd=self.folder,
            env=self.environment | (env or {}),
            timeout=timeout,
            check=False,
        )
        result = subprocess.CompletedProcess(
            done.args,
            done.returncode,
            done.stdout.decode("utf-8", "backslashreplace"),
            done.stderr.decode("utf-8", "backslashreplace"),
        )
        if check is not None:
            assert result.returncode == check, f"{arguments}\n{result.stdout}\n{result.stderr}"
        assert "Traceback" not in result.stderr, result.stderr
        return result

    def start(self, *arguments: str | Path, env: dict[str, str] | None = None, **options):
        """Start and return the Popen object (stdout and stderr are pipes unless given)."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.Popen(
            [sys.executable, "-m", "dlkit", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment | (env or {}),
            **options,
        )


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One user cache for all tests, so that numba compiles once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def dlkit(tmp_path: Path, cache: Path) -> Command:
    """The real command with its own artifacts folder."""
    return Command(tmp_path, cache)


class _Capabilities:
    """What the kernel lets this thread do beyond its user's rights; see capabilities(7)."""

    VERSION = 0x20080522
    READ_AND_WRITE_EVERYTHING = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
    SET_SECUREBITS, NO_ROOT = 28, 1  # for prctl(2): root gains nothing from being root

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._header = (ctypes.c_uint32 * 2)(self.VERSION, 0)
        self._sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice
        self._call("capget", self._header, self._sets)
        self._effective = self._sets[0]

    def _call(self, name: str, *arguments: object) -> None:
        if getattr(self._libc, name)(*arguments):
            number = ctypes.get_errno()
            raise OSError(number, f"{name}: {os.strerror(number)}")

    def drop(self) -> None:
        self._call("prctl", self.SET_SECUREBITS, self.NO_ROOT, 0, 0, 0)
        self._sets[0] = self._effective & ~self.READ_AND_WRITE_EVERYTHING
        self._call("capset", self._header, self._sets)

    def restore(self) -> None:
        self._sets[0] = self._effective
        self._call("capset", self._header, self._sets)
        self._call("prctl", self.SET_SECUREBITS, 0, 0, 0, 0)


@pytest.fixture
def permissions_count(tmp_path: Path) -> Iterator[None]:
    """Files' permissions bind this process and its children, even if root runs the tests."""
    if os.geteuid() != 0:
        yield
        return
    capabilities = _Capabilities()
    capabilities.drop()
    try:
        (tmp_path / "closed").touch(mode=0)
        with pytest.raises(PermissionError):
            (tmp_path / "closed").read_bytes()
        (tmp_path / "closed").unlink()
        yield
    finally:
        capabilities.restore()
