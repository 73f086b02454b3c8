"""Model cards: Markdown in which names are only names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from dlkit.report.card import marked, render_card
from dlkit.training.metrics import scores


def made(classes=3, samples=60):
    random = np.random.default_rng(1)
    labels = random.integers(0, classes, samples)
    powers = np.exp(random.normal(size=(samples, classes)) + 2 * np.eye(classes)[labels])
    names = ["<b>猫|", "*dog*", "[x](http://a)", *(f"class {i}" for i in range(3, classes))]
    return scores(powers / powers.sum(axis=1, keepdims=True), labels, names, resamples=20)


def card(**changed):
    told = {
        "summary": "A linear classifier.",
        "facts": {"hidden": (256, 128), "l2": 1e-4, "epochs": 20},
        "scores": made(),
        "judged": "60 test samples of a_b",
        "commands": ["dlkit classify predict FILE --from classify/a_b"],
        "limits": ["Not for <medical> use."],
    }
    return render_card("classify/a_b", **(told | changed)).decode()


def inline(markdown):
    """The kinds of tokens in a line of Markdown, and its plain text."""
    tokens = MarkdownIt("commonmark").enable("table").enable("strikethrough").parse(markdown)
    kinds, text = [], ""
    for token in tokens:
        kinds.append(token.type)
        for child in token.children or []:
            kinds.append(child.type)
            text += child.content
    return kinds, text


@pytest.mark.parametrize(
    "name",
    ["<b>", "*a*", "_a_", "`a`", "[a](b)", "![a](b)", "a|b", "# a", "- a", "+ a", "1. a", "2) a",
     "> a", "~~a~~", "a\\", "&lt;", "===", "---", "<http://a>", "饭", "1.5", "a-b #2 (x)"],
)  # fmt: skip
def test_a_name_is_read_as_the_text_that_it_is(name):
    kinds, text = inline(marked(name))
    assert text == name
    assert set(kinds) <= {"paragraph_open", "inline", "text", "paragraph_close", "text_special"}


@given(st.text(alphabet=st.sampled_from("ab 1.)*_`[](){}<>#+-=!|~&$\\\n:/;"), max_size=30))
def test_any_name_is_only_text(name):
    kinds, text = inline(marked(name))
    assert text.split() == name.split()
    assert not [
        each for each in kinds if each.startswith(("em", "strong", "link", "image", "code"))
    ]
    assert not [each for each in kinds if each.startswith(("html", "heading", "bullet", "ordered"))]


def test_a_card_has_scores_classes_commands_and_limits():
    found = made()
    text = card()
    assert text.startswith("# classify/a\\_b\n")
    assert "- hidden: 256, 128" in text
    assert f"| accuracy | {found.accuracy:.4f} |" in text
    assert "| \\<b\\>猫\\| |" in text
    assert "    dlkit classify predict FILE --from classify/a_b\n" in text
    assert "Not for \\<medical\\> use." in text
    rows = [line for line in text.split("\n") if line.startswith("|")]
    assert len(rows) == 2 + 6 + 2 + 3
    kinds, _ = inline(text)
    assert kinds.count("table_open") == 2
    assert not {"html_inline", "html_block", "link_open", "em_open"} & set(kinds)


def test_a_card_without_scores_says_so():
    text = card(scores=None)
    assert "judged on no samples" in text
    assert "|" not in text


def test_of_very_many_classes_the_lowest_are_listed_and_it_is_said():
    found = made(classes=130, samples=400)
    text = card(scores=found)
    assert "The 100 of 130 classes with the lowest F1:" in text
    rows = [line.split(" | ") for line in text.split("\n") if line.startswith("| ")]
    listed = [float(row[3]) for row in rows if len(row) == 6 and row[3] not in ("f1", "---", "–")]
    lowest = sorted(each.f1 for each in found.per_class if each.f1 is not None)
    assert listed == pytest.approx(lowest[: len(listed)], abs=6e-5)
    assert len([row for row in rows if len(row) == 6]) == 2 + 100
