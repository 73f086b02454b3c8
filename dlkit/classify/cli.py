"""``dlkit classify``: linear classifiers and fully connected networks."""

from __future__ import annotations

from dlkit.classify import eval_cli, export_cli, inspect_cli, predict_cli, sweep_cli, train_cli
from dlkit.options import group

app = group("classify", "Scores of classes: linear classifiers and fully connected networks.")


@app.callback()
def _room() -> None:
    """Scores of classes: linear classifiers and fully connected networks."""


app.command("train")(train_cli.train)
app.command("eval")(eval_cli.evaluate)
app.command("predict")(predict_cli.predict)
app.command("sweep")(sweep_cli.over_settings)
app.command("inspect")(inspect_cli.inspect)
app.command("export")(export_cli.export)
