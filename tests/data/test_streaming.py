"""Lines of standard input as texts: all of them, as they come, and none without an end."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.data import streaming
from dlkit.data.config import SampleConfig
from dlkit.data.forms import TextForm
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
