"""A dash is a minus: which tokens are words and which are options."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.errors import USAGE, DlkitError
from dlkit.similar.arguments import Option, read
from dlkit.similar.questions import OPTIONS as OPTIONS_OF_KINDS
from dlkit.similar.questions import from_arguments, from_line, kind_of, wants_stdin
from dlkit.similar.values import count, method, number, ranks, weighted

OPTIONS = {
    "-k": Option("k"),
    "--from": Option("source"),
    "--json": Option("json", flag=True),
    "--word": Option("literal", many=True),
}


@pytest.mark.parametrize(
    ("typed", "words", "values"),
    [
        (["饭"], ["=饭"], {}),
        (["a", "-b", "+c"], ["=a", "-b", "+c"], {}),
        (["-男人", "国王"], ["-男人", "=国王"], {}),
        (["-k", "5", "a"], ["=a"], {"k": "5"}),
        (["a", "-k5"], ["=a"], {"k": "5"}),
        (["-k5x", "-kitten", "-K5"], ["-k5x", "-kitten", "-K5"], {}),
        (["-h", "-f", "-1", "-j"], ["-h", "-f", "-1", "-j"], {}),
        (["-"], ["-"], {}),
        (["+", "a"], ["=+", "=a"], {}),
        (["--", "-b", "--json", "-k", "-"], ["=-b", "=--json", "=-k", "=-"], {}),
        (["--json", "a", "--from=x=y"], ["=a"], {"json": True, "source": "x=y"}),
        (["--from", "-x", "a"], ["=a"], {"source": "-x"}),
        (["--word=-x", "--word", "+y"], [], {"literal": ["-x", "+y"]}),
        (["-—"], ["-—"], {}),
        (["=a"], ["==a"], {}),
    ],
)
def test_words_and_options_are_told_apart(typed, words, values):
    assert read(typed, OPTIONS)[:2] == (words, values)


@given(st.text(min_size=1).filter(lambda x: x != "-" and not x.isdecimal()))
def test_every_token_with_one_dash_is_a_minus_word(rest):
    token = "-" + rest
    if rest == "k" or rest.startswith("-") or (token.startswith("-k") and rest[1:].isdecimal()):
        return
    assert read(["a", token, "--json"], OPTIONS)[:2] == (["=a", token], {"json": True})
    (question,) = from_arguments(["=a", token], "nearest")
    word, weight = weighted(rest)
    assert question[1:3] == (("a", word), (1, -weight))


@given(st.lists(st.text()))
def test_after_two_dashes_everything_is_a_literal_word(words):
    assert read(["--", *words], OPTIONS).words == ["=" + word for word in words]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["--jsn"], "--jsn"),
        (["--kk", "5"], "--kk"),
        (["--json=1"], "no value"),
        (["--from"], "needs a value"),
        (["-k"], "needs a value"),
    ],
)
def test_mistakes_are_usage_errors_that_say_what_is_wrong(typed, message):
    with pytest.raises(DlkitError) as caught:
        read(typed, OPTIONS)
    assert caught.value.code == USAGE
    assert message in caught.value.message


def test_a_mistyped_option_gets_the_nearest_one():
    with pytest.raises(DlkitError) as caught:
        read(["--jsn"], OPTIONS)
    assert "--json" in caught.value.hint


def test_help_is_found_before_two_dashes_only():
    assert read(["a", "--help"], OPTIONS).help
    assert not read(["--", "--help"], OPTIONS).help


def test_one_sign_makes_one_expression_of_all_words():
    assert [q.text for q in from_arguments(["=a", "=b"], "nearest")] == ["a", "b"]
    (question,) = from_arguments(["=a", "-b", "=c", "+d"], "nearest")
    assert question[:3] == ("a -b c +d", ("a", "b", "c", "d"), (1, -1, 1, 1))


@pytest.mark.parametrize(
    ("typed", "word", "weight"),
    [
        ("+0.5*x", "x", 0.5),
        ("-2*x", "x", -2),
        ("+.25*国王", "国王", 0.25),
        ("+3.*x", "x", 3),
        ("-0*x", "x", 0),
        ("+1*2*x", "2*x", 1),
        ("-1*-x", "-x", -1),
        ("=0.5*x", "0.5*x", 1),  # a word without a sign is literal
        ("+0.5*", "0.5*", 1),
        ("+1e3*x", "1e3*x", 1),
        ("+٣*x", "٣*x", 1),
        ("+*x", "*x", 1),
        ("+.*x", ".*x", 1),
        ("--1*x", "-1*x", -1),
        ("+2**", "*", 2),
    ],
)
def test_a_weight_stands_between_a_sign_and_a_star(typed, word, weight):
    (question,) = from_arguments(["+a", typed], "nearest")
    assert question[:3] == (f"+a {typed.removeprefix('=')}", ("a", word), (1, weight))


def test_a_line_is_an_expression_only_where_it_is_asked_to_be_one():
    line = b"a -0.5*b +c"
    question = from_line(1, line, "nearest", expressions=False)
    assert question == ("a -0.5*b +c", ("a -0.5*b +c",), (), 1, 0)
    question = from_line(2, line, "nearest", expressions=True)
    assert question == ("a -0.5*b +c", ("a", "b", "c"), (1, -0.5, 1), 2, 0)


def test_two_sets_are_two_arguments_or_two_fields_of_a_line():
    (question,) = from_arguments(["=a b", "=c"], "sets")
    assert (question.words, question.first) == (("a", "b", "c"), 2)
    (question,) = from_arguments(["=New York\tParis", "=c d"], "sets")
    assert (question.words, question.first) == (("New York", "Paris", "c", "d"), 2)
    question = from_line(1, b"a\tc  d", "sets", expressions=False)
    assert (question.words, question.first) == (("a", "c", "d"), 1)
    for line in (b"a b", b"a\tb\tc", b"a\t\tb"):
        assert "two sets" in from_line(1, line, "sets", expressions=False).reason


def test_kinds_exclude_each_other_and_so_do_options_without_a_meaning():
    flags = dict.fromkeys(OPTIONS_OF_KINDS, False)
    assert kind_of(flags, ["-k", "--method", "--expressions"]) == "nearest"
    assert kind_of(flags | {"rank": True}, ["--among"]) == "rank"
    for chosen, name in (
        (flags | {"rank": True, "odd": True}, None),
        (flags | {"rank": True}, "-k"),
        (flags | {"pair": True}, "--restrict"),
        (flags | {"closer": True}, "--method"),
        (flags | {"sets": True}, "--expressions"),
    ):
        with pytest.raises(DlkitError) as caught:
            kind_of(chosen, [name] if name else [])
        assert caught.value.code == USAGE


@pytest.mark.parametrize("words", [[], ["-", "=a"], ["-", "-"]])
def test_no_words_or_words_beside_stdin_are_refused(words):
    with pytest.raises(DlkitError) as caught:
        wants_stdin(words)
    assert caught.value.code == USAGE


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["="], "nearest"),
        (["=a"], "pair"),
        (["=a", "=b", "=c"], "pair"),
        (["=a", "=b"], "odd"),
        (["=a", "-b"], "pair"),
        (["=a"], "rank"),
        (["=a", "=b", "=c"], "closer"),
        (["=a b"], "sets"),
        (["=a", "= "], "sets"),
        (["=a", "=b", "=c"], "sets"),
    ],
)
def test_words_too_few_too_many_or_signed_are_refused(words, kind):
    with pytest.raises(DlkitError) as caught:
        from_arguments(words, kind)
    assert caught.value.code == USAGE


@pytest.mark.parametrize(
    ("read_value", "text", "value"),
    [
        (count, "5", 5),
        (count, "all", None),
        (ranks, "50", ("50", 1, 50)),
        (ranks, "11-20", ("11-20", 11, 20)),
        (ranks, "7-7", ("7-7", 7, 7)),
        (ranks, "1001-", ("1001-", 1001, None)),
        (number, "0.5", 0.5),
        (number, "-.25", -0.25),
        (number, "1e-3", 0.001),
        (method, "mul", "mul"),
    ],
)
def test_values_are_read(read_value, text, value):
    assert read_value("--name", text) == value


@pytest.mark.parametrize(
    ("read_value", "texts"),
    [
        (count, ["0", "-3", "five", "1e3", "٣", "9" * 5000, "", "1_0", " 5"]),
        (ranks, ["0", "", "-", "-5", "0-5", "5-4", "1-2-3", "a-b", "1–5", "٣", "9" * 5000]),
        (number, ["", "x", "nan", "inf", "1_0", "1e999", "٣", "0x1", "."]),
        (method, ["", "Mul", "sub"]),
    ],
)
def test_values_that_cannot_be_are_usage_errors_that_show_them(read_value, texts):
    for text in texts:
        with pytest.raises(DlkitError) as caught:
            read_value("--name", text)
        assert caught.value.code == USAGE
        assert caught.value.message.startswith("--name is ")
        assert caught.value.message.endswith(f"not '{text[:40]}'")
