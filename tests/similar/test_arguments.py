"""A dash is a minus: which tokens are words and which are options."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkit.errors import USAGE, DlkitError
from dlkit.similar.arguments import Option, read
from dlkit.similar.questions import from_arguments, wants_stdin

OPTIONS = {
    "-k": Option("k", least=1),
    "--from": Option("source"),
    "--json": Option("json", flag=True),
    "--word": Option("literal", many=True),
    "--restrict": Option("restrict", least=1),
}


@pytest.mark.parametrize(
    ("typed", "words", "values"),
    [
        (["饭"], ["=饭"], {}),
        (["a", "-b", "+c"], ["=a", "-b", "+c"], {}),
        (["-男人", "国王"], ["-男人", "=国王"], {}),
        (["-k", "5", "a"], ["=a"], {"k": 5}),
        (["a", "-k5"], ["=a"], {"k": 5}),
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
    assert question.minus == (rest,)


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
        (["-k", "0"], "1 or more, not '0'"),
        (["-k", "-3"], "1 or more, not '-3'"),
        (["-k", "five"], "not 'five'"),
        (["-k", "1e3"], "not '1e3'"),
        (["-k", "٣"], "not '٣'"),
        (["-k", "9" * 5000], "-k"),
        (["-k0"], "1 or more"),
        (["--restrict=0"], "--restrict"),
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
    assert question[:3] == ("a -b c +d", ("a", "c", "d"), ("b",))


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
    ],
)
def test_words_too_few_too_many_or_signed_are_refused(words, kind):
    with pytest.raises(DlkitError) as caught:
        from_arguments(words, kind)
    assert caught.value.code == USAGE
