"""``dlkit cnn predict``: the classes of images."""

from __future__ import annotations

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.classifiers import predict_cli as by
from dlkit.cnn import settings_cli as of
from dlkit.data.samples_cli import ImageColumn, Inputs, SkipBad, TablesEncoding
from dlkit.options import Form, Header, Json, Quiet


def predict(
    inputs: Inputs,
    source: of.From = None,
    top: by.Top = None,
    threshold: by.Threshold = None,
    views: of.Views = "none",
    image_column: ImageColumn = None,
    skip_bad: SkipBad = None,
    encoding: TablesEncoding = None,
    precision: of.Precision = "fp32",
    threads: shared.Threads = None,
    device: shared.Device = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    quiet: Quiet = False,
) -> None:
    """Tell the class of images: file, class, probability, as they are read.

    With --top N the lines of a file are its N most probable classes, with a rank; with --json one
    object a file, with the probability of every class, or of the N. Labels are never read.

    Example: dlkit cnn predict photo.png folder/ --from mnist5k --json | jq .class
    """
    output = console.Output(form, json_lines=json, header=header)
    by.check_threshold(threshold)
    of.check_asking(views, precision)
    classifier = of.opened(source, quiet=quiet, device=device, threads=threads).looking(
        views, precision
    )
    reading = {"image_column": image_column, "skip_bad": skip_bad, "encoding": encoding}
    given = {f"input.{name}": value for name, value in reading.items()}
    config, _ = of.config_of(None, (), given, classifier=classifier, other_data=True)
    by.answer(output, classifier, inputs, config.input, top=top, threshold=threshold, quiet=quiet)
