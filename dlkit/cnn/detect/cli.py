"""``dlkit cnn detect``: where things are in images."""

from __future__ import annotations

from dlkit.cnn.detect import eval_cli, export_cli, inspect_cli, predict_cli, train_cli
from dlkit.options import group

app = group(
    "detect",
    "Where things are in images: detectors, trained, measured, asked.",
    otherwise="predict",
)


@app.callback()
def _room() -> None:
    """Where things are in images: detectors, trained, measured, asked."""


app.command("train")(train_cli.train)
app.command("eval")(eval_cli.evaluate)
app.command("predict")(predict_cli.predict)
app.command("inspect")(inspect_cli.inspect)
app.command("export")(export_cli.export)
