"""A process that has the heavy libraries loaded and becomes ``dlkit`` when it is asked to.

``python tests/warm.py SOCKET`` answers on a socket: for each request it forks, and the child takes
the request's folder, environment and standard streams and runs ``dlkit`` as ``python -m dlkit``
does, to its end. That saves the seconds in which every command would load PyTorch and numba
anew, which hundreds of tests pay. No module of dlkit is loaded before the fork. What an environment
says at the start of Python or of a library is not heard; ``Command`` starts a process of its own
for that.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import sys
import threading

LIBRARIES = (
    "numpy", "torch", "numba", "llvmlite.binding", "pydantic", "typer", "rich.table", "jinja2",
    "sklearn.metrics", "PIL.Image",
)  # fmt: skip


def serve(path: str) -> tuple[dict, list[int]] | None:
    """Answer requests until the other side closes; returns in a child that has become a command."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.connect(path)
        while True:
            message, streams, _, _ = socket.recv_fds(listening, 1 << 20, 3)
            if not message:
                return None
            request = json.loads(message)
            child = os.fork()
            if child == 0:
                return request, streams
            for stream in streams:
                os.close(stream)
            listening.sendall(f"{child}\n".encode())
            _, status = os.waitpid(child, 0)
            listening.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def become(request: dict, streams: list[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # The streams of a new process, with nothing of the server's in their buffers.
    sys.stdin = sys.__stdin__ = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", 1, "utf-8", "backslashreplace", closefd=False)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["dlkit", *request["arguments"]]
    sys.path[0] = request["folder"]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    code = 0
    try:
        runpy.run_module("dlkit", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code or 0
    # What Python does at its end, but for taking the libraries apart, which takes a second.
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    # The command's end is the server's business, an interrupt of the tests is not.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in LIBRARIES:
        __import__(name)
    gc.collect()
    gc.freeze()  # no collection in a child touches, and so copies, what all share
    asked = serve(sys.argv[1])
    if asked is not None:
        become(*asked)


if __name__ == "__main__":
    main()
