"""The command line: one sub-app per room, and the one place that turns errors into exit codes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlkit import __version__, console, signals
from dlkit.errors import FAILED, USAGE, DlkitError, ReaderGoneError, StoppedError

if TYPE_CHECKING:
    from dlkit.config.schema import Settings

# What a person may type after `dlkit`, and the module whose `app` answers.
ROOMS = {
    "knn": "dlkit.knn.cli",
    "classify": "dlkit.classify.cli",
    "cnn": "dlkit.cnn.cli",
    "word2vec": "dlkit.word2vec.cli",
    "similar": "dlkit.similar.cli",
    "artifacts": "dlkit.artifacts.cli",
    "recipes": "dlkit.config.cli",
}
# The settings of each task that has recipes: module and class, imported when asked for.
SCHEMAS = {
    "knn": ("dlkit.knn.config", "KnnConfig"),
    "classify": ("dlkit.classify.config", "ClassifyConfig"),
    "cnn": ("dlkit.cnn.config", "CnnConfig"),
    "word2vec": ("dlkit.word2vec.config", "Word2vecConfig"),
    "search": ("dlkit.cnn.search.config", "SearchConfig"),
    "upscale": ("dlkit.cnn.upscale.config", "UpscaleConfig"),
    "detect": ("dlkit.cnn.detect.config", "DetectConfig"),
}

# Usage errors of Typer are of the class that its public BadParameter derives from.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def schemas() -> dict[str, Callable[[], type[Settings]]]:
    """For each task that has recipes, a function that imports and returns its settings class."""

    def importer(module: str, name: str) -> Callable[[], type[Settings]]:
        return lambda: getattr(import_module(module), name)

    return {task: importer(*place) for task, place in SCHEMAS.items()}


def _version(wanted: bool) -> None:  # noqa: FBT001
    if wanted:
        console.Output("tsv").text(f"dlkit {__version__}\n")
        raise typer.Exit


def _about(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Deep learning on the command line: from raw data to a trained, measured, explained model.

    Start here: dlkit word2vec train -r reviews, then dlkit similar 早餐
    """


def build() -> typer.Typer:
    """The whole command line."""
    root = typer.Typer(
        name="dlkit",
        callback=_about,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    for name, module in ROOMS.items():
        room: typer.Typer = import_module(module).app
        # A room with one nameless command is a verb by itself.
        if room.info.name == name:
            root.add_typer(room, name=name)
        else:
            root.add_typer(room)
    return root


def _command(arguments: list[str]) -> tuple[Callable[..., object], list[str], str]:
    """What answers ``arguments``: the command object, its own arguments, the name it goes by.

    When the first arguments name a command, only its room is imported and only it parses: every
    command starts faster, because Typer loads pydantic for each level that parses. Completion and
    help of the root need the whole tree.
    """
    if not arguments or arguments[0] not in ROOMS or "_DLKIT_COMPLETE" in os.environ:
        return typer.main.get_command(build()).main, arguments, "dlkit"
    command: Any = typer.main.get_command(import_module(ROOMS[arguments[0]]).app)
    used = 1
    while len(arguments) > used and arguments[used] in getattr(command, "commands", ()):
        command = command.commands[arguments[used]]
        used += 1
    rest = arguments[used:]
    left_out: Callable[[list[str]], str | None] | None = getattr(command, "left_out", None)
    if left_out is not None and (name := left_out(rest)) is not None:
        command = command.commands[name]
    if arguments[0] != "similar" and "-h" in rest[-1:]:  # similar reads -h as a word
        rest = [*rest[:-1], "--help"]
    return command.main, rest, " ".join(["dlkit", *arguments[:used]])


def run(arguments: list[str]) -> int:
    """Run the command line ``arguments`` (without the program's name) and return the exit code."""
    _guard_streams()
    try:
        code = _dispatch(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except (BrokenPipeError, ReaderGoneError):
        # The reader has gone, which is no error: be quiet, as if killed by SIGPIPE.
        _abandon_stdout()
        return 128 + signal.SIGPIPE
    except OSError as problem:
        _abandon_stdout()
        console.error(f"cannot write the results: {problem.strerror or problem}")
        return FAILED
    return code


def _dispatch(arguments: list[str]) -> int:
    with signals.interrupting() as received:
        try:
            code = _answered(arguments)
        except KeyboardInterrupt:
            code = 128 + signal.SIGINT
    if not received:
        return code
    # Typer makes a silent exit of a KeyboardInterrupt; whichever way it came, it is told here.
    console.error(signals.told(received[-1]))
    return 128 + received[-1]


def _answered(arguments: list[str]) -> int:
    try:
        main, rest, name = _command(arguments)
        result = main(args=rest, prog_name=name, standalone_mode=False, obj=schemas())
    except (BrokenPipeError, ReaderGoneError):
        raise
    except SystemExit as leaving:
        # Typer leaves so when it writes its own help into a closed pipe.
        if type(sys.stdout).__name__ == "PacifyFlushWrapper":
            raise ReaderGoneError from None
        return leaving.code if isinstance(leaving.code, int) else FAILED
    except DlkitError as problem:
        console.error(problem.message, problem.hint)
        return problem.code
    except StoppedError as stopped:
        console.error(stopped.message, stopped.hint)
        return 128 + stopped.signum
    except typer.Abort:  # the end of the input where an answer was asked for
        console.error("interrupted")
        return 128 + signal.SIGINT
    except _UsageError as problem:
        return _usage(problem)
    except Exception as problem:
        if os.environ.get("DLKIT_DEBUG"):
            raise
        return _unforeseen(problem)
    return result if isinstance(result, int) else 0


def _unforeseen(problem: Exception) -> int:
    """Tell of an exception that no room turned into a DlkitError."""
    if isinstance(problem, MemoryError):
        console.error("out of memory", "close other programs, or use less data at a time")
    elif isinstance(problem, OSError):
        where = f"{problem.filename}: " if problem.filename else ""
        console.error(f"{where}{problem.strerror or problem}")
    else:
        console.error(
            f"unexpected {type(problem).__name__}: {problem}",
            "this is a bug in dlkit; DLKIT_DEBUG=1 shows where it happened",
        )
    return FAILED


def _usage(problem: Exception) -> int:
    context = getattr(problem, "ctx", None)
    path = context.command_path if context is not None else "dlkit"
    if type(problem).__name__ == "NoArgsIsHelpError":
        console.say(str(problem))
        return USAGE
    details: list[Any] = getattr(problem.__cause__, "errors", list)()
    parameter = getattr(problem, "param", None)
    if details and parameter is not None:  # pydantic read the value, which Typer does not name
        from dlkit.config.resolve import mistake

        name = max(parameter.opts, key=len)
        console.error(f"{name}: {mistake(details[0])}", f"{path} --help")
        return USAGE
    message = str(problem.format_message()) if hasattr(problem, "format_message") else str(problem)
    message = message.strip()
    console.error(message.rstrip("."), f"{path} --help")
    return USAGE


def _guard_streams() -> None:
    """Make stdin, stdout and stderr safe: never reused by a file, always UTF-8.

    A process started with a closed standard stream would give its number to the next file that it
    opens, and a print would go into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY
            opened = os.open(os.devnull, flags)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")


def _abandon_stdout() -> None:
    """Let what is still buffered for stdout go nowhere, so that leaving is quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
