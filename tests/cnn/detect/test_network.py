"""Detectors: families are built, boxes follow images, what is exported is what is asked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.ops import batched_nms
from torchvision.transforms import functional, v2
from torchvision.tv_tensors import BoundingBoxes

from dlkit.cnn.detect.augmenting import Augmentation, mirrored, scaled, seen
from dlkit.cnn.detect.config import DetectConfig, steps_of
from dlkit.cnn.detect.dense_model import Dense
from dlkit.cnn.detect.inspect import levels, parts
from dlkit.cnn.detect.model import Detector, Shown
from dlkit.data import scenes
from dlkit.training.augmenting.pairs import Pair
from dlkit.training.seeding import seeded


def build(name="small", classes=3, **arguments):
    with seeded(1):
        return Detector(name=name, classes=classes, mean=[0.5] * 3, std=[0.25] * 3, **arguments)


def pixels(count=2, size=(64, 96)):
    return torch.randint(
        0, 255, (count, 3, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(3)
    )


def target(*boxes):
    return {"boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
            "labels": torch.arange(1, len(boxes) + 1)}  # fmt: skip


@pytest.mark.parametrize("name", ["small", "ssdlite", "fasterrcnn-mobile"])
def test_a_family_learns_from_boxes_and_from_none_and_answers(name):
    model = build(name)
    shown = Shown(pixels(), [target([5, 5, 40, 50], [50, 20, 70, 40]), target()])
    losses = model(shown)
    total = sum(losses.values())
    assert torch.isfinite(total)
    total.backward()
    assert sum(p.grad is not None for p in model.parameters()) > 10
    assert len(model(shown[:2])) == len(losses)
    answers = model.eval()(pixels())
    assert len(answers) == 2
    for answer in answers:
        assert answer["boxes"].shape[1] == 4
        assert (answer["boxes"] >= 0).all()
        assert (answer["boxes"][:, 2] <= 96).all()
        assert (answer["boxes"][:, 3] <= 64).all()
        assert (answer["scores"].diff() <= 0).all()


@pytest.mark.parametrize("name", ["small", "ssdlite"])
def test_dense_predictions_become_the_answers_by_leaving_doubles_out(name):
    model = build(name).eval()
    images = pixels(1, (72, 100))  # sides that 32 does not divide
    with torch.no_grad():
        (answer,) = model(images)
        dense = Dense(model, (72, 100))(images)[0]
    keep = answer["labels"] > 0
    for box, score, label in zip(
        *(answer[each][keep] for each in ("boxes", "scores", "labels")), strict=True
    ):
        far = (dense[:, :4] - box).abs().amax(1) + (dense[:, 3 + label] - score).abs()
        assert far.min() < 1e-3
    if name == "small":  # of SSDs untrained scores are so alike that their order is open
        boxes, values = dense[:, :4], dense[:, 4:]
        place, label = torch.where(values > 0.01)
        kept = batched_nms(boxes[place], values[place, label], label, 0.5)[:50]
        wanted = answer["boxes"][keep][:50]
        assert boxes[place][kept][: len(wanted)] == pytest.approx(wanted, abs=1e-3)


def test_published_weights_are_found_by_torchvisions_names(tmp_path, drive):
    from safetensors.torch import save_file
    from torchvision.models import mobilenet_v3_large
    from torchvision.models.detection import ssdlite320_mobilenet_v3_large

    from dlkit.cnn.pretrained import load

    theirs = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=4)
    save_file(theirs.state_dict(), tmp_path / "whole.safetensors")
    model = build("ssdlite")
    drive(load(model, str(tmp_path / "whole.safetensors")))
    for name, each in theirs.state_dict().items():
        assert torch.equal(model.state_dict()[f"net.{name}"], each), name
    body = mobilenet_v3_large(weights=None)
    save_file(body.state_dict(), tmp_path / "body.safetensors")
    faster = build("fasterrcnn-mobile")
    own = faster.net.backbone.body.state_dict()
    for name in own:
        assert f"features.{name}" in faster.published(f"net.backbone.body.{name}")
        assert f"features.{name}" in body.state_dict()
    assert faster.freeze_norms() == sum("running_mean" in name for name in own)


def test_older_names_of_torchvisions_files_are_known():
    model = build("ssdlite")
    for ours, theirs in (
        ("backbone.fpn.inner_blocks.2.0.weight", "backbone.fpn.inner_blocks.2.weight"),
        ("rpn.head.conv.0.0.bias", "rpn.head.conv.bias"),
        ("head.classification_head.conv.3.0.weight", "head.classification_head.conv.6.weight"),
    ):
        assert theirs in model.published(f"net.{ours}")
    assert model.published("net.head.x.weight") == ("net.head.x.weight", "head.x.weight")


def test_mirrored_and_scaled_boxes_follow_their_pixels(drawn):
    """By an oracle: torchvision's own transforms of boxes, and what is drawn at them."""
    for scene in drawn:
        boxes = torch.from_numpy(scene.boxes)
        theirs = v2.functional.horizontal_flip(
            BoundingBoxes(boxes, format="XYXY", canvas_size=(64, 96))
        )
        ours = mirrored({"boxes": boxes, "labels": torch.zeros(len(boxes))}, 96)["boxes"]
        assert torch.equal(ours, theirs.as_subclass(torch.Tensor))
    # A white box on black lies where its box is afterwards.
    image = torch.zeros(1, 3, 64, 96, dtype=torch.uint8)
    image[:, :, 20:40, 30:60] = 255
    for zoom, left, top in ((1.25, 4.0, 6.0), (0.8, -14.0, -9.5), (1.0, 0.0, 0.0)):
        given = [torch.tensor([value]) for value in (zoom, left, top)]
        made = scaled(image, *given)[0, 0] > 127
        (box,) = seen(target([30, 20, 60, 40]), zoom, left, top, (64, 96))["boxes"].numpy()
        rows = np.flatnonzero(made.any(dim=1).numpy())
        columns = np.flatnonzero(made.any(dim=0).numpy())
        wanted = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        assert np.abs(box - wanted).max() <= 1.0
    enlarged = scaled(image, torch.tensor([2.0]), torch.tensor([24.0]), torch.tensor([16.0]))
    whole = functional.resize(image[:, :, 16:48, 24:72], [64, 96], antialias=False)
    assert (enlarged.int() - whole.int())[:, :, 2:-2, 2:-2].abs().max() <= 1


def test_boxes_of_which_little_is_left_are_taken_away():
    cut = seen(target([0, 0, 10, 10], [0, 0, 60, 30]), 1.0, 7.0, 0.0, (64, 96))
    assert cut["labels"].tolist() == [2]
    assert cut["boxes"].tolist() == [[0, 0, 53, 30]]


def test_augmentation_draws_by_its_generator_alone_and_loses_no_image(drawn):
    targets = [{"boxes": torch.from_numpy(each.boxes), "labels": torch.from_numpy(each.labels) + 1}
               for each in drawn]  # fmt: skip
    images = torch.from_numpy(np.stack([each.image for each in drawn]))
    places = torch.tensor([3, 0, 5])

    def made(seed, **settings):
        augment = Augmentation(targets, **{"flip": True, "scale": 0.3, **settings})
        pair = augment(images[places], torch.Generator().manual_seed(seed), 0, places)
        assert isinstance(pair, Pair)
        return pair.inputs

    one, again, other = made(1), made(1), made(2)
    assert torch.equal(one.images, again.images)
    assert not torch.equal(one.images, other.images)
    plain = made(1, flip=False, scale=0)
    assert torch.equal(plain.images, images[places].permute(0, 3, 1, 2))
    for each, place in zip(plain.targets, places.tolist(), strict=True):
        assert torch.equal(each["boxes"], targets[place]["boxes"])
    for each in one.targets:
        assert (each["boxes"][:, 2:] > each["boxes"][:, :2]).all()
        assert len(each["boxes"]) == len(each["labels"])


def test_the_steps_of_augmentation_are_checked():
    assert steps_of("flip,scale") == (True, 0.25)
    assert steps_of("none") == (False, 0)
    assert DetectConfig(augment="scale:0.5,flip").augment == "flip,scale:0.5"
    for wrong in ("flipp", "scale:2", "scale:x", "crop:4"):
        with pytest.raises(ValueError, match=r"scale|convert"):
            DetectConfig(augment=wrong)


def test_levels_count_each_box_once_and_parts_add_up(drawn):
    from dlkit.cnn.detect.collection import Objects, Split

    objects = [Objects(s.boxes, s.labels, np.zeros(len(s.labels), bool), np.ones(len(s.labels)))
               for s in drawn]  # fmt: skip
    split = Split(np.stack([s.image for s in drawn]), [(64, 96)] * len(drawn), objects,
                  ["x"] * len(drawn), np.zeros(len(drawn), "S16"))  # fmt: skip
    for name in ("small", "ssdlite"):
        model = build(name, classes=len(scenes.CLASSES))
        found = levels(model, (64, 96), split)
        assert sum(each.boxes for each in found) == split.boxes
        assert found[0].stride == pytest.approx(8 if name == "small" else 16)
        assert sum(each.share for each in parts(model)) == pytest.approx(1)
    assert [each.largest for each in levels(build(), (64, 96))] == [8, 16, 32]
