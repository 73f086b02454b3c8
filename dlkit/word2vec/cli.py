"""``dlkit word2vec``: word vectors from text."""

from __future__ import annotations

from dlkit.options import group
from dlkit.word2vec import (
    clusters_cli,
    compare_cli,
    convert_cli,
    eval_cli,
    inspect_cli,
    map_cli,
    phrases_cli,
    train_cli,
    vocabulary_cli,
)

app = group(
    "word2vec",
    "Word vectors from text: train them here, ask them with `dlkit similar`.",
)


@app.callback()
def _room() -> None:
    """Word vectors from text: train them here, ask them with `dlkit similar`."""


app.command("train")(train_cli.train)
app.command("eval")(eval_cli.evaluate)
app.command("phrases")(phrases_cli.phrases)
app.command("vocabulary")(vocabulary_cli.vocabulary)
app.command("map")(map_cli.map_words)
app.command("inspect")(inspect_cli.inspect)
app.command("clusters")(clusters_cli.clusters)
app.command("export")(convert_cli.export)
app.command("import")(convert_cli.import_file)
app.command("compare")(compare_cli.compare)
