"""``dlkit word2vec clusters``: words in groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.data.spelling import spelling
from dlkit.options import Form, Header, Json, Progress, Quiet
from dlkit.vectors.cli import File, Source, limit_threads, opened
from dlkit.word2vec.settings_cli import RandomState

if TYPE_CHECKING:
    from dlkit.vectors.store import WordVectors
    from dlkit.word2vec.clusters import Clusters

_ITERATIONS = 30
_CENTRAL = 10  # words of a cluster in --summary


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
    seed: RandomState = 1,
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

    vectors, _ = opened(source, file, spelling, quiet=quiet)
    clustering = work.cluster(vectors, k, seed=seed, iterations=iterations, restrict=restrict)
    found = follow(clustering, mode=progress, quiet=quiet)
    if summary:
        _show_summaries(output, vectors, found, top)
    else:
        _show_clusters(output, vectors, found)


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
