"""Batches of one sample, and other settings that are refused before the data are read."""

from __future__ import annotations

import pytest
import torch

from dlkit.cnn.alone import check_batches
from dlkit.cnn.config import CnnConfig
from dlkit.cnn.model import build
from dlkit.cnn.prepare import prepare
from dlkit.config.resolve import resolve
from dlkit.data.forms import ImageForm
from dlkit.errors import USAGE, DlkitError


def narrow(side):
    torch.manual_seed(0)
    return build("resnet20", channels=1, size=(side, side), classes=2, mean=(0.5,), std=(0.5,),
                 width=2)  # fmt: skip


@pytest.mark.parametrize("side", [1, 3, 4, 5, 8])
@pytest.mark.parametrize("number", [1, 2])
def test_a_sample_alone_is_refused_where_pytorch_refuses_it(side, number):
    model, form = narrow(side), ImageForm(side, side, 1)
    images = torch.rand(number, 1, side, side)
    try:
        model.train()(images)
    except ValueError:
        assert number == 1
        assert side < 5  # which the third stage sees as one place
        with pytest.raises(DlkitError, match=r"leaves \S*bn\d \(BatchNorm2d\)") as told:
            check_batches(model, form, number)
        assert told.value.code == USAGE
        assert "--batch-size 2" in told.value.hint
        model.freeze([name for stage in model.stages for name in stage])
    check_batches(model, form, number)  # what is frozen compares with what it has learnt
    model(images)


def test_batch_sizes_are_looked_at_before_the_first_step(trained, pictures):
    small = {"network.widths": None, "network.convolutions": None, "network.hidden": None}
    with pytest.raises(DlkitError, match="a batch of one sample"):
        trained(pictures, **small, **{"model": "vgg11", "training.batch_size": 1})


@pytest.mark.parametrize(
    ("options", "said", "hint"),
    [
        ({"model": "resnet19"}, "--model resnet19: no such network", "did you mean resnet18?"),
        ({"model": "torchvision:resnet1"}, "network 'resnet1'; did you mean resnet18", ""),
        ({"model": "resnet20", "network.dropout": 0.5}, "resnet20 has no argument 'dropout'", ""),
    ],
)
def test_a_network_that_there_is_not_is_told_before_the_data_are_read(drive, options, said, hint):
    with pytest.raises(DlkitError) as problem:
        drive(prepare(resolve(CnnConfig, options={"data": ["nowhere"], **options})))
    assert said in problem.value.message
    assert problem.value.hint.startswith(hint)
    assert problem.value.code == USAGE
