"""``dlkit cnn search``: images that look alike."""

from __future__ import annotations

from dlkit.cnn.search import (
    duplicates_cli,
    eval_cli,
    index_cli,
    inspect_cli,
    query_cli,
    train_cli,
)
from dlkit.options import group

app = group(
    "search",
    "Images that look alike: an index, its nearest, near copies, how good it is.",
    otherwise="query",
)


@app.callback()
def _room() -> None:
    """Images that look alike: an index, its nearest, near copies, how good it is."""


app.command("index")(index_cli.index)
app.command("add")(index_cli.add)
app.command("query")(query_cli.query)
app.command("duplicates")(duplicates_cli.duplicates)
app.command("eval")(eval_cli.evaluate)
app.command("train")(train_cli.train)
app.command("inspect")(inspect_cli.inspect)
