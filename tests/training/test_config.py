from __future__ import annotations

import pytest
from pydantic import ValidationError

from dlkit.training.config import USUAL_LR, TrainingConfig


@pytest.mark.parametrize("optimizer", USUAL_LR)
def test_the_usual_learning_rate_of_an_optimizer_is_used_where_none_is_given(optimizer):
    assert TrainingConfig(optimizer=optimizer).first_lr == USUAL_LR[optimizer]
    assert TrainingConfig(optimizer=optimizer, lr=0.5).first_lr == 0.5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nesterov": True, "optimizer": "adam"}, "nesterov needs optimizer sgd"),
        ({"nesterov": True, "optimizer": "sgd", "momentum": 0}, "nesterov needs optimizer sgd"),
        ({"patience": 3, "validation": 0}, "patience needs validation data"),
        ({"optimizer": "lbfgs", "l1": 0.1}, "l1 must be 0"),
        ({"betas": (0.9, 1.0)}, "less than 1"),
        ({"lr": float("nan")}, "finite"),
        ({"weight_decay": 0.1}, "Extra inputs"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        TrainingConfig(**settings)
