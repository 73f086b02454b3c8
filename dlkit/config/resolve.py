"""Settings from four places, strongest first: option, ``--set``, recipe, default."""

from __future__ import annotations

import difflib
import os
import re
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from dlkit.config import yamlfile
from dlkit.config.schema import Settings
from dlkit.errors import USAGE, DlkitError

S = TypeVar("S", bound=Settings)
_MOST_TOLD = 10  # mistakes in one message


def resolve(
    schema: type[S],
    *,
    recipe: Path | None = None,
    sets: Sequence[str] = (),
    options: Mapping[str, object] | None = None,
    base: Mapping[str, Any] | None = None,
    without: Collection[str] = (),
) -> S:
    """Settings of the class ``schema``.

    Args:
        schema: the settings class, whose defaults fill what nobody gives.
        recipe: a YAML file; relative paths under its keys ``data`` and ``text.vocabulary`` are
            relative to its folder.
        sets: ``a.b=value`` assignments as typed after ``--set``.
        options: values by dotted key; None means that the option was not given.
        base: settings below the recipe, instead of the defaults.
        without: dotted keys of the recipe that do not count.

    Raises:
        DlkitError: usage: an unknown key, a value that does not fit, an unreadable recipe.

    """
    tree: dict[str, Any] = {}
    origin: dict[str, str] = {}
    if recipe is not None:
        tree = yamlfile.read(recipe)
        _anchor_data(tree, recipe)
        _anchor_vocabulary(tree, recipe.absolute().parent)
        for key in without:
            _remove(tree, key)
    if base is not None:
        tree = _merged(base, tree)
    for assignment in sets:
        key, equals, value = assignment.partition("=")
        if not equals or not key.strip():
            raise DlkitError(f"--set {assignment}: not of the form key=value", code=USAGE)
        _assign(tree, key.strip(), None if value in ("null", "~") else value, f"--set {assignment}")
        origin[key.strip()] = f"--set {key.strip()}"
    for key, given in (options or {}).items():
        if given is not None:
            _assign(tree, key, given, key)
            origin[key] = "--" + key.rsplit(".", 1)[-1].replace("_", "-")
    _anchor_vocabulary(tree, Path.cwd())
    return validate(schema, tree, where=f"recipe {recipe}" if recipe else "", origin=origin)


def validate(
    schema: type[S], tree: Mapping[str, Any], *, where: str = "", origin: Mapping[str, str] = {}
) -> S:
    """``tree`` as settings; all mistakes together in one DlkitError."""
    problems: list[str] = []
    hints: list[str] = []
    prepared = _prepare(schema, tree, "", problems, lambda key: _place(key, where, origin))
    try:
        settings = schema.model_validate(prepared)
    except ValidationError as failure:
        details = failure.errors()
        for detail in details[:_MOST_TOLD]:
            problem, hint = _describe(schema, detail, where, origin)
            problems.append(problem)
            hints.append(hint)
        if len(details) > _MOST_TOLD:
            problems.append(f"and {len(details) - _MOST_TOLD:,} more mistakes")
    if problems:
        told = filter(None, dict.fromkeys(hints))  # the same hint serves many mistakes
        raise DlkitError("; ".join(problems), hint="; ".join(told), code=USAGE)
    return settings


def _remove(tree: dict[str, Any], key: str) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        below = tree.get(parent)
        if not isinstance(below, dict):
            return
        tree = below
    tree.pop(last, None)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with what ``over`` says; mappings are merged key by key."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(below, value)
        else:
            merged[key] = value
    return merged


def _anchor_data(tree: dict[str, Any], recipe: Path) -> None:
    """Make relative paths under ``data`` absolute; names such as builtin:reviews stay.

    A path is what exists beside the recipe, and what can be nothing else: it has a suffix, or
    begins with a dot.
    """
    data = tree.get("data")
    entries = [data] if isinstance(data, str) else data
    if not isinstance(entries, list):
        return  # validation says what is wrong with it
    tree["data"] = [_anchored(entry, recipe.absolute().parent) for entry in entries]


def _anchor_vocabulary(tree: dict[str, Any], folder: Path) -> None:
    """Make ``text.vocabulary``, which is a file and nothing else, an absolute path."""
    text = tree.get("text")
    file = text.get("vocabulary") if isinstance(text, dict) else None
    if isinstance(text, dict) and isinstance(file, str) and file.strip():
        # os.path takes the text as typed; a Path would make the home folder of ./~name.
        text["vocabulary"] = os.path.normpath(folder / os.path.expanduser(file))  # noqa: PTH111


def _anchored(entry: Any, folder: Path) -> Any:
    if not isinstance(entry, str) or entry.startswith(("builtin:", "hub:", "/", "~")):
        return entry
    if entry == "-" or not entry.strip():
        return entry
    path = folder / entry
    is_path = entry.startswith(".") or bool(Path(entry).suffix) or path.exists()
    return str(path.resolve()) if is_path else entry


def _assign(tree: dict[str, Any], key: str, value: object, where: str) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        tree = tree.setdefault(parent, {})
        if not isinstance(tree, dict):
            raise DlkitError(f"{where}: {parent} is a value and has no keys", code=USAGE)
    tree[last] = value


def _place(key: str, where: str, origin: Mapping[str, str]) -> str:
    """Where the value of ``key`` was given, for a message."""
    return origin.get(key) or (f"{where}: {key}" if where else key)


def _prepare(
    schema: type[BaseModel],
    tree: Mapping[str, Any],
    prefix: str,
    problems: list[str],
    place: Callable[[str], str],
) -> dict[str, Any]:
    """Undo what text cannot say: comma lists become lists; refuse what could be misread."""
    prepared: dict[str, Any] = {}
    for key, value in tree.items():
        field = schema.model_fields.get(key)
        kinds = _kinds(field.annotation) if field is not None else ()
        nested = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)
        if nested is not None and isinstance(value, Mapping):
            value = _prepare(nested, value, f"{prefix}{key}.", problems, place)
        elif isinstance(value, str) and any(get_origin(k) in (tuple, list) for k in kinds):
            text, quotes = value.strip(), ""
            if text.startswith("[") and text.endswith("]"):  # as recipes have lists
                text, quotes = text[1:-1], "\"'"
            parts = (
                part.strip().strip(quotes) if quotes else part.strip() for part in text.split(",")
            )
            value = [part for part in parts if part]
        elif isinstance(value, str):
            problem = _ambiguous(kinds, value)
            if problem:
                problems.append(f"{place(prefix + key)}: {problem}")
                continue
        prepared[key] = value
    return prepared


def _kinds(annotation: Any) -> tuple[Any, ...]:
    """The types that ``annotation`` allows: the members of a union, or itself."""
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)


def _ambiguous(kinds: Sequence[Any], value: str) -> str:
    """What is wrong with ``value`` where YAML, Python and people read it differently."""
    if bool in kinds and value not in ("true", "false"):
        return f"must be true or false, not {value!r}"
    if str in kinds:
        return ""
    if int in kinds and re.fullmatch(r"[+-]?0[\d_]+", value):
        return (
            f"{value!r} may mean {int(value.replace('_', ''))} or an octal number: write it plain"
        )
    if (int in kinds or float in kinds) and "_" in value:
        return f"must be a number, not {value!r}"
    return ""


_MESSAGES = {
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be greater than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "literal_error": "must be one of {expected}",
}


def _describe(
    schema: type[BaseModel],
    detail: Mapping[str, Any],
    where: str,
    origin: Mapping[str, str],
) -> tuple[str, str]:
    # An item of a list is named by its list: that is what was given.
    key = ".".join(part for part in detail["loc"] if isinstance(part, str))
    place = _place(key, where, origin)
    kind = detail["type"]
    if kind == "extra_forbidden":
        return f"{place}: unknown key", _nearest(schema, detail["loc"])
    if kind == "value_error" and not key:  # a rule about several settings
        return f"{where}: {detail['ctx']['error']}".removeprefix(": "), ""
    error = detail.get("ctx", {}).get("error")  # the notes of a ValueError are hints
    return f"{place}: {mistake(detail)}", "; ".join(getattr(error, "__notes__", ()))


def mistake(detail: Mapping[str, Any]) -> str:
    """What is wrong with a value, one of pydantic's ``errors()``: must be …, not the value."""
    kind, context = detail["type"], detail.get("ctx", {})
    template = _MESSAGES.get(kind)
    message = template.format(**context) if template else str(detail["msg"]).lower()
    if kind == "value_error":
        message = str(context.get("error", message))
    given = detail.get("input")
    if isinstance(given, (list, tuple)) and all(isinstance(each, str) for each in given):
        given = ",".join(given)
    shown = given if isinstance(given, str) and given.strip() else repr(given)
    return f"{message}, not {shown[:80]}"


def _nearest(schema: type[BaseModel], location: Sequence[Any]) -> str:
    """A hint that names the known key nearest to the unknown one, with its default."""
    for part in location[:-1]:
        field = schema.model_fields.get(str(part))
        kinds = _kinds(field.annotation) if field is not None else ()
        inner = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)
        if inner is None:
            return ""
        schema = inner
    names = list(schema.model_fields)
    close = difflib.get_close_matches(str(location[-1]), names, n=1, cutoff=0.6)
    if not close:
        return f"known keys: {', '.join(names)}"
    default = schema.model_fields[close[0]].get_default(call_default_factory=True)
    return f"did you mean {close[0]} (default: {default})?"


def to_yaml(settings: Settings) -> str:
    """The settings as a recipe that runs again."""
    import yaml

    values = settings.model_dump(mode="json")
    text = yaml.safe_dump(values, allow_unicode=True, sort_keys=False)
    if any(end in text for end in "\x85\u2028\u2029"):  # read back as ends of lines
        text = yaml.safe_dump(values, sort_keys=False)
    return text
