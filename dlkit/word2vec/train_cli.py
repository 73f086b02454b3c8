"""``dlkit word2vec train``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dlkit import console
from dlkit.data.text_cli import (
    CORPUS,
    DropPunctuation,
    Encoding,
    EncodingErrors,
    Lowercase,
    MaxVocab,
    MinCount,
    Split,
    TextColumn,
    Tokens,
)
from dlkit.errors import USAGE, DlkitError
from dlkit.options import Form, Header, Json, Progress, Quiet, Sets
from dlkit.vectors.cli import complete_vectors
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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dlkit.word2vec.config import Word2vecConfig

# The options that are settings, of the training and of its text.
_SETTINGS = (
    "model", "loss", "context", "dim", "window", "fixed_window", "negative", "noise_exponent",
    "minn", "maxn", "buckets", "sample", "epochs", "lr", "min_lr", "initial", "freeze", "seed",
    "threads", "deterministic", "device",
)  # fmt: skip
_TEXT = (
    "min_count", "max_vocab", "vocabulary", "tokens", "lowercase", "drop_punctuation",
    "text_column", "split", "encoding", "encoding_errors",
)  # fmt: skip


def complete_interrupted(incomplete: str) -> list[str]:
    """Names of interrupted runs for the shell."""
    from dlkit.artifacts import store

    names = [each.name for each in store.list_interrupted("word2vec")]
    return [name for name in names if name.startswith(incomplete)]


def train(
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CORPUS]…",
            help=f"{CORPUS} Optional if the recipe names data.",
        ),
    ] = None,
    recipe: Recipe = None,
    sets: Sets = None,
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
    dim: Dim = None,
    window: Window = None,
    fixed_window: Annotated[
        bool | None,
        typer.Option(
            "--fixed-window/--dynamic-window",
            help="Take all N words to either side: near words then weigh no more than far ones "
            "[default: no].",
        ),
    ] = None,
    negative: Annotated[
        int | None, typer.Option(help="Noise words per centre word, 1 to 64 [default: 5].")
    ] = None,
    noise_exponent: Annotated[
        float | None,
        typer.Option(
            help="Draw noise words by their count to this power, -10 to 10: 1 as the text has "
            "them, 0 all alike, below 0 rare ones more often [default: 0.75]."
        ),
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
    epochs: Epochs = None,
    lr: Rate = None,
    min_lr: Annotated[
        float | None, typer.Option(help="Last learning rate [default: 0.0001].")
    ] = None,
    min_count: MinCount = None,
    max_vocab: MaxVocab = None,
    vocabulary: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Only these words: lines of `word`, or `word count` with the counts to use, "
            "however often the corpus has them; --min-count applies [default: the corpus' own].",
        ),
    ] = None,
    tokens: Tokens = None,
    lowercase: Lowercase = None,
    drop_punctuation: DropPunctuation = None,
    text_column: TextColumn = None,
    split: Split = None,
    encoding: Encoding = None,
    encoding_errors: EncodingErrors = None,
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
    freeze: Annotated[
        bool | None,
        typer.Option(
            "--freeze/--learn-all",
            help="Keep the word vectors (input vectors) that --initial or --from gave as they are; "
            "those of other words and all output vectors learn [default: no].",
        ),
    ] = None,
    seed: Seed = None,
    threads: Threads = None,
    deterministic: Annotated[
        bool | None,
        typer.Option(
            "--deterministic/--free",
            help="The same bits with any number of threads (at most 4 work), two to three times "
            "slower [default: no].",
        ),
    ] = None,
    device: Device = None,
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
        typer.Option(
            "--resume",
            help="Go on with the newest interrupted run, or that of --name; --epochs, --threads "
            "and --device may be others then.",
        ),
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
    from dlkit.progress import follow
    from dlkit.word2vec import train as work

    options = _settings(locals())
    output = console.Output(form, json_lines=json, header=header)
    if resume and dry_run:
        raise DlkitError("--resume and --dry-run do not go together", code=USAGE)
    if source is not None:
        _refuse_beside_from(
            {"--resume": resume, "--recipe": recipe, "--initial": initial,
             "--vocabulary": vocabulary}
        )  # fmt: skip
    path = recipes.find(recipe, task="word2vec") if recipe is not None else None
    if resume:
        going_on = work.resume(name, recipe=path, sets=sets or (), options=options)
        saved = follow(going_on, mode=progress, quiet=quiet)
    else:
        config = _config(path, source, sets or (), options)
        if dry_run:
            facts = follow(work.dry_run(config), mode=progress, quiet=quiet)
            output.answer(("fact", "value"), list(facts.items()), facts)
            return
        default = path.stem if path is not None and not data else None
        started = work.run(config, name=name, default_name=default)
        saved = follow(started, mode=progress, quiet=quiet)
    output.facts({"artifact": saved.reference, "path": str(saved.path), **saved.facts})
    if not quiet and progress != "json":  # the event "saved" has told it
        console.note(f"next: {saved.next_command}")


def _settings(arguments: Mapping[str, object]) -> dict[str, object]:
    """Those of the command's ``arguments`` that are settings, by dotted key; None: not given."""
    return {
        **{name: arguments[name] for name in _SETTINGS},
        **{f"text.{name}": arguments[name] for name in _TEXT},
        "data": arguments["data"] or None,
        "eval": arguments["eval_files"] or None,
    }


def _refuse_beside_from(given: Mapping[str, object]) -> None:
    """Raise DlkitError (USAGE) where one of these options was given beside --from."""
    for option, value in given.items():
        if value is not None and value is not False:
            raise DlkitError(
                f"--from and {option} do not go together",
                hint=f"leave out {'--from' if option == '--resume' else option}",
                code=USAGE,
            )


def _config(
    recipe: Path | None, source: str | None, sets: Sequence[str], options: Mapping[str, object]
) -> Word2vecConfig:
    """The settings of a new training: of a recipe, or of the artifact ``source`` that goes on."""
    from dlkit.config.resolve import resolve
    from dlkit.word2vec import train as work
    from dlkit.word2vec.config import Word2vecConfig

    if source is None:
        return resolve(Word2vecConfig, recipe=recipe, sets=sets, options=options)
    path, base, folder = work.continued(source)
    return resolve(
        Word2vecConfig, recipe=path, sets=sets, options={**options, "continued": folder}, base=base,
        without=work.BEGINNINGS,  # what an artifact itself began with is in its vectors
    )  # fmt: skip
