"""Word vectors of other tools made into artifacts."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, cast

from dlkit.artifacts.runs import reserve
from dlkit.artifacts.tensors import write_tensors
from dlkit.errors import USAGE, DlkitError, quoted
from dlkit.records import Noted, Record, Saved, Warned
from dlkit.vectors import formats, packed, writing
from dlkit.vectors.store import UNKNOWN, row_norms
from dlkit.vectors.table import Options, Table
from dlkit.word2vec import fromfasttext
from dlkit.word2vec.onward import ENOUGH_WORDS, question
from dlkit.word2vec.save import KIND, TASK

STDIN = "-"


def import_file(
    file: str,
    *,
    name: str | None = None,
    layout: str | None = None,
    dtype: str = "float32",
    restrict: int | None = None,
    lossy: bool = False,
    lowercase: bool = False,
) -> Generator[Record, None, Saved]:
    """Make an artifact of a file of word vectors.

    Args:
        file: a path, or ``-`` for standard input.
        name: of the artifact; None: after the file.
        layout: the format; None: it is recognised.
        dtype: what the artifact stores: float32, or float16 (values are rounded).
        restrict: only the so many first words.
        lossy: take words that are not UTF-8, their bytes written as escapes.
        lowercase: the words are lower-cased, so that queries are, too.

    Raises:
        DlkitError: an unknown format or type; the file is not what it should be; the store cannot
            be written.

    """
    if layout is not None and layout not in writing.FORMATS:
        raise DlkitError(
            f"--format: unknown format {layout!r}",
            hint=f"use {', '.join(writing.FORMATS)}",
            code=USAGE,
        )
    path = Path("/dev/stdin") if file == STDIN else Path(file).expanduser()
    options = Options(cast("Any", layout), cast("Any", dtype), restrict, escape=lossy)
    stem = Path(packed.plain_name(path.name)).stem
    with reserve(TASK, name, default=stem) as run:
        table = yield from formats.read_table(path, options)
        _check_storable(table, path)
        if table.counts is None:
            yield Noted("the file has no counts: its first words are taken for the most frequent")
        elif any(table.counts[row] < table.counts[row + 1] for row in range(len(table.words) - 1)):
            yield Warned("the counts do not fall: --restrict takes the first words, not these")
        entries, files = yield from fromfasttext.kept(table, path.name)
        document = {**_document(table, path, lowercase=lowercase), **entries}
        committed = run.commit(document, {**_files(table, document), **files})
    reference = f"{TASK}/{committed.name}"
    facts = {
        "vocabulary": len(table.words),
        "dim": document["dim"],
        "dtype": dtype,
        "format": table.label,
        "repeated": table.repeated,
        "not_utf8": table.escaped,
        "buckets": document["subwords"]["buckets"] if "subwords" in document else 0,
    }
    first = [word.decode("utf-8") for word in table.words[:ENOUGH_WORDS]]
    saved = Saved(reference, committed, facts, question(first, reference))
    yield saved
    return saved


def _check_storable(table: Table, path: Path) -> None:
    """Raise DlkitError where a word holds what separates words from counts in an artifact."""
    if b"\t" not in b"".join(table.words):
        return
    row = next(row for row, word in enumerate(table.words) if b"\t" in word)
    raise DlkitError(
        f"{path.name}: the word {table.words[row].decode()!r} holds a tab, which ends a word in an "
        "artifact",
        hint=f"ask the file itself: dlkit similar WORD --vectors {quoted(str(path))}",
    )


def _files(table: Table, document: Mapping[str, Any]) -> dict[str, Any]:
    """The artifact's files; the matrix is not copied."""
    pairs = zip(table.words, table.counts or [0] * len(table.words), strict=True)
    tensors = {"vectors": table.matrix, "norms": row_norms(table.matrix)}
    return {
        "vectors.safetensors": write_tensors(tensors),
        "vocab.txt": b"".join(b"%b\t%d\n" % pair for pair in pairs),
        "README.md": _card(document).encode(),
    }


def _document(table: Table, path: Path, *, lowercase: bool) -> dict[str, Any]:
    """What artifact.json says."""
    data: dict[str, Any] = {"file": path.name}
    if path.is_file():
        with path.open("rb") as stream:
            data["sha256"] = hashlib.file_digest(stream, "sha256").hexdigest()
    document = {
        "task": TASK,
        "kind": KIND,
        "model": {"name": "imported", "format": table.label},
        "dim": int(table.matrix.shape[1]),
        "words": len(table.words),
        "dtype": str(table.matrix.dtype),
        "text": {"tokens": "whitespace", "lowercase": lowercase, "drop_punctuation": False},
        "data": data,
    }
    return document if table.counts is not None else {**document, "counts": UNKNOWN}


def _card(document: Mapping[str, Any]) -> str:
    """The model card, Markdown."""
    ngrams, trained = "", "How they were trained is not known here."
    if "fasttext" in document:
        trained = "fastText trained them ({model}, {loss}).".format(**document["fasttext"])
    if "subwords" in document:
        ngrams = (
            " Rows of {buckets:,} buckets of n-grams of {shortest} to {longest} characters give "
            "vectors to unknown words.".format(**document["subwords"])
        )
    counts = "are not known" if document.get("counts") == UNKNOWN else "stand in vocab.txt"
    return "\n".join(
        [
            "# Word vectors",
            "",
            f"{document['words']:,} words, {document['dim']} numbers each ({document['dtype']}), "
            f"imported by dlkit from {document['data']['file']} ({document['model']['format']}).",
            "",
            f"{trained}{ngrams} The counts of the words {counts}.",
            "",
            "## Use",
            "",
            "    dlkit similar WORD --from PATH_OF_THIS_FOLDER",
            "",
        ]
    )
