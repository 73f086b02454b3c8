"""What the help says is usual is what is done."""

from __future__ import annotations

import inspect
import re

import pytest
import typer

from dlkit.cnn.upscale.cli import app
from dlkit.cnn.upscale.config import ImagesConfig, UpscaleConfig
from dlkit.cnn.upscale.model import Edsr, Espcn
from dlkit.cnn.upscale.prepare import _LOSSES
from dlkit.cnn.upscale.tiles import TILE

COMMANDS = typer.main.get_command(app).commands


def told(command: str, name: str) -> str:
    parameter = next(each for each in COMMANDS[command].params if each.name == name)
    return re.search(r"\[default: (.*)\]", parameter.help.replace("\n", " ")).group(1)


def default(network: type, name: str) -> object:
    return inspect.signature(network.__init__).parameters[name].default


@pytest.mark.parametrize("name", ["scale", "model", "channels", "patch", "patches"])
def test_settings_that_help_names_are_the_defaults(name):
    assert told("train", name) == str(getattr(UpscaleConfig(), name))


def test_other_defaults_that_help_names_are_those():
    assert told("train", "test_share") == str(ImagesConfig().test_share)
    assert (told("train", "augment"), UpscaleConfig().augment) == ("yes", True)
    assert told("train", "widths") == ",".join(map(str, default(Espcn, "widths")))
    for name in ("blocks", "width"):
        assert told("train", name) == str(default(Edsr, name))
    assert told("train", "loss") == f"edsr {_LOSSES['edsr']}, espcn {_LOSSES['espcn']}"
    for command in ("eval", "predict"):
        assert told(command, "tile") == str(TILE)
