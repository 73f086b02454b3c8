"""Word vectors written to the files of other tools."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeVar, cast

from dlkit import signals
from dlkit.artifacts.finding import find
from dlkit.artifacts.placing import check_places, placed
from dlkit.errors import USAGE, DlkitError, StoppedError
from dlkit.records import Noted, Record, Step
from dlkit.vectors import arrays, formats, writing
from dlkit.vectors.store import WordVectors, open_outputs, open_vectors
from dlkit.vectors.table import Options
from dlkit.word2vec import tofasttext
from dlkit.word2vec.save import KIND

if TYPE_CHECKING:
    from dlkit.vectors.detect import Named
    from dlkit.vectors.fasttextbin import Model

T = TypeVar("T")

STDOUT = "-"
_SILENCE = 1.0  # seconds between two records


class Target(NamedTuple):
    """Where vectors are written to.

    Attributes:
        paths: the file of the vectors and, where words stand in a file of their own, that file;
            none for standard output.
        layout: the format.
        packed: the file is compressed with gzip.

    """

    paths: tuple[Path, ...]
    layout: Named
    packed: bool


def target_of(output: str, layout: str | None) -> Target:
    """What ``output``, a path or ``-``, and the option ``--to`` ask for.

    Raises:
        DlkitError: (USAGE) no such format, or the suffix does not tell it, or the format cannot
            go there.

    """
    if layout is not None and layout not in writing.FORMATS:
        raise DlkitError(
            f"--to: unknown format {layout!r}", hint=f"use {', '.join(writing.FORMATS)}", code=USAGE
        )
    if output == STDOUT:
        if layout not in writing.TEXTS:
            raise DlkitError(
                "standard output takes a text format" + (f", not {layout}" if layout else ""),
                hint=f"--to {'|'.join(writing.TEXTS)}",
                code=USAGE,
            )
        return Target((), cast("Named", layout), packed=False)
    path = Path(output).expanduser()
    zipped = path.suffix == ".gz"
    plain = path.with_suffix("") if zipped else path
    layout = layout or writing.SUFFIXES.get(plain.suffix)
    if layout is None:
        raise DlkitError(
            f"the suffix of {path.name} does not tell a format",
            hint=f"say --to {'|'.join(writing.FORMATS)}, or end the name with "
            f"{' '.join(writing.SUFFIXES)}",
            code=USAGE,
        )
    named = cast("Named", layout)
    if zipped and named in (*writing.IN_TWO, "fasttext-bin"):
        raise DlkitError(
            f"{path.name}: {named} files are not compressed, their readers take them plain",
            hint=f"leave out .gz: {plain.name}",
            code=USAGE,
        )
    if named not in writing.IN_TWO:
        return Target((path,), named, packed=zipped)
    return Target((path, arrays.words_file(path, numpy=named == "numpy")), named, packed=False)


def export(
    target: Target,
    stdout: BinaryIO,
    *,
    source: str | None = None,
    file: str | None = None,
    dtype: str = "float32",
    restrict: int | None = None,
    outputs: bool = False,
    force: bool = False,
) -> Generator[Record, None, dict[str, object]]:
    """Write word vectors as another tool reads them; returns the facts of what was written.

    Args:
        target: where to, and how.
        stdout: what stands for standard output.
        source: the artifact: NAME, TASK/NAME or a path; None: the newest.
        file: a file of vectors instead.
        dtype: of a NumPy array: float32 or float16.
        restrict: only the so many first words.
        outputs: the output matrix instead of the vectors.
        force: files that are there already are replaced.

    Raises:
        DlkitError: options that exclude each other, files that are there already, a word that no
            reader could read back, or the disk refused. Nothing half written is left.

    """
    check_places(target.paths, force=force)
    if dtype != "float32" and target.layout != "numpy":
        raise DlkitError(f"--dtype {dtype} is for --to numpy, not {target.layout}", code=USAGE)
    if target.layout == "fasttext-bin" and outputs:
        raise DlkitError("--outputs: a fastText model holds both matrices anyway", code=USAGE)
    vectors, matrix, origin = yield from _opened(source, file, restrict, outputs=outputs)
    count = min(len(vectors), restrict or len(vectors))
    lexicon = vectors.lexicon.first(count)
    for note in writing.check_words(lexicon, target.layout):
        yield Noted(note)
    words = lexicon.plain.split(b"\n")[:-1]
    content = yield from _content(target, vectors, words, matrix[:count], origin, dtype=dtype)
    begun = told = time.monotonic()
    with _streams(target, stdout, force=force) as streams:
        if len(streams) > 1:
            counts = vectors.counts()
            known = None if counts is None else counts[:count].tolist()
            streams[1].write(writing.words_text(target.layout, words, known))
        for done in content.write(streams[0]):
            now = time.monotonic()
            if now - told > _SILENCE:
                told = now
                yield Step("writing", done, content.rows, "rows", done / (now - begun))
    yield from content.notes()
    facts: dict[str, object] = {"format": target.layout, "words": count, "dim": vectors.dim}
    paths = [str(path) for path in target.paths]
    facts |= zip_longest(("file", "words_file"), paths)
    if target.paths:
        facts["bytes"] = sum(path.stat().st_size for path in target.paths)
    return facts


class _Content(NamedTuple):
    """What is written: the function that does it, its rows, and what to say afterwards."""

    write: Callable[[BinaryIO], Iterator[int]]
    rows: int
    notes: Callable[[], Iterable[Noted]]


def _content(
    target: Target,
    vectors: WordVectors,
    words: list[bytes],
    matrix: Any,
    origin: Path | Model | None,
    *,
    dtype: str,
) -> Generator[Record, None, _Content]:
    """What is to be written of ``words`` and their vectors, ``matrix`` (V, D)."""
    if target.layout == "fasttext-bin":
        parts = yield from tofasttext.prepared(vectors, len(words), origin)
        model = tofasttext.Writing(words, matrix, parts)
        return _Content(model.write, model.rows, model.notes)
    if vectors.subwords is not None:
        yield Noted(
            "vectors of n-grams stay behind: the file answers for these words alone; "
            "--to fasttext-bin takes them along"
        )

    def write(stream: BinaryIO) -> Iterator[int]:
        return writing.write_vectors(stream, target.layout, words, matrix, dtype=dtype)

    return _Content(write, len(words), lambda: ())


def _opened(
    source: str | None, file: str | None, restrict: int | None, *, outputs: bool
) -> Generator[Record, None, tuple[WordVectors, Any, Path | Model | None]]:
    """The vectors of an artifact or a file, and the matrix (V, D) to write.

    Beside them where more is to be found: the artifact, or what the file holds if it is a model of
    fastText.
    """
    if file is not None:
        if source is not None or outputs:
            other = "--from" if source is not None else "--outputs"
            raise DlkitError(f"{other} is for artifacts, --vectors for other files", code=USAGE)
        table = yield from formats.read_table(Path(file), Options(restrict=restrict))
        vectors = formats.vectors_of(table, Path(file).name)
        return vectors, vectors.matrix, table.model
    path = find(source, kinds={KIND})
    vectors = open_vectors(path)
    if source is None:
        yield Noted(f"using {vectors.name}: {len(vectors):,} words x {vectors.dim}")
    return vectors, open_outputs(path, vectors) if outputs else vectors.matrix, path


@contextmanager
def _streams(target: Target, stdout: BinaryIO, *, force: bool) -> Iterator[list[BinaryIO]]:
    if not target.paths:
        try:
            yield [stdout]
            stdout.flush()
        except BrokenPipeError:  # the reader has gone, which is no error
            raise
        except OSError as problem:
            raise DlkitError(f"cannot write to stdout: {problem.strerror or problem}") from None
        return
    with placed(target.paths, force=force) as streams:
        if not target.packed:
            yield streams
            return
        import gzip

        # Neither a name nor a time inside: the same vectors are the same bytes.
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=streams[0], mtime=0) as zipped:
            yield [cast("BinaryIO", zipped)]


def unless_stopped(work: Generator[Record, None, T], message: str) -> Generator[Record, None, T]:
    """Do ``work``; where a signal asks to stop, end it cleanly.

    Raises:
        StoppedError: with ``message``, after the signal.

    """
    with signals.catch() as stop:
        while True:
            try:
                record = next(work)
            except StopIteration as end:
                result: T = end.value
                return result
            except StoppedError as stopped:  # while it waited for its input
                raise StoppedError(stopped.signum, message) from None
            if stop.signum is not None:
                work.close()
                raise StoppedError(stop.signum, message)
            yield record
