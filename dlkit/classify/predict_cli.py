"""``dlkit classify predict``: the classes of files."""

from __future__ import annotations

from dlkit import console
from dlkit.classifiers import options_cli as shared
from dlkit.classifiers import predict_cli as by
from dlkit.classify import settings_cli as of
from dlkit.data.samples_cli import (
    ImageColumn,
    Inputs,
    MovedFeatures,
    SkipBad,
    TablesEncoding,
    TextsColumn,
)
from dlkit.options import Form, Header, Json, Quiet


def predict(
    inputs: Inputs,
    source: of.From = None,
    top: by.Top = None,
    threshold: by.Threshold = None,
    features: MovedFeatures = None,
    image_column: ImageColumn = None,
    text_column: TextsColumn = None,
    skip_bad: SkipBad = None,
    encoding: TablesEncoding = None,
    threads: shared.Threads = None,
    device: shared.Device = None,
    form: Form = None,
    json: Json = False,
    header: Header = False,
    quiet: Quiet = False,
) -> None:
    """Tell the class of images, texts or rows of tables: file, class, probability.

    With --top N the lines of a file are its N most probable classes, with a rank; with --json one
    object a file, with the probability of every class, or of the N. Of a network with hinge loss
    scores are told. Labels are never read. The lines of stdin are answered as they come.

    Example: dlkit classify predict photo.png folder/ --from digits --json | jq .class
    """
    output = console.Output(form, json_lines=json, header=header)
    by.check_threshold(threshold)
    classifier = of.opened(source, quiet=quiet, features=features, device=device, threads=threads)
    reading = {
        "image_column": image_column,
        "text_column": text_column,
        "skip_bad": skip_bad,
        "encoding": encoding,
    }
    given = {f"input.{name}": value for name, value in reading.items()}
    config, _ = of.config_of(None, (), given, classifier=classifier, other_data=True)
    by.answer(output, classifier, inputs, config.input, top=top, threshold=threshold, quiet=quiet)
