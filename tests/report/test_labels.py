"""Labels: none that is not faded covers another or leaves the frame."""

from __future__ import annotations

import numpy as np
import pytest

from dlkit.report.labels import Place, place

FRAME = (0.0, 0.0, 400.0, 300.0)


def placed(points, width=30.0, height=14.0, order=None, frame=FRAME) -> list[Place]:
    points = np.asarray(points, dtype=float)
    sizes = np.tile([width, height], (len(points), 1))
    return place(points, sizes, np.full(len(points), 2.0), order or range(len(points)), frame)


def overlap(a: Place, b: Place) -> bool:
    across = a.left < b.left + b.width and b.left < a.left + a.width
    return across and a.top < b.top + b.height and b.top < a.top + a.height


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [1, 2, 40, 150])
def test_labels_that_are_not_faded_overlap_nothing_and_stay_inside(seed: int, count: int):
    rng = np.random.default_rng(seed)
    boxes = placed(rng.uniform((0, 0), (400, 300), (count, 2)))
    clear = [box for box in boxes if not box.faded]
    assert clear
    for index, box in enumerate(clear):
        assert not any(overlap(box, other) for other in clear[:index])
        assert box.left >= 0
        assert box.top >= 0
        assert box.left + box.width <= 400
        assert box.top + box.height <= 300


def test_a_lone_label_stands_to_the_right_of_its_dot_and_at_the_edge_to_the_left():
    (middle,), (edge,) = placed([(200, 150)]), placed([(395, 150)])
    assert middle.left > 200
    assert edge.left + edge.width < 395
    assert not middle.led
    assert not edge.led


def test_no_label_covers_a_dot_where_there_is_room():
    points = np.array([(200, 150), (215, 150), (200, 165)])
    for box in placed(points):
        for x, y in points:
            inside = box.left < x + 2 and x - 2 < box.left + box.width
            assert not (inside and box.top < y + 2 and y - 2 < box.top + box.height)


def test_the_first_in_order_gets_its_place_and_the_crowd_is_faded():
    boxes = placed([(200, 150)] * 200, order=[7, *(i for i in range(200) if i != 7)])
    assert not boxes[7].faded
    assert not boxes[7].led
    assert sum(box.faded for box in boxes) > 100


def test_a_label_away_from_its_dot_is_led_to():
    boxes = placed([(200, 150)] * 12)
    led = [box for box in boxes if box.led and not box.faded]
    assert led
    for box in led:
        x, y = box.nearest(200, 150)
        assert 5 < np.hypot(x - 200, y - 150) < 60
