from __future__ import annotations

import subprocess
import sys

import pytest

from dlkit.config.resolve import validate
from dlkit.config.schema import Settings
from dlkit.errors import USAGE, DlkitError
from dlkit.training.augmenting.config import (
    STEPS,
    check_images,
    checked,
    mixes,
    parse,
    written,
)


def test_a_list_becomes_steps_with_every_value():
    steps = parse("flip, crop:4,cutout:8,jitter::0.4,mixup:0.2")
    assert [step.name for step in steps] == ["flip", "crop", "cutout", "jitter", "mixup"]
    assert steps[1].values == {"pixels": 4, "edge": "zeros"}
    assert steps[3].values == {"brightness": 0.2, "contrast": 0.4, "saturation": 0.2, "hue": 0.0}
    text = "flip:random,crop:4:zeros,cutout:8,jitter:0.2:0.4:0.2:0,mixup:0.2"
    assert written(steps) == text
    assert parse(text) == parse(["flip", "crop:4", "cutout:8", "jitter::0.4", "mixup:0.2"]) == steps
    assert mixes(steps)
    assert not mixes(steps[:4])
    assert parse("") == parse("none") == parse([]) == ()
    assert written(()) == "none"


def test_every_step_can_be_written_without_values_and_its_defaults_are_allowed():
    for name, kind in STEPS.items():
        (step,) = parse(name)
        assert parse(step.text) == (step,)
        assert list(step.values) == [each.name for each in kind.parameters]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("flip,crp:4", "augmentation: 'crp' is no step", "mean crop (default: crop:4:zeros)?"),
        ("xyz", "'xyz' is no step", "there are flip, crop, affine"),
        ("crop:x", "'crop:x': pixels must be a whole number from 1 to 512", "(default: 4)"),
        ("crop:0", "pixels must be a whole number from 1", "(default: 4)"),
        ("crop:2.5", "pixels must be a whole number", "(default: 4)"),
        ("crop:1_0", "pixels must be a whole number", "(default: 4)"),
        ("crop:4:reflct", "edge must be one of zeros, reflect, repeat", "did you mean reflect"),
        ("mixup:nan", "alpha must be a number from 0.001 to 100", "(default: 0.2)"),
        ("jitter:2", "brightness must be a number from 0 to 1", "(default: 0.2)"),
        ("flip:random:1", "'flip:random:1' has too many values", "write it flip[:way]"),
        ("affine:1:0:0:0:zeros:1", "too many", "affine[:degrees[:shift[:scale[:shear[:edge]]]]]"),
        ("mixup,flip", "mixup must come last", "flip,mixup"),
        ("mixup,mixup", "mixup must stand once", "one of them"),
        ("erase:1:0.5:0.2", "the least share must not be above the most", "erase:0.5:0.02:0.4"),
        ("flip,,crop", "'' is no step", "there are flip"),
        ("flip," * 500, "at most 2,000 characters", ""),
    ],
)  # fmt: skip
def test_a_mistake_names_the_step_and_what_would_do(text, message, hint):
    with pytest.raises(DlkitError) as caught:
        parse(text)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.code == USAGE


def test_a_setting_tells_the_mistake_with_its_place():
    from pydantic import field_validator

    class Config(Settings):
        augment: str = "none"

        @field_validator("augment")
        @classmethod
        def _steps(cls, text: str) -> str:
            return checked(text)

    assert validate(Config, {"augment": "flip,crop:2"}).augment == "flip,crop:2"
    with pytest.raises(DlkitError) as caught:
        validate(Config, {"augment": "flp"}, origin={"augment": "--augment"})
    assert caught.value.message == "--augment: must be a list of steps ('flp' is no step), not flp"
    assert caught.value.hint == "did you mean flip (default: flip:random)?"


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("crop:8", (8, 9, 3), "crop:8:zeros: images of 9x8 cannot be moved so far"),
        ("cutout:16", (8, 9, 3), "hides images of 9x8 whole"),
        ("randaugment", (8, 9, 4), "these have 4 channels"),
        ("grey", (8, 9, 1), "no colour"),
    ],
)
def test_images_that_a_step_cannot_be_done_to_are_told(text, shape, message):
    height, width, channels = shape
    check_images(parse("crop:7,cutout:15,jitter"), height=height, width=width, channels=channels)
    with pytest.raises(DlkitError) as caught:
        check_images(parse(text), height=height, width=width, channels=channels)
    assert message in caught.value.message


def test_the_list_is_checked_without_torch():
    code = (
        "import sys; sys.modules['torch'] = sys.modules['numpy'] = None\n"
        "from dlkit.training.augmenting.config import parse\n"
        "parse('flip,crop:4,randaugment:2:9')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
