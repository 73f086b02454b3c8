"""What people are shown: sheets that tell their rows apart, and paths that open."""

from __future__ import annotations

import numpy as np

from dlkit.data.origins import anywhere
from dlkit.knn.sheets import cell, rounded
from dlkit.report.sheet_files import distinct


def test_names_have_as_many_parts_as_tell_them_apart():
    assert distinct(["a/0.png", "b/0.png", "b/1.png"]) == ["a/0.png", "b/0.png", "1.png"]
    assert distinct(["x/a/0.png", "y/a/0.png"]) == ["x/a/0.png", "y/a/0.png"]
    assert distinct(["0.png", "0.png"]) == ["0.png", "0.png"]
    assert distinct(["-:1", "folder/"]) == ["-:1", "folder"]


def test_distances_have_three_significant_digits():
    numbers = [0.0, 0.123456, 12.3456, 541.6013, 1234.5, 1234567.8]
    assert [rounded(n) for n in numbers] == ["0", "0.123", "12.3", "542", "1,234", "1,234,568"]


def test_a_row_of_a_table_is_told_by_its_values():
    found = cell(np.array([[1.5, 2000.0]]), 0, ("bee",), where="x/t.csv:4", columns=("a", "收入"))
    assert found.text == "a 1.5\n收入 2,000"
    assert found.captions == ("bee", "t.csv:4")


def test_paths_are_made_to_open_from_any_folder():
    paths = ["pets/cat/0.png", "t.csv:7", "/abs/x.png", "digits:3"]
    typed, origin = ["pets/", "sub/t.csv", "builtin:digits"], ["/w/pets", "/w/sub/t.csv",
                                                               "builtin:digits"]  # fmt: skip
    expected = ["/w/pets/cat/0.png", "/w/sub/t.csv:7", "/abs/x.png", "digits:3"]
    assert anywhere(paths, typed, origin) == expected
    assert anywhere(["../u/t.csv:1"], ["../u/t.csv"], ["/w/../u/t.csv"]) == ["/u/t.csv:1"]
