"""``dlkit word2vec compare``."""

from __future__ import annotations

from typing import Annotated

import typer

from dlkit import console
from dlkit.data.text_cli import MaxVocab, MinCount, Tokens
from dlkit.options import Form, Header, Json, Progress, Quiet, Sets
from dlkit.word2vec.settings_cli import (
    Device,
    Dim,
    Epochs,
    Rate,
    Recipe,
    Seed,
    Threads,
    Window,
)

# The three objectives of the literature for both models.
OBJECTIVES = "skipgram-ns,skipgram-hs,skipgram-softmax,cbow-ns,cbow-hs,cbow-softmax"


def compare(
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CORPUS]…", help="As for `train`. Optional if the recipe names data."
        ),
    ] = None,
    objectives: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help="Models and losses, such as skipgram-ns, cbow-hs, cbow-sum-softmax, with commas.",
        ),
    ] = OBJECTIVES,
    recipe: Recipe = None,
    sets: Sets = None,
    eval_files: Annotated[
        list[str] | None,
        typer.Option(
            "--eval", metavar="FILE", help="Analogies or word pairs to score each on, too."
        ),
    ] = None,
    dim: Dim = None,
    window: Window = None,
    lr: Rate = None,
    min_count: MinCount = None,
    tokens: Tokens = None,
    epochs: Epochs = None,
    max_vocab: MaxVocab = None,
    seed: Seed = None,
    threads: Threads = None,
    device: Device = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Train objectives side by side and tell what each costs and how well it predicts.

    Perplexity and the share of words among the ten most probable are of held-out words among the
    whole vocabulary: for CBOW given the words around, for skip-gram the mean of the logarithms
    given each of them, so that losses compare within a model. No artifact is made. The time of
    softmax grows with the vocabulary: see --max-vocab.

    Example: dlkit word2vec compare corpus.txt --objectives skipgram-ns,skipgram-softmax --epochs 1
    """
    import tempfile
    from pathlib import Path

    from dlkit.config import recipes
    from dlkit.config.resolve import resolve
    from dlkit.progress import follow
    from dlkit.word2vec import compare as work
    from dlkit.word2vec.config import Word2vecConfig

    output = console.Output(form, json_lines=json, header=header)
    path = recipes.find(recipe, task="word2vec") if recipe is not None else None
    options: dict[str, object] = {
        "data": data or None,
        "eval": eval_files or None,
        "dim": dim,
        "window": window,
        "lr": lr,
        "text.min_count": min_count,
        "text.tokens": tokens,
        "epochs": epochs,
        "text.max_vocab": max_vocab,
        "seed": seed,
        "threads": threads,
        "device": device,
    }
    config = resolve(Word2vecConfig, recipe=path, sets=sets or (), options=options)
    names = [name.strip() for name in objectives.split(",") if name.strip()]
    with tempfile.TemporaryDirectory(prefix="dlkit-", ignore_cleanup_errors=True) as folder:
        rows = follow(work.compare(config, names, folder=Path(folder)), mode=progress, quiet=quiet)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    output.answer(columns, [[row.get(key) for key in columns] for row in rows], rows)
