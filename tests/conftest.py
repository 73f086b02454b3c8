"""What every test may ask for: the real command in a process of its own, in an empty home."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

if "PYTEST_XDIST_WORKER" in os.environ:
    # There is a worker for each core: with threads for all cores each would wait for the others,
    # here and in the commands. NumPy and PyTorch read it when they are loaded.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Where a test asks for more, who waits must not keep another from its core.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import hypothesis
import numpy as np
import pytest

# A busy machine is no failure; the time limit of a whole test is pytest's.
hypothesis.settings.register_profile("dlkit", deadline=None)
hypothesis.settings.load_profile("dlkit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: "test_readme" not in item.nodeid)


class Warm:
    """A process with the libraries loaded that becomes ``dlkit`` at each call; see ``warm.py``."""

    def __init__(self, folder: Path) -> None:
        path = folder / "warm.socket"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
            listening.listen(1)
            self._process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("warm.py"), str(path)],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            listening.settimeout(120)
            self._socket, _ = listening.accept()
        self._socket.settimeout(None)
        self._turn = threading.Lock()

    def run(
        self, arguments: list[str], folder: Path, environment: dict[str, str], stdin: bytes,
        timeout: float,
    ) -> subprocess.CompletedProcess[bytes]:  # fmt: skip
        """What ``subprocess.run`` of ``python -m dlkit`` gives."""
        request = {"arguments": arguments, "folder": str(folder), "environment": environment}
        told_in, in_ = os.pipe()
        out, told_out = os.pipe()
        error, told_error = os.pipe()
        with self._turn, ThreadPoolExecutor(3) as pool:
            socket.send_fds(
                self._socket, [json.dumps(request).encode()], [told_in, told_out, told_error]
            )
            for stream in (told_in, told_out, told_error):
                os.close(stream)
            feeding = pool.submit(self._feed, in_, stdin)
            reading = [pool.submit(self._read, stream) for stream in (out, error)]
            answers = self._socket.makefile("r")
            child = int(answers.readline())
            ending = threading.Timer(timeout, os.kill, (child, signal.SIGKILL))
            ending.start()
            code = int(answers.readline())
            ending.cancel()
            feeding.result()
            stdout, stderr = (each.result() for each in reading)
        if code == -signal.SIGKILL:
            raise subprocess.TimeoutExpired(arguments, timeout, stdout, stderr)
        return subprocess.CompletedProcess(["dlkit", *arguments], code, stdout, stderr)

    @staticmethod
    def _feed(stream: int, text: bytes) -> None:
        with contextlib.suppress(BrokenPipeError), open(stream, "wb") as file:
            file.write(text)

    @staticmethod
    def _read(stream: int) -> bytes:
        with open(stream, "rb") as file:
            return file.read()

    def close(self) -> None:
        self._socket.close()
        self._process.wait(30)


class Command:
    """Runs ``dlkit`` as a user does: own process, own folder, own artifacts.

    A call that changes nothing that Python or a library reads at its start is answered by a warm
    process (``warm``); ``start`` and all other calls begin with ``python -m dlkit``.
    """

    # What dlkit itself reads, and reads anew in each process.
    READ_LATE = ("DLKIT_", "XDG_", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "TERM", "HOME")

    def __init__(self, folder: Path, cache: Path, warm: Warm | None) -> None:
        self.folder = folder
        self.warm = warm
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
        words = [os.fspath(word) for word in arguments]
        given = stdin.encode() if isinstance(stdin, str) else stdin
        environment = self.environment | (env or {})
        if self.warm and all(key.startswith(self.READ_LATE) for key in env or {}):
            done = self.warm.run(words, self.folder, environment, given, timeout)
        else:
            done = subprocess.run(
                [sys.executable, "-m", "dlkit", *words],
                input=given,
                capture_output=True,
                cwd=self.folder,
                env=environment,
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
    """One user cache for all tests of all workers, so that numba compiles once."""
    here = tmp_path_factory.getbasetemp()
    folder = (here.parent if "PYTEST_XDIST_WORKER" in os.environ else here) / "user-cache"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[Warm | None]:
    """One warm process for the tests of this worker; DLKIT_TESTS_COLD=1 does without."""
    if os.environ.get("DLKIT_TESTS_COLD"):
        yield None
        return
    process = Warm(tmp_path_factory.mktemp("warm"))
    yield process
    process.close()


@pytest.fixture
def dlkit(request: pytest.FixtureRequest, tmp_path: Path, cache: Path) -> Command:
    """The real command with its own artifacts folder."""
    # Rights that a test gives up bind its children, not a process that was there before.
    own = "permissions_count" in request.fixturenames
    return Command(tmp_path, cache, None if own else request.getfixturevalue("warm"))


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


# A model that fasttext 0.9.3 wrote (the wheel fasttext-numpy2 0.10.4), of forty times the lines
# "早饭 很 好吃", "早饭 hello naïve" and "很 好吃 hello": train_unsupervised(model="skipgram",
# dim=3, minn=1, maxn=3, bucket=8, minCount=1, epoch=2, neg=2, ws=2); below what its
# get_word_vector says.
_FASTTEXT_WROTE = base64.b85decode(
    b"x)x6_3;+NC0{{R30ssI20ssI20RR910ssI20RR910ssI20ssI22mk;80RR910{{R3WB>pFEkhjZ;x-"
    b"yT1^@s61^@s600000-"
    b"~j*t00000|NsC0|NsC0JTG%T0C)fZ00000008Efsp+My08jt`00000008B_hyYLk000000002xrM=~lg8)zf0000"
    b"00001JWo&G308jt`00000003@b!>@K_04M+e000000000E0000000003000000002zrH#H0tc5<w)l<HwK#RR=q>"
    b"a9WtA#$L)>FQxK#RRsJYl}OSV2DMucW=N6iPnWFDJg+wC+9hnmj%G;84D>M%ulAa5X({r7%7oP<uUMTTH!e5#_uO"
    b"5}7`QM5jL9wB9@RK+V0}2Y0?d*_gde1cE)uo-n>v66?KVNJBnM9risIoqE1rSU)^RtyjJ!8#O+%O`^UxbPYc49$-"
    b"BH0097u9%Kgq1^@s6000000{{R3000003!zau)w!6tYqfH@9BhC)V`Fl=9uYu03!zcE)w!5CYqfGYJ)oMqPrZUW$"
    b"K^1)9BhC)V`Fl=9uYu0000000000000000"
)
_FASTTEXT_SAYS = {
    "</s>": [-0.27665636, 0.2610783, -0.20687021],
    "早饭": [-0.0054985229, 0.013919047, 0.062830016],
    "很": [0.040914845, -0.089986183, 0.025320351],
    "好吃": [0.056447398, -0.020562463, -0.016338708],
    "hello": [0.030997761, -0.016155317, 0.04227614],
    "naïve": [0.026103377, 0.0050253491, -0.0042829691],
}
_FASTTEXT_SAYS_OF_UNKNOWN = {
    "早饭饭": [-0.010690249, 0.028990496, -0.012226383],
    "hell": [0.0098981382, 0.046669628, 0.039588131],
    "naïveté": [0.0018079634, 0.067709699, -0.0023836074],
    "😀": [0.017829482, 0.012904603, -0.10305015],
}


def fasttext_bytes(
    words,
    own,
    ngrams=None,
    outputs=None,
    *,
    minn=0,
    maxn=0,
    model=2,
    loss=2,
    version=12,
    magic=793712314,
    labels=(),
    quantised=0,
    pruned=(),
    tokens=1000,
) -> bytes:
    """A fastText model as fastText's source writes it; (V, D) own rows, (B, D) rows of n-grams.

    ``words`` and ``labels`` are pairs of a word and its count.
    """
    own = np.asarray(own, "<f4")
    ngrams = np.zeros((0, own.shape[1])) if ngrams is None else ngrams
    outputs = np.zeros_like(own) if outputs is None else outputs
    dim, buckets = own.shape[1], len(ngrams)
    parts = [struct.pack("<ii", magic, version)]
    settings = (dim, 5, 5, 1, 5, 1, loss, model, buckets, minn, maxn, 100)
    parts.append(struct.pack("<12id", *settings, 1e-4))
    sizes = (len(words) + len(labels), len(words), len(labels), tokens, len(pruned) or -1)
    parts.append(struct.pack("<iiiqq", *sizes))
    for kind, entries in enumerate((words, labels)):
        for word, count in entries:
            word = word if isinstance(word, bytes) else word.encode()
            parts.append(word + b"\0" + struct.pack("<qb", count, kind))
    parts += [struct.pack("<ii", *pair) for pair in pruned]
    for matrix in (np.concatenate([own, ngrams]), np.asarray(outputs)):
        parts.append(struct.pack("<?qq", quantised, *matrix.shape) + matrix.astype("<f4").tobytes())
    return b"".join(parts)


@pytest.fixture(scope="session")
def fasttext() -> SimpleNamespace:
    """A model that fastText wrote, what it says of words, and a writer of any model."""
    return SimpleNamespace(
        wrote=_FASTTEXT_WROTE,
        says=_FASTTEXT_SAYS,
        says_of_unknown=_FASTTEXT_SAYS_OF_UNKNOWN,
        bytes=fasttext_bytes,
    )
