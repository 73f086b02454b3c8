"""Phrases equal what a slow counter and joiner of strings finds, however the work is cut up."""

from __future__ import annotations

import io
import math
from collections import Counter
from dataclasses import replace
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlkit.data import phrases as module
from dlkit.data.collocations import Rules
from dlkit.data.config import TextConfig
from dlkit.data.phrases import join_phrases
from dlkit.errors import DlkitError
from dlkit.records import Noted, Warned

LINES = st.lists(
    st.lists(st.sampled_from(["a", "b", "c", "d", "饭", "of", "the", "a_b", "b_c"]), max_size=12),
    min_size=1,
    max_size=12,
)


def score_of(rules: Rules, pair: int, first: int, last: int, words: int) -> float:
    if rules.score == "paper":
        return (pair - rules.min_count) / (first * last) * words
    if pair < rules.min_count:
        return -math.inf
    return math.log((pair / words) / ((first / words) * (last / words))) / -math.log(pair / words)


def one_pass(lines: list[list[str]], rules: Rules, threshold: float):
    """The new lines and the phrases of one pass: (text, score, count, first, last) by score."""
    counts = Counter(word for line in lines for word in line)
    words = counts.total()
    pairs: Counter[tuple[str, ...]] = Counter()
    for line in lines:
        begun: list[str] = []
        for word in line:
            if word not in rules.connectors:
                if begun:
                    pairs[*begun, word] += 1
                begun = [word]
            elif begun:
                begun.append(word)
    found = {
        parts: score
        for parts, count in pairs.items()
        if (score := score_of(rules, count, counts[parts[0]], counts[parts[-1]], words)) > threshold
    }
    written = []
    for line in lines:
        out: list[str] = []
        place = 0
        while place < len(line):
            end = place + 1
            while end < len(line) and line[end] in rules.connectors:
                end += 1
            if tuple(line[place : end + 1]) in found:
                out.append(rules.joiner.join(line[place : end + 1]))
                place = end + 1
            else:
                out.append(line[place])
                place += 1
        written.append(out)
    told = [
        (rules.joiner.join(parts), score, pairs[parts], parts[0], counts[parts[0]],
         parts[-1], counts[parts[-1]])
        for parts, score in found.items()
    ]  # fmt: skip
    return written, sorted(told, key=lambda each: (-each[1], each[0].encode()))


def joined(text: str, rules: Rules, *, at_a_time: int = 1 << 20, **config):
    """The new text and what the work returns and tells."""
    parts: list[bytes] = []
    settings_ = TextConfig(**{"tokens": "whitespace"} | config)
    with mock.patch.object(module, "_AT_A_TIME", at_a_time):
        work = join_phrases(
            ["-"], settings_, rules, write=parts.append, stdin=io.BytesIO(text.encode())
        )
        records = []
        while True:
            try:
                records.append(next(work))
            except StopIteration as end:
                return b"".join(parts).decode(), end.value, records


def text_of(lines: list[list[str]]) -> str:
    return "".join(" ".join(line) + "\n" for line in lines)


@settings(max_examples=300, deadline=None)
@given(
    lines=LINES.filter(any),
    rules=st.builds(
        Rules,
        score=st.sampled_from(["paper", "npmi"]),
        thresholds=st.lists(st.sampled_from([0.0, 0.3137, 0.77]), min_size=1, max_size=3).map(
            tuple
        ),
        min_count=st.integers(0, 3),
        joiner=st.sampled_from(["_", "", "++"]),
        connectors=st.sampled_from([(), ("of",), ("of", "the")]),
        max_pairs=st.sampled_from([1, 2, 5, 1000]),
    ),
    at_a_time=st.integers(1, 7) | st.just(1 << 20),
)
def test_text_and_phrases_equal_the_oracle(lines, rules, at_a_time):
    if rules.score == "paper":
        rules = replace(rules, thresholds=tuple(10 * each for each in rules.thresholds))
    text, result, _ = joined(text_of(lines), rules, at_a_time=at_a_time)
    expected, passes = lines, []
    for number, threshold in enumerate(rules.thresholds, 1):
        expected, told = one_pass(expected, rules, threshold)
        passes += [(*each, number) for each in told]
    assert text == text_of(expected)
    assert [(p.text, p.count, p.first, p.first_count, p.last, p.last_count, p.number)
            for p in sorted(result.phrases, key=lambda p: (p.number, p.text, p.first, p.last))] == [
        (p[0], p[2], p[3], p[4], p[5], p[6], p[7])
        for p in sorted(passes, key=lambda p: (p[7], p[0], p[3], p[5]))
    ]  # fmt: skip
    scores = [each.score for each in result.phrases]
    assert scores == pytest.approx([each[1] for each in passes], rel=1e-12)
    assert result.words == sum(map(len, lines))
    assert result.lines == len(lines)


# 5,003 lines of pseudo-random words: a linear congruential generator, the same in every Python.
def generated() -> list[list[str]]:
    state, lines = 1, []
    for _ in range(5003):
        line = []
        for _ in range(9):
            state = (state * 1103515245 + 12345) % 2**31
            line.append(f"w{int((state / 2**31) ** 3 * 3000)}")
        lines.append([*line, "new", "york"] if state % 3 else line)
    return lines


def test_many_pairs_survive_growth_and_a_small_table():
    lines = generated()
    rules = Rules(thresholds=(20.0,), min_count=1)
    expected, told = one_pass(lines, rules, 20.0)
    assert len(told) > 50
    for most in (20_000_000, 3000, 17):
        text, result, records = joined(
            text_of(lines), replace(rules, max_pairs=most), at_a_time=10_007
        )
        assert text == text_of(expected)
        assert sorted(each.text for each in result.phrases) == sorted(each[0] for each in told)
        several = [each for each in records if "several times" in getattr(each, "text", "")]
        assert bool(several) == (most < 20_000_000)


def test_scores_are_those_of_gensim():
    # gensim 4.4.0: original_scorer(100, 50, 20, 10_000, 5, 10_000), npmi_scorer of the same.
    lines = [["new", "york"]] * 20 + [["new", "x"]] * 80 + [["y", "york"]] * 30 + [["z"]] * 9740
    for score, value in (("paper", 30.0), ("npmi", 0.5935819919280985)):
        rules = Rules(score=score, thresholds=(0.0,))
        _, result, _ = joined(text_of(lines), rules)
        (phrase,) = [each for each in result.phrases if each.text == "new_york"]
        assert (phrase.first_count, phrase.last_count, phrase.count) == (100, 50, 20)
        assert phrase.score == value


def test_pairs_do_not_cross_line_ends_and_no_word_is_in_two_phrases():
    rules = Rules(thresholds=(0.0,), min_count=0)
    text, _, _ = joined("a b c\nd\na b\n", rules)
    assert text == "a_b c\nd\na_b\n"
    text, _, _ = joined("a a a a a\n", rules)
    assert text == "a_a a_a a\n"


def test_rare_words_blank_lines_and_odd_text_stay():
    rules = Rules(thresholds=(0.0,), min_count=1)
    text, result, _ = joined("\n\nrare1 new york\n \nnew york \\ rare2 <tab>\n\nlast", rules)
    assert text == "\n\nrare1 new_york\n\nnew_york \\ rare2 <tab>\n\nlast\n"
    assert result.lines == 7
    assert result.joined == 2


def test_words_are_spelt_as_the_settings_say():
    rules = Rules(thresholds=(0.0,), min_count=1)
    text, _, _ = joined(
        "The New York, e\u0301\nnew york!\n", rules, lowercase=True, drop_punctuation=True
    )
    assert text == "the new_york \u00e9\nnew_york\n"


def test_chinese_is_segmented_and_joined_and_read_with_whitespace_afterwards():
    rules = Rules(thresholds=(0.0,), min_count=1, joiner="")
    text, result, records = joined("自然语言处理很有趣\n我爱自然语言处理\n", rules, tokens="zh")
    assert [each.text for each in result.phrases] == ["自然语言处理"]
    assert text == "自然语言处理 很 有趣\n我 爱 自然语言处理\n"
    assert any("--tokens whitespace" in each.text for each in records if isinstance(each, Noted))
    text, _, _ = joined("天地\n天地玄\n", replace(rules, joiner="_"), tokens="char")
    assert text == "天_地\n天_地 玄\n"


def test_two_passes_are_one_after_another():
    text = "new york times\n" * 4 + "new york\nnew times\nyork x new york y\n"
    rules = Rules(thresholds=(1.4,), min_count=1)
    once, _, _ = joined(text, rules)
    twice, _, _ = joined(once, rules)
    both, result, _ = joined(text, replace(rules, thresholds=(1.4, 1.4)))
    assert "new_york_times" in both
    assert both == twice
    assert {each.number for each in result.phrases} == {1, 2}


def test_a_connector_that_the_text_lacks_is_told():
    rules = Rules(thresholds=(0.0,), min_count=0, connectors=("of", "zu"))
    text, _, records = joined("bank of of america of\nof it\n", rules)
    assert text == "bank_of_of_america of\nof it\n"
    (warning,) = [each.text for each in records if isinstance(each, Warned)]
    assert "1 of 2 connectors" in warning


def test_a_text_without_words_is_an_error():
    with pytest.raises(DlkitError, match="no words"):
        joined("\n \n", Rules())


def test_a_phrase_longer_than_any_word_is_an_error():
    word = "x" * 40_000
    with pytest.raises(DlkitError, match="longer than the longest word"):
        joined(f"{word} {word}\n", Rules(thresholds=(0.0,), min_count=0))
