"""``dlkit word2vec eval``: how good word vectors are by analogies and by pairs."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlkit import console
from dlkit.data.spelling import spelling
from dlkit.errors import NOT_FOUND, USAGE, DlkitError
from dlkit.options import Form, Header, Json, Progress, Quiet
from dlkit.vectors.cli import File, Source, opened

if TYPE_CHECKING:
    from dlkit.records import Record
    from dlkit.vectors.offsets import Method
    from dlkit.vectors.rules import Rules
    from dlkit.vectors.wordtests import Kind, Test

_METHODS: dict[str, tuple[Method, ...]] = {"add": ("add",), "mul": ("mul",), "both": ("add", "mul")}


def evaluate(
    tests: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TESTS]…",
            help="Files of analogies (word2vec's questions-words) or of pairs with people's scores "
            "(WordSim-353, SimLex-999), also .gz; - for stdin.",
        ),
    ] = None,
    source: Source = None,
    file: File = None,
    method: Annotated[
        str, typer.Option(help="How analogies are answered: add (3CosAdd), mul (3CosMul) or both.")
    ] = "add",
    rules: Annotated[
        str,
        typer.Option(
            help="Whose rules, and so whose numbers: dlkit, gensim or word2vec (the C tool)."
        ),
    ] = "dlkit",
    restrict: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="Only the N most frequent words are known and are answers; 0: all "
            "[default: 300000; word2vec 30000].",
        ),
    ] = None,
    case: Annotated[
        str | None,
        typer.Option(
            help="fold: words that differ in case are one, the most frequent; keep [default: fold]."
        ),
    ] = None,
    unknown: Annotated[
        str | None,
        typer.Option(
            help="Questions with unknown words: skip them, or count them as wrong (pairs: with a "
            "cosine of 0) [default: skip]."
        ),
    ] = None,
    subwords: Annotated[
        bool,
        typer.Option("--subwords", help="Unknown words of pairs get vectors from their n-grams."),
    ] = False,
    kind: Annotated[
        str | None,
        typer.Option(help="What the files hold: analogies or pairs [default: told from each]."),
    ] = None,
    score_column: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=3,
            help="Column of a file of pairs that holds the score [default: the first number].",
        ),
    ] = None,
    skip_malformed: Annotated[
        bool,
        typer.Option("--skip-malformed", help="Leave out lines that are no question, and count."),
    ] = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Score word vectors on analogies (share of right answers) and pairs (correlation).

    Example: dlkit word2vec eval questions-words.txt wordsim353.tsv --method both
    """
    from dlkit.progress import follow

    output = console.Output(form, json_lines=json, header=header)
    methods = _METHODS[_chosen("--method", method, _METHODS)]
    settings = _rules(rules, restrict=restrict, case=case, unknown=unknown, subwords=subwords)
    how = {"kind": _kind(kind), "skip_malformed": skip_malformed, "score_column": score_column}
    read = [follow(work, mode=progress, quiet=quiet) for work in _tests(tests or [], how)]
    vectors, _ = opened(source, file, spelling, quiet=quiet)
    if subwords and vectors.subwords is None:
        hint = "leave out --subwords, or train with subwords"
        raise DlkitError(f"{vectors.name} has no subwords", hint=hint, code=USAGE)
    from dlkit.vectors.evaluate import evaluate as score
    from dlkit.vectors.rules import Lookup
    from dlkit.word2vec.eval_rows import COLUMNS, rows, usable, value

    lookup = Lookup(vectors, settings)
    if not quiet and progress != "json":
        console.note(f"rules of {rules}: {lookup.told()}")
    useless: list[str] = []
    for test in read:
        scores = follow(score(vectors, test, lookup, methods=methods), mode=progress, quiet=quiet)
        answer = value(test, scores, vectors=vectors.name, preset=rules, lookup=lookup)
        if output.form == "human":
            lines = [row[1:] for row in rows(test, scores)]
            output.answer(COLUMNS[1:], lines, answer, title=test.name)
        else:
            output.answer(COLUMNS, rows(test, scores), answer)
        if not usable(scores):
            useless.append(test.name)
    if useless:
        raise DlkitError(
            f"{', '.join(useless)}: no question has only words that {vectors.name} knows",
            hint="are the test and the vectors of one language? --restrict 0 makes all words known",
            code=NOT_FOUND,
        )


def _chosen(option: str, value: str, possible: Any) -> str:
    if value not in possible:
        hint = f"use {', '.join(possible)}"
        raise DlkitError(f"{option}: unknown value '{value}'", hint=hint, code=USAGE)
    return value


def _rules(
    name: str, *, restrict: int | None, case: str | None, unknown: str | None, subwords: bool
) -> Rules:
    """The rules called ``name``, with what was asked for besides."""
    from dataclasses import replace

    from dlkit.vectors.rules import CASES, PRESETS, UNKNOWN

    asked: dict[str, Any] = {"subwords": subwords}
    if restrict is not None:
        asked["restrict"] = restrict
    if case is not None:
        asked["case"] = _chosen("--case", case, CASES)
    if unknown is not None:
        asked["unknown"] = _chosen("--unknown", unknown, UNKNOWN)
    return replace(PRESETS[_chosen("--rules", name, PRESETS)], **asked)


def _kind(kind: str | None) -> Kind | None:
    from dlkit.vectors.wordtests import KINDS

    if kind is None:
        return None
    return "pairs" if _chosen("--kind", kind, KINDS) == "pairs" else "analogies"


def _tests(names: list[str], how: dict[str, Any]) -> Iterator[Generator[Record, None, Test]]:
    """The work of reading each test."""
    from pathlib import Path

    from dlkit.vectors.testfiles import read_file, read_test

    if not names:
        raise DlkitError(
            "no test given", hint="dlkit word2vec eval questions-words.txt", code=USAGE
        )
    if names.count("-") > 1:
        raise DlkitError("- is given twice: stdin can be read once", code=USAGE)
    for name in names:
        if name != "-":
            yield read_file(Path(name), **how)
        elif sys.stdin is None:
            raise DlkitError("stdin is closed: there is no test to read", code=USAGE)
        else:
            yield read_test(sys.stdin.buffer.read(), name, **how)
