"""Boxes: one box in three formats, what is wrong is said, another size is undone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.ops import box_convert, box_iou

from dlkit.cnn.detect.boxes import corners, inferred, overlaps, placement
from dlkit.data.resizing import fitted

SIZE = (40, 60)  # height, width


@given(
    st.floats(0, 50), st.floats(0, 30), st.floats(1, 9), st.floats(1, 9),
)  # fmt: skip
def test_the_formats_say_the_same_box(left, top, wide, high):
    import torch

    box = torch.tensor([[left, top, left + wide, top + high]], dtype=torch.float64)
    for kind in ("xyxy", "xywh", "cxcywh"):
        numbers = box_convert(box, "xyxy", kind)[0]
        if kind == "cxcywh":
            numbers = numbers / torch.tensor([60.0, 40, 60, 40], dtype=torch.float64)
        assert corners(numbers.tolist(), kind, SIZE) == pytest.approx(box[0].numpy(), abs=1e-9)


@pytest.mark.parametrize(
    ("numbers", "kind", "told"),
    [
        ([1, 2, 3], "xyxy", "3 numbers"),
        ([1, 2, "a", 3], "xyxy", "not of numbers"),
        ([1, 2, None, 3], "xyxy", "not of numbers"),
        ([1, 2, True, 3], "xyxy", "not of numbers"),
        ([1, 2, math.nan, 3], "xyxy", "not finite"),
        ([1, 2, math.inf, 3], "xyxy", "not finite"),
        ([5, 5, 2, 9], "xyxy", "reversed"),
        ([5, 5, 5, 9], "xyxy", "without area"),
        ([5, 5, 0, 9], "xywh", "without area"),
        ([5, 5, -3, 9], "xywh", "without area"),
        ([50, 5, 70, 9], "xyxy", "outside the image of 60x40"),
        ([-9, 5, 7, 9], "xyxy", "outside the image"),
        ([60.2, 5, 60.8, 9], "xyxy", "outside the image"),
        ([5, 5, 10, 9], "cxcywh", "shares"),
        (["0x1", 5, 10, 9], "xyxy", "not of numbers"),
    ],
)
def test_what_is_no_box_is_refused_with_why(numbers, kind, told):
    with pytest.raises(ValueError, match=told):
        corners(numbers, kind, SIZE)


def test_what_is_outside_by_rounding_alone_is_cut():
    assert corners([-0.4, 3, 60.6, 40.9], "xyxy", SIZE).tolist() == [0, 3, 60, 40]
    assert corners(["1", "2.5", "3", "4"], "xyxy", SIZE).tolist() == [1, 2.5, 3, 4]


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        (("x1", "y1", "x2", "y2"), "xyxy"),
        (("xmin", "ymin", "xmax", "ymax"), "xyxy"),
        (("X_Min", "Y_Min", "X_Max", "Y_Max"), "xyxy"),
        (("x", "y", "w", "h"), "xywh"),
        (("left", "top", "width", "height"), "xywh"),
        (("x_center", "y_center", "width", "height"), "cxcywh"),
        (("a", "b", "c", "d"), None),
        (("x1", "x2", "y1", "y2"), None),
    ],
)
def test_a_header_says_the_format_or_nothing(header, kind):
    assert inferred(header) == kind


@given(
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.tuples(st.integers(32, 70), st.integers(32, 70)),
)
def test_another_size_is_undone(size, wanted):
    place = placement(size, wanted)
    box = np.array([[0.0, 0, size[1], size[0]], [0.2, 0.3, 0.7, 0.9]])
    assert place.back(place.into(box)) == pytest.approx(box)
    inside = place.into(box[:1])[0]
    assert (inside[:2] >= -1e-9).all()
    assert (inside[2:] <= np.array(wanted[::-1]) + 1e-9).all()


@pytest.mark.parametrize("size", [(40, 60), (90, 31), (64, 64), (200, 100), (30, 17)])
def test_a_box_goes_where_its_picture_goes(size):
    height, width = size
    pixels = np.zeros((*size, 3), np.uint8)
    box = np.array([[width // 4, height // 4, width // 4 * 3, height // 4 * 3]])
    left, top, right, bottom = box[0]
    pixels[top:bottom, left:right] = 255
    made = np.asarray(fitted(Image.fromarray(pixels), (64, 96), "pad"))[..., 0] > 127
    rows, columns = np.flatnonzero(made.any(axis=1)), np.flatnonzero(made.any(axis=0))
    seen = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    assert np.abs(placement(size, (64, 96)).into(box)[0] - seen).max() <= 1.0


def test_overlaps_are_torchvisions():
    import torch

    random = np.random.default_rng(1)
    ours, theirs = (random.uniform(0, 9, (n, 4)) for n in (7, 5))
    for each in (ours, theirs):
        each[:, 2:] += each[:, :2] + 0.1
    wanted = box_iou(torch.from_numpy(ours), torch.from_numpy(theirs)).numpy()
    assert overlaps(ours, theirs) == pytest.approx(wanted)
    assert overlaps(ours, theirs[:0]).shape == (7, 0)
