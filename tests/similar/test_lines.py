"""Questions from lines: each asked or refused, as they come."""

from __future__ import annotations

import os
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.similar.questions import LONGEST_LINE, Question, Unreadable, from_line, lines


def numbered(chunks: list[bytes]) -> list[tuple[int, bytes]]:
    """What comes out of a pipe into which ``chunks`` are written."""
    reader, writer = os.pipe()

    def write() -> None:
        for chunk in chunks:
            os.write(writer, chunk)
        os.close(writer)

    thread = threading.Thread(target=write)
    thread.start()
    found = [line for some in lines(reader) for line in some]
    thread.join()
    os.close(reader)
    return found


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=10))
@settings(deadline=None)
def test_every_line_comes_once_in_order_however_it_is_cut(chunks):
    whole = b"".join(chunks)
    expected = whole.split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert numbered(chunks) == list(enumerate(expected, 1))


def test_a_line_without_end_takes_no_memory_and_is_refused():
    found = numbered([b"x" * 60_000] * 40 + [b"\nok\n"])
    assert [number for number, _ in found] == [1, 2]
    assert len(found[0][1]) < 4 * LONGEST_LINE
    assert isinstance(from_line(*found[0], "nearest", expressions=False), Unreadable)
    assert found[1] == (2, b"ok")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("饭".encode(), Question("饭", ("饭",), (), 4)),
        (b"New York\r", Question("New York", ("New York",), (), 4)),
        (b"-x", Question("-x", ("-x",), (), 4)),
        (b"", Unreadable("", 4, "empty")),
        (b" \t", Unreadable("", 4, "empty")),
        (b"a\xffb", Unreadable("a\\xffb", 4, "not UTF-8 at byte 2")),
    ],
)
def test_a_line_is_a_literal_word(content, expected):
    assert from_line(4, content, "nearest", expressions=False) == expected


def test_a_line_is_an_expression_where_that_is_asked_for():
    question = from_line(1, "\ufeff国王 -男人 +女人".encode(), "nearest", expressions=True)
    assert question == Question("国王 -男人 +女人", ("国王", "男人", "女人"), (1, -1, 1), 1)
    assert from_line(1, b"- +", "nearest", expressions=True) == Question(
        "- +", ("-", "+"), (1, 1), 1
    )


def test_words_of_a_pair_stand_between_tabs_or_else_spaces():
    question = from_line(1, b"New York\tParis", "pair", expressions=False)
    assert question.words == ("New York", "Paris")
    assert from_line(1, b"a  b", "pair", expressions=False).words == ("a", "b")
    assert isinstance(from_line(1, b"a b c", "pair", expressions=False), Unreadable)
    assert isinstance(from_line(1, b"a b", "odd", expressions=False), Unreadable)
