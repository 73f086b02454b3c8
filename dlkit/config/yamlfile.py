"""Recipes as text: a strict reader of the part of YAML that settings need.

YAML guesses types: ``1e-3`` is a string, ``010`` is 8, ``NO`` is false, a repeated key wins
silently, anchors grow without bound. Here every scalar stays text until the settings class says
what it must be, repeated keys, anchors and tags are refused, and size and depth are bounded.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from dlkit.errors import USAGE, DlkitError

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
# The parser takes 20 microseconds for each value, however short it is.
MAX_VALUES = 10_000

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


def read(path: Path) -> dict[str, Any]:
    """The mapping in the YAML file ``path``: dicts, lists, strings and None.

    Raises:
        DlkitError: the file cannot be read, is too large, is not UTF-8 or not a plain mapping.

    """
    try:
        # Non-blocking, so that a FIFO given as a recipe cannot hang the command.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            raw = file.read(MAX_BYTES + 1) or b""
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise DlkitError(f"recipe {path}: {reason}", code=USAGE) from None
    if len(raw) > MAX_BYTES:
        raise DlkitError(f"recipe {path}: larger than {MAX_BYTES:,} bytes", code=USAGE)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise DlkitError(
            f"recipe {path}: not UTF-8 at byte {problem.start}",
            hint=f"iconv -f gb18030 -t utf-8 {path}",
            code=USAGE,
        ) from None
    return parse(text, where=str(path))


def parse(text: str, *, where: str) -> dict[str, Any]:
    """The mapping that the YAML ``text`` holds; ``where`` names it in messages.

    Raises:
        DlkitError: not YAML, or more of YAML than settings need.

    """
    import yaml

    try:
        return _Builder(where).build(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark is not None else ""
        what = getattr(problem, "problem", None) or str(problem).splitlines()[0]
        raise DlkitError(f"recipe {where}{line}: {what}", code=USAGE) from None


class _Builder:
    """Builds the tree from parser events with a stack of its own: depth cannot overflow."""

    def __init__(self, where: str) -> None:
        self.where = where

    def fail(self, event: Any, what: str) -> DlkitError:
        line = event.start_mark.line + 1
        return DlkitError(f"recipe {self.where} line {line}: {what}", code=USAGE)

    def build(self, events: Any) -> dict[str, Any]:
        import yaml

        root: list[Any] = []
        # Each open collection, with the key that waits for its value (mappings only).
        stack: list[tuple[Any, list[str]]] = [(root, [])]
        for number, event in enumerate(events):
            if number > MAX_VALUES:
                raise self.fail(event, f"more than {MAX_VALUES:,} keys, values and brackets")
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise self.fail(event, "anchors and aliases are not allowed in a recipe")
            if isinstance(event, yaml.ScalarEvent):
                self._refuse_tag(event)
                self._add(event, stack, self._scalar(event))
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                self._refuse_tag(event)
                new: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
                self._add(event, stack, new)
                stack.append((new, []))
                if len(stack) > MAX_DEPTH:
                    raise self.fail(event, f"nested deeper than {MAX_DEPTH} levels")
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                stack.pop()
        if root in ([], [None]):
            return {}
        if len(root) > 1:
            raise DlkitError(f"recipe {self.where}: more than one document", code=USAGE)
        if not isinstance(root[0], dict):
            raise DlkitError(
                f"recipe {self.where}: holds no settings, only {str(root[0])[:60]!r}",
                hint="write lines of the form key: value",
                code=USAGE,
            )
        return root[0]

    def _refuse_tag(self, event: Any) -> None:
        if event.tag not in (None, "!"):
            raise self.fail(event, f"tags such as {event.tag!r} are not allowed in a recipe")

    def _scalar(self, event: Any) -> str | None:
        plain: bool = event.implicit[0]
        value: str = event.value
        return None if plain and value in _NULLS else value

    def _add(self, event: Any, stack: list[tuple[Any, list[str]]], value: Any) -> None:
        collection, waiting = stack[-1]
        if isinstance(collection, list):
            collection.append(value)
        elif waiting:
            collection[waiting.pop()] = value
        else:
            if not isinstance(value, str):
                raise self.fail(event, "a key must be a name")
            if value in collection:
                raise self.fail(event, f"the key {value!r} stands twice")
            waiting.append(value)
