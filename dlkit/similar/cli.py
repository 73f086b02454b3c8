"""``dlkit similar``: questions to word vectors."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from dlkit import console
from dlkit.data.spelling import spelling
from dlkit.errors import NOT_FOUND, USAGE, DlkitError
from dlkit.options import Form, Header
from dlkit.records import Warned
from dlkit.similar import arguments
from dlkit.vectors.cli import File, Source, limit_threads, opened

if TYPE_CHECKING:
    from dlkit.similar.answers import Answer, How, Refusal
    from dlkit.similar.questions import Kind, Question, Unreadable

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_NEIGHBOURS = 10
# More take longer to start than the one product that a question needs.
_THREADS = 1


class SimilarCommand(typer.core.TyperCommand):
    """A command that reads its own arguments, because dashes are signs here.

    It also starts faster so: Typer converts values by pydantic, whose import takes longer than
    an answer.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Fill ``ctx.params``; help and completion stay Typer's."""
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        declared = {
            name: arguments.Option(each.name, flag=each.is_flag, many=each.multiple)
            for each in self.params
            if isinstance(each, typer.core.TyperOption)
            for name in each.opts
        }
        typed = arguments.read(args, declared)
        if typed.help:
            return super().parse_args(ctx, ["--help"])
        ctx.params = {each.name: each.default for each in self.params} | typed.values
        ctx.params["words"] = typed.words
        ctx.args = []
        return []


@app.command("similar", cls=SimilarCommand)
def similar(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WORD",
            help="Words, each a question of its own. With a sign before one of them, +x or -x, "
            "one expression; '+0.5*x' has a weight. A lone - reads questions from stdin, one a "
            "line.",
        ),
    ] = None,
    k: Annotated[
        str | None,
        typer.Option(
            "-k",
            metavar="N",
            help=f"Neighbours of each question, or all [default: {_NEIGHBOURS}; with "
            "--closer-than all].",
        ),
    ] = None,
    source: Source = None,
    file: File = None,
    pair: Annotated[bool, typer.Option("--pair", help="The cosine of two words.")] = False,
    sets: Annotated[
        bool,
        typer.Option("--sets", help="The cosine of two sets of words: --sets 'a b' 'c d e'."),
    ] = False,
    rank: Annotated[
        bool, typer.Option("--rank", help="Of two words, the second's place near the first.")
    ] = False,
    closer_than: Annotated[
        bool,
        typer.Option("--closer-than", help="The words closer to the first word than the second."),
    ] = False,
    odd_one_out: Annotated[
        bool, typer.Option("--odd-one-out", help="Of three words or more, the one unlike the rest.")
    ] = False,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="METHOD",
            help="How an expression is scored: add, by cosine with the sum, or mul, by the product "
            "of cosines (3CosMul) [default: add].",
        ),
    ] = None,
    restrict: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Only the N most frequent words are answers, or those of ranks FIRST-LAST.",
        ),
    ] = None,
    among: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Only the words of FILE, one a line, are answers."),
    ] = None,
    candidate: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="Only WORD, and others so named, are answers."),
    ] = None,
    prefix: Annotated[
        list[str] | None,
        typer.Option(
            metavar="P", help="Only words that begin with P, or others so given, are answers."
        ),
    ] = None,
    min_score: Annotated[
        str | None, typer.Option(metavar="X", help="Only words that score X or more are answers.")
    ] = None,
    literal: Annotated[
        list[str] | None,
        typer.Option("--word", metavar="WORD", help="A word that begins with a sign: --word=-x."),
    ] = None,
    expressions: Annotated[
        bool, typer.Option("--expressions", help="Lines of stdin are expressions: a -b +c.")
    ] = False,
    no_subwords: Annotated[
        bool, typer.Option("--no-subwords", help="Unknown words are not answered from n-grams.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 3 if any question has no answer, not only all.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hash the vectors again before they are used.")
    ] = False,
    form: Form = None,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object for each answer or refusal.")
    ] = False,
    header: Header = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Only results, warnings and errors.")
    ] = False,
) -> None:
    """Nearest words by cosine, analogies, pairs, ranks, the odd one out.

    Example: dlkit similar 国王 -男人 +女人 -k 5
    """
    from dlkit.similar import questions, values

    output = console.Output(form, json_lines=json, header=header)
    flags: dict[Kind, bool] = {
        "pair": pair,
        "sets": sets,
        "rank": rank,
        "closer": closer_than,
        "odd": odd_one_out,
    }
    limits: dict[str, object] = {
        "-k": k,
        "--restrict": restrict,
        "--among": among,
        "--candidate": candidate,
        "--prefix": prefix,
    }
    limits |= {"--min-score": min_score, "--method": method, "--expressions": expressions}
    kind = questions.kind_of(flags, [name for name, value in limits.items() if value])
    most = None if kind == "closer" else _NEIGHBOURS
    most = most if k is None else values.count("-k", k)
    ranks = None if restrict is None else values.ranks("--restrict", restrict)
    least = None if min_score is None else values.number("--min-score", min_score)
    scored = "add" if method is None else values.method("--method", method)
    if "" in (prefix or []):
        raise DlkitError("--prefix is empty: every word begins so", code=USAGE)
    signed = [*(words or []), *(arguments.UNSIGNED + word for word in literal or [])]
    asked, single = _asked(signed, kind, expressions=expressions)
    limit_threads(_THREADS, override=False)
    vectors, _ = opened(source, file, spelling, quiet=quiet, verify=verify)
    from dlkit.similar.among import candidates
    from dlkit.similar.answers import How, answer

    allowed, told = candidates(vectors, ranks, among, candidate or [], prefix or [])
    for each in told:
        if isinstance(each, Warned):
            console.warn(each.text)
        elif not quiet:
            console.note(each.text)
    how = How(kind, allowed, most, least, scored, subwords=not no_subwords)
    answers = (found for some in asked for found in answer(vectors, some, how))
    _show(answers, output, how, single=single, strict=strict, quiet=quiet)


def _asked(
    signed: Sequence[str], kind: Kind, *, expressions: bool
) -> tuple[Iterable[Sequence[Question | Unreadable]], bool]:
    """The questions as they come, and whether it is a single one of the command line."""
    from dlkit.similar import questions

    if not questions.wants_stdin(signed):
        asked = questions.from_arguments(signed, kind)
        return [asked], len(asked) == 1
    if sys.stdin is None:
        raise DlkitError("stdin is closed: there is nothing to read words from", code=USAGE)
    descriptor = sys.stdin.fileno()
    return (
        [questions.from_line(*line, kind, expressions=expressions) for line in some]
        for some in questions.lines(descriptor)
    ), False


def _show(
    answers: Iterator[Answer | Refusal],
    output: console.Output,
    how: How,
    *,
    single: bool,
    strict: bool,
    quiet: bool,
) -> None:
    """Write each answer as it comes; refusals to stderr, or among the objects of JSON."""
    from dlkit.similar.answers import TITLE, Refusal, columns_of

    columns = columns_of(how)
    title = TITLE.get(how.kind, 0) if output.form == "human" else 0
    count = refused = 0
    hint = ""
    told: set[str] = set()
    for each in answers:
        count += 1
        if isinstance(each, Refusal):
            refused += 1
            hint = each.problem.hint
            if output.form == "json":
                output.answer(columns, [], each.value)
            elif single:
                raise each.problem
            else:
                console.error(each.problem.message, each.problem.hint)
            continue
        for note in each.notes:
            if not quiet and note not in told:
                told.add(note)
                console.note(note)
        rows = [row[title:] for row in each.rows]
        output.answer(columns[title:], rows, each.value, title=each.text if title else "")
    if not count:
        raise DlkitError("no questions in standard input")
    if refused and (strict or refused == count):
        have = "has" if refused == 1 else "have"
        what = "the question has" if count == 1 else f"{refused:,} of {count:,} questions {have}"
        raise DlkitError(f"{what} no answer", hint=hint if count == 1 else "", code=NOT_FOUND)
