from __future__ import annotations

import pytest

from dlkit.config.schema import Settings
from dlkit.errors import USAGE, DlkitError
from dlkit.training.config import TrainingConfig
from dlkit.training.resuming import changes


class Room(Settings):
    hidden: tuple[int, ...] = (64,)
    name: str | None = None
    training: TrainingConfig = TrainingConfig()


def room(hidden=(64,), name=None, **training):
    return Room(hidden=hidden, name=name, training=TrainingConfig(**training))


def test_equal_settings_are_no_change():
    assert changes(room(lr=0.1), room(lr=0.1), done=3) == []


def test_what_may_change_is_told_with_both_values():
    before, after = room(epochs=5), room(epochs=9, threads=2, checkpoint_minutes=1)
    assert changes(before, after, done=3) == [
        "epochs changed from 5 to 9",
        "threads changed from not set to 2",
    ]


def test_every_other_difference_is_refused_and_shown():
    with pytest.raises(DlkitError) as caught:
        changes(room(lr=0.1), room(hidden=(64, 32), lr=0.2, epochs=30), done=1)
    assert caught.value.code == USAGE
    assert caught.value.message == (
        "--resume: hidden was 64 when the run began, not 64,32; "
        "training.lr was 0.1 when the run began, not 0.2"
    )


def test_fewer_epochs_than_are_done_are_refused():
    with pytest.raises(DlkitError, match="7 epochs are done already, so --epochs 7 is over"):
        changes(room(epochs=20), room(epochs=7), done=7)
    assert changes(room(epochs=20), room(epochs=8), done=7)
