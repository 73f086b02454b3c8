"""Options say the truth about defaults; what networks do not take is refused."""

from __future__ import annotations

import re

import pytest
import typer

from dlkit.app import build
from dlkit.cnn import usual
from dlkit.cnn.config import CnnConfig, NetworkConfig
from dlkit.cnn.model import NETWORKS, arguments_of
from dlkit.config.resolve import resolve
from dlkit.errors import USAGE, DlkitError
from dlkit.training.config import TrainingConfig

TRAIN = typer.main.get_command(build()).commands["cnn"].commands["train"]
TOLD = {
    "": ("model", "keep"),
    "training": ("l1", "class_weights", "validation", "seed",
                 "device"),
}  # fmt: skip


def shown(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize(
    ("group", "name"), [(group, name) for group, names in TOLD.items() for name in names]
)
def test_the_default_that_help_names_is_the_default(group, name):
    (parameter,) = [each for each in TRAIN.params if each.name == name]
    told = re.search(r"\[default: (.*?)\]", parameter.help).group(1)
    config = CnnConfig()
    assert told == shown(getattr(getattr(config, group) if group else config, name))


@pytest.mark.parametrize("model", [*NETWORKS, "torchvision:resnet18"])
@pytest.mark.parametrize("tuned", [False, True])
def test_what_is_usual_are_settings_that_there_are(model, tuned):
    for side, channels in ((8, 1), (28, 1), (32, 3), (224, 3)):
        found = usual.usual(model, height=side, width=side, channels=channels, tuned=tuned)
        TrainingConfig(**found.training)
        NetworkConfig(**found.network)
        if model in NETWORKS:
            assert found.network.keys() <= arguments_of(model).keys()
        assert "flip" not in found.augment
        CnnConfig(augment=found.augment)


def test_every_argument_of_a_network_is_a_setting():
    for model in NETWORKS:
        assert arguments_of(model).keys() <= NetworkConfig.model_fields.keys()


@pytest.mark.parametrize(
    "options",
    [
        {"network.widths": "0"},
        {"network.widths": "none"},
        {"network.hidden": "8,-1"},
        {"network.dropout": "1"},
        {"network.activation": "tanh"},
        {"freeze": "0"},
        {"freeze": "head"},
        {"validation_blocks": "1"},
        {"augment": "flip:sideways"},
    ],
)
def test_settings_that_mean_nothing_are_refused(options):
    with pytest.raises(DlkitError) as problem:
        resolve(CnnConfig, options=options)
    assert problem.value.code == USAGE


def test_lists_are_written_with_commas_and_none_is_an_empty_one():
    config = resolve(CnnConfig, options={"network.widths": "16, 32", "network.kernel": "5"})
    assert config.network.widths == (16, 32)
    assert config.network.kernel == (5,)
    for none in ("none", "0"):
        assert resolve(CnnConfig, options={"network.hidden": none}).network.hidden == ()
    assert resolve(CnnConfig, options={"freeze": 2}).freeze == "2"
