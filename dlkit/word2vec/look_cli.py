"""``dlkit word2vec map``, ``inspect`` and ``clusters``: a look at what word vectors have learnt."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Form, Header, Json, Progress, Quiet
from dlkit.word2vec.vectors_cli import File, Force, Source, Target, limit_threads, opened

if TYPE_CHECKING:
    from dlkit.vectors.store import WordVectors
    from dlkit.word2vec.clusters import Clusters
    from dlkit.word2vec.inspect import Inspection
    from dlkit.word2vec.mapping import Chosen, Projection

_TOP = 200  # words of a map for which no words were named
_ITERATIONS = 30
# What the two columns of a section are called on a terminal, where they are not facts.
_COLUMNS = {
    "neighbours": ("word", "nearest"),
    "largest_norms": ("word", "norm"),
    "smallest_norms": ("word", "norm"),
}
_CENTRAL = 10  # words of a cluster in --summary
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of everything random.")]


def map_words(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORDS]…",
            help="The words of the map; a lone - reads them from stdin, one a line "
            "[default: the most frequent].",
        ),
    ] = None,
    source: Source = None,
    file: File = None,
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="The N most frequent words, beside those named "
            "[default: 200, none where words are named].",
            show_default=False,
        ),
    ] = None,
    neighbours: Annotated[
        int, typer.Option(min=0, metavar="K", help="Add the K nearest of each named word.")
    ] = 0,
    method: Annotated[
        str, typer.Option(help="pca, or tsne (perplexity 30, at most a third of the words).")
    ] = "pca",
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Where the SVG goes, - for stdout [default: a new folder of reports/].",
        ),
    ] = None,
    points: Annotated[
        bool,
        typer.Option(
            "--points", help="Write word, x and y of each; the picture only where --out names it."
        ),
    ] = False,
    seed: Seed = 1,
    force: Force = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    quiet: Quiet = False,
) -> None:
    """Draw words as points in the plane: the named ones, or the most frequent.

    Example: dlkit word2vec map 早餐 电脑 --neighbours 10 --out map.svg
    """
    output = console.Output(form, json_lines=json, header=header)
    limit_threads(1)  # of which the last digits depend; a map takes little time
    from dlkit.word2vec import mapping

    if method not in mapping.METHODS:
        raise DlkitError(f"--method: {method!r} is neither pca nor tsne", code=USAGE)
    if points and out == "-":
        raise DlkitError("--points and --out - both write to stdout", code=USAGE)
    asked = list(_words(words or []))
    if neighbours and not asked:
        raise DlkitError(
            "--neighbours: of which words?",
            hint=f"dlkit word2vec map WORD --neighbours {neighbours}",
            code=USAGE,
        )
    target = None if points and out is None else Target(out, force=force)
    vectors, _ = opened(source, file, quiet=quiet)
    if target is not None:
        target.check(vectors, file)
    if top is None and not asked:
        top = _TOP
    chosen = mapping.choose(vectors, asked, top=top, neighbours=neighbours)
    if target is not None:
        mapping.check_drawable(chosen)
    _tell(chosen, quiet=quiet)
    kind: mapping.Method = "pca" if method == "pca" else "tsne"
    projection = mapping.project(vectors.units(chosen.rows), kind, seed=seed)
    facts: dict[str, object] = {"words": len(chosen.rows), "method": method, **projection.facts}
    if target is not None:
        picture = mapping.draw(vectors, chosen, projection, kind)
        if picture.faded and not quiet:
            found = f"{picture.faded:,} of {len(chosen.rows):,} labels"
            console.note(f"{found} found no free place: they are faded")
        facts["path"] = target.write("map", {"map.svg": picture.svg}, vectors, file, output)
    if points:
        _show_points(output, vectors, chosen, projection)
    elif out != "-":
        _show_facts(output, facts)


def inspect(
    source: Source = None,
    file: File = None,
    top: Annotated[
        int, typer.Option(min=1, metavar="N", help="Words of each list, and neighbours of each.")
    ] = 10,
    figure: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Draw how often words were seen, by rank, as an SVG file."
        ),
    ] = None,
    force: Force = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    quiet: Quiet = False,
) -> None:
    """Tell what word vectors are: frequencies, norms, directions, neighbours.

    In a pipe each fact is a line: section, key, value.

    Example: dlkit word2vec inspect --top 5
    """
    output = console.Output(form, json_lines=json, header=header)
    limit_threads(1)
    from dlkit.word2vec import inspect as work

    if figure == "-":
        raise DlkitError("--figure needs a file; stdout is for the facts", code=USAGE)
    target = None if figure is None else Target(figure, force=force)
    vectors, path = opened(source, file, quiet=quiet)
    counts = vectors.lexicon.counts()
    if target is not None:
        if counts is None or not counts.any():
            raise DlkitError(
                f"--figure: {vectors.name} does not tell how often words were seen", code=USAGE
            )
        target.check(vectors, file)
    if counts is None and not quiet:
        console.note(f"{vectors.name} does not tell how often words were seen")
    found = work.inspect(vectors, counts, work.told_by(path) if path else {}, top=top)
    if target is not None:
        files = {"frequency.svg": work.draw_frequency(found)}
        drawn = target.write("inspect", files, vectors, file, output)
        if not quiet:
            console.note(f"drew {drawn}")
    _show_inspection(output, found)


def clusters(
    k: Annotated[int, typer.Option("-k", min=1, help="How many clusters.")] = 500,
    source: Source = None,
    file: File = None,
    restrict: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Only the N most frequent words [default: all]."),
    ] = None,
    iterations: Annotated[
        int, typer.Option(min=1, help="At most so many; fewer where no word moves any more.")
    ] = _ITERATIONS,
    summary: Annotated[
        bool,
        typer.Option("--summary", help="A line a cluster: its size and its most central words."),
    ] = False,
    top: Annotated[
        int, typer.Option(min=1, metavar="N", help="Words of a cluster in --summary.")
    ] = _CENTRAL,
    seed: Seed = 1,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads [default: all cores].")
    ] = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Cluster words by spherical k-means: a line a word, in order of cluster, then of frequency.

    Clusters are numbered from 0 in the order of their most frequent words.

    Example: dlkit word2vec clusters -k 50 --summary
    """
    output = console.Output(form, json_lines=json, header=header)
    if threads is not None:
        limit_threads(threads)
    from dlkit.progress import follow
    from dlkit.word2vec import clusters as work

    vectors, _ = opened(source, file, quiet=quiet)
    clustering = work.cluster(vectors, k, seed=seed, iterations=iterations, restrict=restrict)
    found = follow(clustering, mode=progress, quiet=quiet)
    if summary:
        _show_summaries(output, vectors, found, top)
    else:
        _show_clusters(output, vectors, found)


def _words(words: Sequence[str]) -> Iterator[str]:
    """``words``; for a lone - those of stdin, one a line, empty lines left out."""
    for word in words:
        if word != "-":
            yield word
            continue
        if sys.stdin is None:
            raise DlkitError("stdin is closed: there is nothing to read words from", code=USAGE)
        for number, line in enumerate(sys.stdin.buffer, 1):
            try:
                text = line.decode("utf-8").strip()
            except UnicodeDecodeError:
                raise DlkitError(f"line {number} of stdin is not UTF-8") from None
            if text:
                yield text


def _tell(chosen: Chosen, *, quiet: bool) -> None:
    """Say which of the named words are not on the map, and which are spelt otherwise there."""
    for problem in chosen.unknown:
        console.warn(f"left out: {problem.message}")
        if problem.hint and not quiet:
            console.note(f"hint: {problem.hint}")
    if not quiet:
        for word, spelling in chosen.respelt:
            console.note(f"'{word}' is read as '{spelling}'")


def _show_facts(output: console.Output, facts: Mapping[str, object]) -> None:
    if output.form == "human":
        output.answer(("result", "value"), list(facts.items()), facts)
    else:
        output.answer(list(facts), [list(facts.values())], facts)


def _show_points(
    output: console.Output, vectors: WordVectors, chosen: Chosen, projection: Projection
) -> None:
    columns = ("word", "x", "y")
    rows = [
        (vectors.word(row), x, y)
        for row, (x, y) in zip(chosen.rows, projection.points.tolist(), strict=True)
    ]
    output.answer(columns, rows, (dict(zip(columns, row, strict=True)) for row in rows))


def _show_inspection(output: console.Output, found: Inspection) -> None:
    """A table a section on a terminal, a line a fact in a pipe, one object in JSON."""
    if output.form == "json":
        output.answer((), [], found.sections)
        return
    for section, facts in found.sections.items():
        told = [(key, _joined(value)) for key, value in facts.items()]
        if output.form == "human":
            output.answer(_COLUMNS.get(section, ("fact", "value")), told, {}, title=section)
            if section == "frequency" and found.curve:
                from dlkit.report.curves import Curve, text_log_log

                output.text(text_log_log(Curve("", found.curve), x="rank", y="count") + "\n")
        else:
            output.answer(("section", "key", "value"), [(section, *each) for each in told], {})


def _joined(value: object) -> object:
    return " ".join(value) if isinstance(value, list) else value


def _show_clusters(output: console.Output, vectors: WordVectors, found: Clusters) -> None:
    from dlkit.word2vec.clusters import by_cluster

    order = by_cluster(found).tolist()
    words = (vectors.word(row) for row in order)
    numbers, cosines = found.labels[order].tolist(), found.similarities[order]
    if output.form == "json":
        output.answer(
            (),
            [],
            (
                {"word": word, "cluster": number, "similarity": cosine}
                for word, number, cosine in zip(words, numbers, cosines, strict=True)
            ),
        )
    else:
        output.answer(("word", "cluster"), list(zip(words, numbers, strict=True)), {})


def _show_summaries(
    output: console.Output, vectors: WordVectors, found: Clusters, top: int
) -> None:
    from dlkit.word2vec.clusters import summaries

    columns = ("cluster", "size", "cohesion", "words")
    some = list(summaries(vectors, found, top))
    rows = [(each.cluster, each.size, each.cohesion, " ".join(each.words)) for each in some]
    output.answer(columns, rows, (each._asdict() for each in some))
