"""Which column of a table holds the text, and how columns are commonly called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dlkit.data.wording import listed
from dlkit.errors import DlkitError

LONGEST_ROW: Final = 1 << 26  # characters; a quote that never closes must not fill the memory
SAMPLE: Final = 100  # rows that a column is chosen from

# In order of preference; compared without case.
TEXTS: Final = (
    "text", "sentence", "review", "reviews", "content", "comment", "document", "body", "article",
    "passage", "message", "tweet", "文本", "正文", "内容", "评论", "句子", "文章",
    "評論", "內容",
)  # fmt: skip
LABELS: Final = (
    "label", "labels", "class", "target", "category", "sentiment", "species", "y", "fine_label",
    "coarse_label", "标签", "类别", "分类", "类", "標籤", "類別", "分類",
)  # fmt: skip

# Letters that dates and times are written with, in English and Chinese.
_DATE_WORDS: Final = re.compile(
    r"(?i)(?<![^\W\d_])(t|z|am|pm|utc|gmt"
    r"|mon(day)?|tue(s(day)?)?|wed(nesday)?|thu(rs(day)?)?|fri(day)?|sat(urday)?|sun(day)?"
    r"|jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?"
    r"|oct(ober)?|nov(ember)?|dec(ember)?)(?![^\W\d_])|[年月日号時时點点分秒]|上午|下午|(?<=\d)(st|nd|rd|th)\b"
)


def choose(
    table: str, names: Sequence[str], sample: Mapping[str, Sequence[Any]], wanted: str | None
) -> tuple[str, str]:
    """The column of text: the one asked for, else one with a common name, else the only one.

    Args:
        table: the table's name, for messages.
        names: all columns.
        sample: some values of each column; where none of them is filled, a common name will do.
        wanted: what the user asked for, if anything.

    Returns:
        The column and what to tell about the choice ("" if it was asked for).

    Raises:
        DlkitError: there is no such column, or no way to choose.

    """
    every = listed(names, 20)
    if wanted is not None:
        if wanted in names:
            return wanted, ""
        raise DlkitError(f"{table} has no column {wanted!r}", hint=f"it has {every}")
    if not names:
        raise DlkitError(f"{table} has no rows")
    filled = {name: [each for each in sample.get(name, ()) if not _blank(each)] for name in names}
    texts = [name for name in names if looks_like_text(filled[name])]
    for common in TEXTS:
        for name in names:
            if name.strip().lower() == common and (name in texts or not filled[name]):
                return name, f"{table}: the text is in the column {name}"
    if len(texts) == 1:
        return texts[0], f"{table}: the text is in the column {texts[0]}, the only one with text"
    problem = "several columns could be the text" if texts else "no column looks like text"
    raise DlkitError(f"{table}: {problem}: {every}", hint="--text-column NAME")


def looks_like_text(values: Sequence[Any]) -> bool:
    """Whether most of the values that are not empty are strings with words in them.

    Numbers, amounts, truth values, dates and times have none, however they are written.
    """
    filled = [value for value in values if not _blank(value)]
    texts = sum(1 for value in filled if isinstance(value, str) and _has_words(value))
    return 2 * texts > len(filled)


def has_text(cell: str | None, tally: Counter[str]) -> bool:
    """Whether a cell holds more than white space; if not, its row is counted in tally["rows"]."""
    if cell is not None and not _blank(cell):
        return True
    tally["rows"] += 1
    return False


def _blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _has_words(text: str) -> bool:
    text = text.strip()
    try:
        float(text)
    except ValueError:
        if text.lower() in ("true", "false"):
            return False
        if any(map(str.isdecimal, text)):
            text = _DATE_WORDS.sub("", text)
        return any(map(str.isalpha, text))
    return False
