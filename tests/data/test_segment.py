"""Tokens: chosen from the text with a reason, split without loss of characters."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.data.segment import choose, segmenter

CHINESE = "我今天在北京的一家饭馆吃饭，味道很好。服务员也很热情！"
SEGMENTED = "我 今天 在 北京 的 一家 饭馆 吃饭 ， 味道 很 好 。 服务员 也 很 热情 ！"
JAPANESE = "私は今日東京のレストランでご飯を食べました。とても美味しかったです。"
ENGLISH = "Today I ate rice in a restaurant in Beijing; it tasted very good."


@pytest.mark.parametrize(
    ("text", "tokens", "figures"),
    [
        (CHINESE, "zh", "100 % of letters are Han, 24.0 of them between spaces"),
        (SEGMENTED, "whitespace", "100 % of letters are Han, 1.6 of them between spaces"),
        (" ".join(CHINESE), "whitespace", "1.0 of them between spaces"),
        (JAPANESE, "char", "100 % of letters are Han or kana, 32.0 of them"),
        (ENGLISH, "whitespace", "0 % of letters are Han or kana"),
        (ENGLISH * 10 + CHINESE, "whitespace", "4 % of letters are Han or kana"),
        (CHINESE * 4 + "卡拉OK iPhone " + ENGLISH, "zh", "% of letters are Han"),
        ("123 456", "whitespace", "has no letters"),
        ("", "whitespace", "has no letters"),
        ("오늘 베이징에서 밥을 먹었다", "whitespace", "0 %"),
    ],
)
def test_the_choice_of_tokens_and_its_reason(text, tokens, figures):
    chosen, why = choose(text)
    assert chosen == tokens
    assert figures in why


def test_chinese_is_split_into_words():
    words = segmenter("zh")("我来到北京清华大学吃饭\n米饭").split(" ")
    assert {"北京", "清华大学", "吃饭", "米饭"} <= set(words)


@pytest.mark.parametrize(
    "word",
    [
        "café",
        "Привет",
        "hello",
        "3.14",
        "１２３",
        "ναι",
        "नमस्ते",
        "👩\u200d🚀",
        "❤\ufe0f",
        "🇨🇳",
        "T恤",
    ],
)
def test_words_of_other_scripts_and_numbers_stay_whole_in_chinese(word):
    assert word in segmenter("zh")(f"我喜欢{word}，你呢").split()
    assert segmenter("zh")(word).split() == [word]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("饭a1。", ["饭", "a", "1", "。"]),
        ("e\u0301x\u0308\u0323", ["e\u0301", "x\u0308\u0323"]),
        ("が゙", ["が\u3099"]),
        ("👩\u200d🚀饭", ["👩\u200d🚀", "饭"]),
        ("👍🏽❤\ufe0f", ["👍🏽", "❤\ufe0f"]),
        ("🇨🇳🇫🇷", ["🇨🇳", "🇫🇷"]),
        ("नि", ["नि"]),
        ("a b\nc", ["a", "b", "c"]),
        ("\u0301a", ["\u0301", "a"]),
    ],
)
def test_a_character_keeps_what_belongs_to_it(text, tokens):
    assert segmenter("char")(text.replace("が゙", "が\u3099")).split() == tokens


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        st.sampled_from("我a \n\u0301\u093f\u200c\u200d\ufe0f\U0001f3fd👩🚀\U0001f1e8\U0001f1f3")
    )
)
def test_characters_are_found_from_left_to_right(text):
    extend = r"[\u0301\u093f\u200c\ufe0f\U0001f3fb-\U0001f3ff]*"
    flag = r"[\U0001f1e6-\U0001f1ff]{2}"
    expected = re.findall(rf"(?:{flag}|\S){extend}(?:\u200d(?:\S{extend})?)*", text)
    assert segmenter("char")(text).split() == expected


@pytest.mark.parametrize("tokens", ["whitespace", "char", "zh"])
@given(
    text=st.text(
        st.sampled_from("我在北京吃饭。，a1.é́ \n👩\u200d🚀❤\ufe0f🇨🇳नि'’")
        | st.characters(codec="utf-8", categories=["L", "M", "N", "P", "S"])
    )
)
def test_segmenting_adds_spaces_and_nothing_else(tokens, text):
    result = segmenter(tokens)(text)
    assert result.replace(" ", "") == text.replace(" ", "")
    assert result.count("\n") == text.count("\n")


@pytest.mark.parametrize("tokens", ["char", "zh"])
@given(
    lines=st.lists(
        st.text(st.sampled_from("我在北京吃饭大学生。，a1.-é́́👩\u200d❤\ufe0f'’"), max_size=12),
        max_size=6,
    )
)
def test_each_line_is_segmented_by_itself(tokens, lines):
    segment = segmenter(tokens)
    together = [line.split() for line in segment("\n".join(lines)).split("\n")]
    assert together == [segment(line).split() for line in lines or [""]]
