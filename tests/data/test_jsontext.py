"""Values of JSON become lines of text, however they are strung together; bad ones are refused."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.data.jsontext import json_rows, json_values, refuse_json_lines
from dlkit.errors import DlkitError


def cut(text, size):
    return (text[place : place + size] for place in range(0, len(text), size))


def rows_of(text, column=None, size=3):
    tally = Counter()
    parts = list(json_rows(cut(text, size), "t", column, tally))
    return [part for part in parts if isinstance(part, str)], tally["rows"]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.fixed_dictionaries({"text": st.text(), "x": st.recursive(
        st.none() | st.floats(allow_nan=False) | st.text(), lambda inner: st.lists(inner))})),
    size=st.integers(1, 9),
    indent=st.sampled_from([None, 1]),
    lines=st.booleans(),
    ascii=st.booleans(),
)  # fmt: skip
def test_json_in_any_chunks_equals_the_json_module(rows, size, indent, lines, ascii):
    if lines:
        text = "\n".join(json.dumps(row, ensure_ascii=ascii, indent=indent) for row in rows)
    else:
        text = json.dumps(rows, ensure_ascii=ascii, indent=indent)
    assert [row for _, row in json_values(cut(text, size), "t")] == rows


@pytest.mark.parametrize(
    "text",
    [
        '{"text": "a"} {"text": ', "{text: 1}", '{"text": "a\nb"}', '[{"text": "a"}, nonsense]',
        '{"text": ' + "[" * 100_000, '{"text": ' + "9" * 10_000 + "}", "plain text", '{"text": "a}',
    ],
)  # fmt: skip
def test_what_is_not_json_is_an_error(text):
    with pytest.raises(DlkitError, match="t is not JSON"):
        rows_of(text, size=100)


def test_invalid_json_is_found_early():
    def chunks():
        yield '{"text": "a"}\n{text}\n'
        for _ in range(10):
            yield " " * 10
        raise AssertionError("read on behind the mistake")

    with pytest.raises(DlkitError, match="not JSON"):
        list(json_values(chunks(), "t"))


def test_json_strings_are_rows_and_other_values_are_not():
    assert rows_of('"a"\n"饭"\n')[0] == ["a\n", "饭\n"]
    with pytest.raises(DlkitError, match="'text' in line 3 is not text but a number"):
        rows_of('{"text": "a"}\n{"text": "b"}\n{"text": 1}\n')


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("between", ["", "\n", " , "])
def test_joined_arrays_are_all_read(size, between):
    rows = [[{"text": "a"}, {"text": "b"}], [], [{"text": "c"}]]
    text = between.join(map(json.dumps, rows)) + between + '{"text": "d"}'
    assert rows_of(text, size=size)[0] == ["a\n", "b\n", "c\n", "d\n"]


@pytest.mark.parametrize("text", ["[", '\n[{"text": "a"}', '[{"text": "a"}]\n[{"text": "b"},\n'])
def test_an_array_that_does_not_end_is_an_error_with_its_line(text):
    line = 1 + text.rindex("[") - len(text[: text.rindex("[")].replace("\n", ""))
    with pytest.raises(DlkitError) as caught:
        rows_of(text)
    assert caught.value.message == (
        f"t is cut off: the array that begins in line {line} does not end"
    )


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(
    ("bad", "lines"),
    [('{"text": 5x}\n', "line 301"), ('\n\n{"text": "a"\n', "lines 303 to 304")],
)
def test_bad_json_is_an_error_with_its_lines(size, bad, lines):
    text = '{"text": "a"}\n' * 300 + bad + '{"text": "a"}\n' * 3
    with pytest.raises(DlkitError, match=f"t is not JSON in {lines}: Expecting"):
        rows_of(text, size=size)


@given(st.lists(st.tuples(st.integers(0, 3), st.text()), min_size=1), st.integers(1, 9))
def test_each_value_has_the_line_that_it_begins_in(values, size):
    text, line, expected = "", 1, []
    for blanks, value in values:
        text += "\n" * blanks + json.dumps({"text": value}, indent=1) + "\n"
        expected.append((line + blanks, {"text": value}))
        line += blanks + 4 - 1
    assert list(json_values(cut(text, size), "t")) == expected


def test_rows_without_text_are_counted():
    text = '{"text": "a"}\n{"text": null}\n{"other": 1}\n{"text": " "}\n{"text": "b"}\nnull\n'
    assert rows_of(text) == (["a\n", "b\n"], 4)


def test_a_column_of_values_without_columns_is_refused():
    with pytest.raises(DlkitError, match="t has no column 'body': its values are no objects"):
        rows_of('"a"\n"b"', column="body")


def test_objects_behind_strings_are_not_skipped():
    with pytest.raises(DlkitError, match="the value in line 201 is not text but an object"):
        rows_of('"a"\n' * 200 + '{"text": "b"}')


LINE = '{"text": "a b"}\n'


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize(
    "text", [LINE, "\ufeff\n \n" + LINE, LINE * 3, LINE.strip(), LINE + "\n" + LINE + "text"]
)
def test_json_lines_given_as_text_are_refused(text, size):
    with pytest.raises(DlkitError, match="standard input looks like JSON lines") as caught:
        list(refuse_json_lines(cut(text, size), "standard input"))
    assert caught.value.hint == "save it as FILE.jsonl, or pick the text: jq -r .text"


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize(
    "text",
    ["", "\n", "a\n" + LINE, LINE + "a\n", "{a\n" + LINE, "[1]\n[2]\n", "1\n2\n", "{" * 5000],
)
def test_other_text_stays_as_it_is(text, size):
    assert "".join(refuse_json_lines(cut(text, size), "standard input")) == text


def test_text_is_passed_on_at_its_first_character():
    def chunks():
        yield "\n a"
        raise AssertionError("read ahead")

    assert next(refuse_json_lines(chunks(), "standard input")) == "\n a"
