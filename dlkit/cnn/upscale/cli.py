"""``dlkit cnn upscale``: images made two, three or four times as large by a network."""

from __future__ import annotations

from dlkit.cnn.upscale import eval_cli, export_cli, inspect_cli, predict_cli, train_cli
from dlkit.options import group

app = group(
    "upscale",
    "Images two, three or four times as large, by a network: dlkit cnn upscale IN -o OUT.",
    otherwise="predict",
)


@app.callback()
def _room() -> None:
    """Images two, three or four times as large, by a network: dlkit cnn upscale IN -o OUT."""


app.command("train")(train_cli.train)
app.command("eval")(eval_cli.evaluate)
app.command("predict")(predict_cli.predict)
app.command("inspect")(inspect_cli.inspect)
app.command("export")(export_cli.export)
