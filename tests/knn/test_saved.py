"""Files of the artifact: what is written is read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dlkit.artifacts.textlines import read_lines, write_lines


@given(st.lists(st.text(st.characters(codec=None))))
def test_lines_come_back_whatever_characters_they_have(texts):
    data = write_lines(texts)
    assert data.count(b"\n") == len(texts)
    assert read_lines(data) == texts


def test_lines_are_read_as_they_look():
    assert write_lines(["狗", "a\\b", "c\nd"]).decode() == "狗\na\\\\b\nc\\nd\n"
