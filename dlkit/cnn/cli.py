"""``dlkit cnn``: convolutional networks on images."""

from __future__ import annotations

from dlkit.cnn import eval_cli, export_cli, inspect_cli, predict_cli, train_cli
from dlkit.cnn.detect import cli as detect_cli
from dlkit.cnn.search import cli as search_cli
from dlkit.cnn.upscale import cli as upscale_cli
from dlkit.options import group

app = group("cnn", "Classes of images: convolutional networks, trained, measured, explained.")


@app.callback()
def _room() -> None:
    """Classes of images: convolutional networks, trained, measured, explained."""


app.command("train")(train_cli.train)
app.command("eval")(eval_cli.evaluate)
app.command("predict")(predict_cli.predict)
app.command("inspect")(inspect_cli.inspect)
app.command("export")(export_cli.export)
app.add_typer(search_cli.app, name="search")
app.add_typer(upscale_cli.app, name="upscale")
app.add_typer(detect_cli.app, name="detect")
