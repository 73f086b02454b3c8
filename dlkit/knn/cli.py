"""``dlkit knn``: k nearest neighbours, exact."""

from __future__ import annotations

from dlkit.knn import eval_cli, export_cli, inspect_cli, predict_cli, train_cli
from dlkit.options import group

app = group("knn", "The class of what lies nearest: exact k nearest neighbours.")


@app.callback()
def _room() -> None:
    """The class of what lies nearest: exact k nearest neighbours."""


app.command("train")(train_cli.train)
app.command("eval")(eval_cli.evaluate)
app.command("predict")(predict_cli.predict)
app.command("search")(predict_cli.search)
app.command("inspect")(inspect_cli.inspect)
app.command("export")(export_cli.export)
