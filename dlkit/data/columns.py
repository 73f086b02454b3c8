"""Which column of a table holds the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dlkit.errors import DlkitError

# In order of preference; compared without case.
_NAMES: Final = (
    "text", "sentence", "review", "reviews", "content", "comment", "document", "body", "article",
    "passage", "message", "tweet", "文本", "正文", "内容", "评论", "句子", "文章",
    "評論", "內容",
)  # fmt: skip


def choose(
    table: str, names: Sequence[str], sample: Mapping[str, Sequence[Any]], wanted: str | None
) -> tuple[str, str]:
    """The column of text: the one asked for, else one with a common name, else the only one.

    Args:
        table: the table's name, for messages.
        names: all columns.
        sample: some values of each column.
        wanted: what the user asked for, if anything.

    Returns:
        The column and what to tell about the choice ("" if it was asked for).

    Raises:
        DlkitError: there is no such column, or no way to choose.

    """
    listed = ", ".join(name or "''" for name in names[:20]) + (", …" if len(names) > 20 else "")
    if wanted is not None:
        if wanted in names:
            return wanted, ""
        raise DlkitError(f"{table} has no column {wanted!r}", hint=f"it has {listed}")
    if not names:
        raise DlkitError(f"{table} has no rows")
    texts = [name for name in names if looks_like_text(sample.get(name, ()))]
    for common in _NAMES:
        for name in names:
            if name.strip().lower() == common and (name in texts or not sample.get(name)):
                return name, f"{table}: the text is in the column {name}"
    if len(texts) == 1:
        return texts[0], f"{table}: the text is in the column {texts[0]}, the only one with text"
    problem = "several columns could be the text" if texts else "no column looks like text"
    raise DlkitError(f"{table}: {problem}: {listed}", hint="--text-column NAME")


def looks_like_text(values: Sequence[Any]) -> bool:
    """Whether most of the values that are not empty are strings and not numbers."""
    filled = [value for value in values if value not in (None, "")]
    texts = sum(1 for value in filled if isinstance(value, str) and not _is_number(value))
    return 2 * texts > len(filled)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.lower() in ("true", "false")
    return True
