"""Lines of standard input as texts: all of them, as they come, and none without an end."""

from __future__ import annotations

import io
import os
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dlkit.data import streaming
from dlkit.data.config import SampleConfig
from dlkit.data.forms import ImageForm, TextForm
from dlkit.data.jsontext import json_values
from dlkit.data.streaming import batches
from dlkit.errors import DlkitError


class Drops:
    """Standard input of which each reading gives few bytes."""

    def __init__(self, content: bytes, size: int) -> None:
        self.stream, self.size = io.BytesIO(content), size

    def read1(self, _size):
        return self.stream.read(self.size)

    read = read1


def texts(stdin) -> list[tuple[str, str]]:
    found = []
    for batch in batches(["-"], TextForm(), SampleConfig(), stdin):
        with pytest.raises(StopIteration) as end:
            next(batch)
        found += zip(end.value.value.paths, end.value.value.inputs, strict=True)
    return found


@given(st.text(alphabet="好é\r\n ab", max_size=40), st.integers(1, 9))
def test_lines_are_those_of_the_whole_text_wherever_the_pieces_end(text, size):
    lines = text.split("\n")
    lines = lines[:-1] if lines[-1] == "" else lines
    wanted = [(f"-:{n}", line.removesuffix("\r")) for n, line in enumerate(lines, 1)]
    assert texts(Drops(text.encode(), size)) == wanted


def test_a_long_line_is_read_in_time_that_grows_with_its_length_alone():
    text = "字" * 8_000_000  # 24 MB in 6,000 pieces: joined anew with each, 70 GB
    assert texts(Drops(f"a\n{text}\nb".encode(), 4096)) == [
        ("-:1", "a"),
        ("-:2", text),
        ("-:3", "b"),
    ]
    pieces = iter(["[{", '"a": "', *["字" * 1000] * 8000, '"}]'])
    assert [value["a"] == text for _, value in json_values(pieces, "x")] == [True]


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(streaming, "LONGEST_ROW", 1000)
    assert texts(Drops(b"x" * 1000 + b"\n" + b"y" * 1000, 7))[1] == ("-:2", "y" * 1000)
    endless = Drops(b"a\nb\n" + b"x" * 100_000, 10)
    with pytest.raises(DlkitError, match="line 3 has more than 1,000 characters") as caught:
        texts(endless)
    assert "part texts by line feeds" in caught.value.hint
    assert endless.stream.tell() < 1100


@pytest.fixture
def album(tmp_path):
    """A folder of ten small images in two folders, and their paths in order."""
    paths = [tmp_path / "album" / "ab"[n > 4] / f"{n}.png" for n in range(10)]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), number, np.uint8)).save(path)
    (tmp_path / "album" / "notes.txt").write_text("no image", encoding="utf-8")
    return tmp_path / "album", paths


def finished(work):
    """What a generator returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def images(inputs, stdin=None) -> list[list[str]]:
    """The paths of each batch, whose pixels are those that were written there."""
    found = []
    for batch in batches(list(map(str, inputs)), ImageForm(4, 4, 1), SampleConfig(), stdin):
        split = finished(batch)
        assert split.images[:, 0, 0, 0].tolist() == [int(Path(path).stem) for path in split.paths]
        found.append(list(split.paths))
    return found


def test_images_of_a_folder_or_pattern_come_in_batches_that_grow(album):
    folder, paths = album
    expected = [str(path) for path in paths]
    pattern, mixed = [folder / "*" / "*.png"], [folder / "a", folder / "b" / "[5-9].png"]
    for inputs in ([folder], pattern, mixed, paths):
        found = images(inputs)
        assert [len(batch) for batch in found] == [1, 2, 4, 3]
        assert list(chain.from_iterable(found)) == expected


def test_names_on_standard_input_are_read_as_they_come(album):
    folder, paths = album
    listed = "".join(f"{path}\n" for path in paths[:3]) + f"{folder / 'b'}\r\n{paths[0]}"
    found = images(["-"], io.BufferedReader(io.BytesIO(os.fsencode(listed))))
    assert list(chain.from_iterable(found)) == [
        str(path) for path in (*paths[:3], *paths[5:], paths[0])
    ]
    whole = io.BufferedReader(io.BytesIO(paths[7].read_bytes()))
    (batch,) = batches(["-"], ImageForm(4, 4, 1), SampleConfig(), whole)
    assert finished(batch).images[0, 0, 0, 0] == 7
    bad = io.BufferedReader(io.BytesIO(os.fsencode(f"{paths[0]}\n-\n")))
    with pytest.raises(DlkitError, match="is no name"):
        images(["-"], bad)
