"""``dlkit word2vec``: word vectors from text."""

from __future__ import annotations

from typing import Annotated

import typer

from dlkit import console
from dlkit.config.cli import complete_recipe
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Form, Header, Json, Progress, Quiet
from dlkit.word2vec import compare_cli, convert_cli, eval_cli, look_cli, phrases_cli
from dlkit.word2vec.vectors_cli import complete_vectors

app = typer.Typer(
    name="word2vec",
    help="Word vectors from text: train them here, ask them with `dlkit similar`.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _room() -> None:
    """Word vectors from text: train them here, ask them with `dlkit similar`."""


def _complete_recipe(incomplete: str) -> list[str]:
    prefix = "word2vec/"
    return [name.removeprefix(prefix) for name in complete_recipe(prefix + incomplete)]


def complete_interrupted(incomplete: str) -> list[str]:
    """Names of interrupted runs for the shell."""
    from dlkit.artifacts import store

    names = [each.name for each in store.list_interrupted("word2vec")]
    return [name for name in names if name.startswith(incomplete)]


# The defaults in these texts are those of config.py; a test holds the two together.
@app.command("train")
def train(
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CORPUS]…",
            help="Text, csv, jsonl or parquet files (also .gz .bz2 .xz .zst), folders, - for "
            "stdin, builtin:reviews, or a dataset's hub id. Optional if the recipe names data.",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe", "-r", help="Recipe: NAME or path.", autocompletion=_complete_recipe
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="KEY=VALUE", help="Any setting of the recipe."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            "-n",
            help="Name of the artifact [default: after the corpus].",
            autocompletion=complete_interrupted,
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="skipgram or cbow [default: skipgram].", show_default=False)
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            help="ns (negative sampling), hs (hierarchical softmax) or softmax (the whole "
            "vocabulary, slow) [default: ns].",
            show_default=False,
        ),
    ] = None,
    context: Annotated[
        str | None,
        typer.Option(help="What cbow predicts from: mean or sum [default: mean]."),
    ] = None,
    dim: Annotated[int | None, typer.Option(help="Numbers per vector [default: 100].")] = None,
    window: Annotated[
        int | None,
        typer.Option(help="Most words to either side, drawn anew in 1..N [default: 5]."),
    ] = None,
    negative: Annotated[
        int | None, typer.Option(help="Noise words per centre word, 1 to 64 [default: 5].")
    ] = None,
    minn: Annotated[
        int | None, typer.Option(help="Letters of the shortest n-gram of a word [default: 3].")
    ] = None,
    maxn: Annotated[
        int | None,
        typer.Option(
            help="Letters of the longest n-gram; with them unknown words get vectors, too; 0: no "
            "n-grams [default: 0]."
        ),
    ] = None,
    buckets: Annotated[
        int | None, typer.Option(help="Hash buckets of the n-grams [default: 2000000].")
    ] = None,
    sample: Annotated[
        float | None,
        typer.Option(help="Subsampling threshold of frequent words; 0: none [default: 0.001]."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the corpus [default: 5].")] = None,
    lr: Annotated[
        float | None,
        typer.Option(help="First learning rate [default: 0.025 skipgram, 0.05 cbow]."),
    ] = None,
    min_lr: Annotated[
        float | None, typer.Option(help="Last learning rate [default: 0.0001].")
    ] = None,
    min_count: Annotated[
        int | None, typer.Option(help="Leave out words seen less often than this [default: 5].")
    ] = None,
    max_vocab: Annotated[
        int | None, typer.Option(help="Keep only the N most frequent words [default: all].")
    ] = None,
    vocabulary: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Only these words: lines of `word`, or `word count` with the counts to use, "
            "however often the corpus has them; --min-count applies [default: the corpus' own].",
        ),
    ] = None,
    tokens: Annotated[
        str | None,
        typer.Option(
            help="How text becomes words: auto, whitespace, char or zh (Chinese words) "
            "[default: auto]."
        ),
    ] = None,
    lowercase: Annotated[
        bool | None,
        typer.Option("--lowercase/--no-lowercase", help="Lower-case the text [default: no]."),
    ] = None,
    drop_punctuation: Annotated[
        bool | None,
        typer.Option(
            "--drop-punctuation/--keep-punctuation",
            help="Strip punctuation from words, drop words of nothing else [default: keep].",
        ),
    ] = None,
    text_column: Annotated[
        str | None, typer.Option(help="Column of a table that holds the text [default: found].")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Split of a dataset, or all [default: train].")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of text files [default: utf-8].")
    ] = None,
    encoding_errors: Annotated[
        str | None,
        typer.Option(help="strict, or replace bytes that are not text [default: strict]."),
    ] = None,
    eval_files: Annotated[
        list[str] | None,
        typer.Option(
            "--eval",
            metavar="FILE",
            help="Analogies or word pairs to score the vectors on after each epoch; may be given "
            "again [default: none].",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="NAME",
            help="Go on from an artifact: its settings, its words and their vectors; with a new "
            "CORPUS, that corpus' words join.",
            autocompletion=complete_vectors,
        ),
    ] = None,
    initial: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Vectors that the words it has begin with, in any format of `import` "
            "[default: none].",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random [default: 1].")] = None,
    threads: Annotated[
        int | None,
        typer.Option(help="CPU threads; 1 gives the same bits every time [default: all cores]."),
    ] = None,
    deterministic: Annotated[
        bool | None,
        typer.Option(
            "--deterministic/--free",
            help="The same bits with any number of threads (at most 4 work), two to three times "
            "slower [default: no].",
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Where to train: cpu, cuda or mps [default: cpu].")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Read, count, train for a second, estimate; keep nothing. The encoded text lies "
            "in $TMPDIR meanwhile, 8 bytes a word.",
        ),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the newest interrupted run, or that of --name."),
    ] = False,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Train word vectors: skip-gram or CBOW.

    Windows never cross a line end; a line may have any length. Words are counted in a first pass
    and written to disk as numbers, so memory grows with the vocabulary, not with the corpus.

    Example: dlkit word2vec train corpus.txt --dim 200 --epochs 3
    """
    from dlkit.config import recipes
    from dlkit.config.resolve import resolve
    from dlkit.progress import follow
    from dlkit.word2vec import train as work
    from dlkit.word2vec.config import Word2vecConfig

    output = console.Output(form, json_lines=json, header=header)
    options: dict[str, object] = {
        "data": data or None,
        "model": model,
        "loss": loss,
        "context": context,
        "dim": dim,
        "window": window,
        "negative": negative,
        "minn": minn,
        "maxn": maxn,
        "buckets": buckets,
        "sample": sample,
        "epochs": epochs,
        "lr": lr,
        "min_lr": min_lr,
        "text.min_count": min_count,
        "text.max_vocab": max_vocab,
        "text.vocabulary": vocabulary,
        "text.tokens": tokens,
        "text.lowercase": lowercase,
        "text.drop_punctuation": drop_punctuation,
        "text.text_column": text_column,
        "text.split": split,
        "text.encoding": encoding,
        "text.encoding_errors": encoding_errors,
        "eval": eval_files or None,
        "initial": initial,
        "seed": seed,
        "threads": threads,
        "deterministic": deterministic,
        "device": device,
    }
    if resume and dry_run:
        raise DlkitError("--resume and --dry-run do not go together", code=USAGE)
    path = recipes.find(recipe, task="word2vec") if recipe is not None else None
    if source is not None:
        if recipe is not None or resume:
            other = "--resume" if resume else "--recipe"
            raise DlkitError(
                f"--from and {other} do not go together",
                hint=f"leave out {'--from' if resume else other}",
                code=USAGE,
            )
        if initial is not None or vocabulary is not None:
            other = "--initial" if initial is not None else "--vocabulary"
            raise DlkitError(f"--from and {other} do not go together", code=USAGE)
        path, options["continued"] = work.continued(source)
    if resume:
        going_on = work.resume(name, recipe=path, sets=sets or (), options=options)
        saved = follow(going_on, mode=progress, quiet=quiet)
    else:
        config = resolve(
            Word2vecConfig,
            recipe=path,
            sets=sets or (),
            options=options,
            # What an artifact itself began with is in its vectors.
            without=work.BEGINNINGS if source is not None else (),
        )
        if dry_run:
            facts = follow(work.dry_run(config), mode=progress, quiet=quiet)
            output.answer(("fact", "value"), list(facts.items()), facts)
            return
        default = path.stem if recipe is not None and path is not None and not data else None
        saved = follow(
            work.run(config, name=name, default_name=default), mode=progress, quiet=quiet
        )
    row = {"artifact": saved.reference, "path": str(saved.path), **saved.facts}
    if output.form == "human":
        output.answer(("result", "value"), list(row.items()), row)
    else:
        output.answer(list(row), [list(row.values())], row)
    if not quiet and progress != "json":  # the event "saved" has told it
        console.note(f"next: {saved.next_command}")


app.command("eval")(eval_cli.evaluate)
app.command("phrases")(phrases_cli.phrases)
app.command("vocabulary")(phrases_cli.vocabulary)
app.command("map")(look_cli.map_words)
app.command("inspect")(look_cli.inspect)
app.command("clusters")(look_cli.clusters)
app.command("export")(convert_cli.export)
app.command("import")(convert_cli.import_file)
app.command("compare")(compare_cli.compare)
