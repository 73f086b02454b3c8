"""Published weights: a file of safetensors, or a model of the Hugging Face hub at one revision.

No other kind of file is read: .pt, .pth and .bin run what is in them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from dlkit.artifacts.folders import damaged
from dlkit.artifacts.load import without_duplicates
from dlkit.artifacts.tensors import Array, read_tensors
from dlkit.data import hub
from dlkit.errors import NOT_FOUND, USAGE, DlkitError, quoted
from dlkit.records import Noted, Record

# Of the pixels of ImageNet, which nearly all published weights of classifiers want.
MEAN: Final = (0.485, 0.456, 0.406)
STD: Final = (0.229, 0.224, 0.225)

FILE: Final = "model.safetensors"
_SETTINGS: Final = "config.json"
_LARGEST_SETTINGS: Final = 1 << 20  # bytes
_ID: Final = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(@(?P<revision>[\w./-]{1,200}))?",
    re.ASCII,
)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, eq=False)
class Weights:
    """Published weights.

    Attributes:
        reference: where they are from, for the settings: a path, or OWNER/NAME@COMMIT.
        path: the file.
        digest: SHA-256 of the file.
        tensors: arrays by the names in the file, read-only, mapped from the disk.
        mean: of the pixels that they were trained with, by channel, from 0 to 1.
        std: their deviations.

    """

    reference: str
    path: Path
    digest: str
    tensors: Mapping[str, Array]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def document(self) -> dict[str, str]:
        """What an artifact keeps of the weights that it began with."""
        return {"from": self.reference, "digest": self.digest}


def fetch(given: str) -> Generator[Record, None, Weights]:
    """Find weights and prove their file's sizes.

    Args:
        given: a .safetensors file, a folder with model.safetensors, or a model of the hub:
            OWNER/NAME, or OWNER/NAME@REVISION (a branch, a tag, a commit).

    Raises:
        DlkitError: (NOT_FOUND) there is no such file, or the hub has none; (DAMAGED) it is not
            what it says; (USAGE) it can be neither.

    """
    forced = given.startswith("hub:")
    path = Path(given).expanduser()
    if given and not forced and (path.exists() or given.startswith((".", "/", "~")) or path.suffix):
        if path.is_dir():
            path = path / FILE
        if path.exists():
            return (yield from _opened(path, str(path)))
        if not _ID.fullmatch(given) or given.startswith("."):
            raise DlkitError(f"{given}: there is no such file", code=NOT_FOUND, hint=_WHAT)
    match = _ID.fullmatch(given.removeprefix("hub:"))
    if match is None:
        raise DlkitError(
            f"{given!r} is neither a file nor a model of the hub", code=USAGE, hint=_WHAT
        )
    found, local = yield from _from_hub(match["name"], match["revision"])
    reference = f"{match['name']}@{found.parent.name}"
    if match["revision"] != found.parent.name:
        yield Noted(f"weights: {reference}")
    _downloaded(match["name"], _SETTINGS, found.parent.name, local=local, needed=False)
    return (yield from _opened(found, reference))


_OR_FILE: Final = "give a .safetensors file"
_WHAT: Final = "give a .safetensors file, or OWNER/NAME of a model on the hub"
Moments = tuple[tuple[float, ...], tuple[float, ...]]


def _from_hub(name: str, revision: str | None) -> Generator[Record, None, tuple[Path, bool]]:
    """The file of a model in the hub's cache, a link in a folder named after the commit.

    And whether the hub is to be left alone.
    """
    here = hub.cached(name, kind="models")
    if here and revision and _COMMIT.fullmatch(revision):
        path = _downloaded(name, FILE, revision, local=True, needed=False)
        if path is not None:
            return path, True
    if hub.offline():
        if here:
            return _needed(_downloaded(name, FILE, revision, local=True)), True
        raise DlkitError(
            f"the model {name!r} is not in the cache, and HF_HUB_OFFLINE is set",
            code=NOT_FOUND,
            hint=f"{_OR_FILE}, or unset HF_HUB_OFFLINE, or: hf download {name} {FILE}",
        )
    answer = hub.ask(name, kind="models")
    if answer == 200:
        return _needed(_downloaded(name, FILE, revision)), False
    if answer in (401, 403, 404):
        why = "is not on the hub" if answer == 404 else "is not on the hub or not open to you"
        raise DlkitError(f"the model {name!r} {why}", code=NOT_FOUND, hint=_WHAT)
    problem = f"the hub answered {answer}" if answer else "the hub cannot be reached"
    if here:
        yield Noted(f"{problem}: {name} is taken from the cache")
        return _needed(_downloaded(name, FILE, revision, local=True)), True
    raise DlkitError(
        f"{problem} to look for the model {name!r}",
        code=NOT_FOUND,
        hint=f"{_OR_FILE}, or where there is a network: hf download {name} {FILE}",
    )


def _downloaded(
    name: str, file: str, revision: str | None, *, local: bool = False, needed: bool = True
) -> Path | None:
    """A file of a model, from the cache or the hub; None: none, and it is not ``needed``."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, RevisionNotFoundError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    of = f"{name}@{revision}" if revision else name
    try:
        return Path(
            hf_hub_download(
                name, file, revision=revision, cache_dir=hub.cache(),
                local_files_only=local,
            )
        )  # fmt: skip
    except RevisionNotFoundError as error:
        message = f"the model {name!r} has no revision {revision!r}"
        raise DlkitError(message, code=NOT_FOUND, hint=f"hf repos tags {quoted(name)}") from error
    except EntryNotFoundError as error:
        if not needed:
            return None
        where = "the cache has no" if local else "there is no"
        raise DlkitError(
            f"{where} {file} of {of}; dlkit reads no pickles (.bin, .pt, .pth)",
            code=NOT_FOUND,
            hint="give a model that has one, such as those of timm",
        ) from error
    except Exception as error:
        # The library lets through errors of every layer below it.
        if not needed:
            return None
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DlkitError(f"{file} of {of} cannot be loaded: {lines[0]}") from error


def _needed(path: Path | None) -> Path:
    assert path is not None
    return path


def _opened(path: Path, reference: str) -> Generator[Record, None, Weights]:
    """Read a file; one of the hub's cache is a link to one that is named by its SHA-256.

    Pixels are scaled as the file says, else as the config.json beside it, else as for ImageNet,
    which is said.
    """
    real = path.resolve()
    tensors = read_tensors(real)
    with real.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if real != path and _SHA256.fullmatch(real.name) and real.name != digest:
        raise damaged(real, f"its SHA-256 is {digest}, not its name", f"rm {quoted(str(real))}")
    # Our own networks keep their pixels' moments with the weights.
    own = [tensors.get(f"pixels.{each}") for each in ("mean", "std")]
    if own[0] is not None and own[1] is not None:
        pixels: Moments | None = (_row(own[0]), _row(own[1]))
    else:
        pixels = _pixels(path.parent / _SETTINGS)
    if pixels is None:
        yield Noted("pixels are scaled by the means and deviations of ImageNet")
        pixels = MEAN, STD
    return Weights(reference, path, digest, tensors, *pixels)


def _row(array: Array) -> tuple[float, ...]:
    return tuple(float(each) for each in np.asarray(array, np.float64).reshape(-1))


def _pixels(settings: Path) -> Moments | None:
    """What a config.json of timm says about pixels; None: it says nothing, or there is none.

    Raises:
        DlkitError: (DAMAGED) it is not JSON, or says what cannot be.

    """
    if not settings.is_file():
        return None
    try:
        text = settings.read_bytes()[: _LARGEST_SETTINGS + 1]
        if len(text) > _LARGEST_SETTINGS:
            raise ValueError("too large")
        read: Any = json.loads(text.decode("utf-8"), object_pairs_hook=without_duplicates)
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(settings, f"not JSON: {error}") from error
    told = read.get("pretrained_cfg", read) if isinstance(read, dict) else None
    if not isinstance(told, dict) or "mean" not in told or "std" not in told:
        return None
    mean, std = told["mean"], told["std"]
    numbers = all(
        isinstance(row, list) and all(type(x) in (int, float) and abs(x) < 1e3 for x in row)
        for row in (mean, std)
    )
    if not numbers or not len(mean) == len(std) in (1, 3) or min(std) <= 0:
        raise damaged(settings, f"mean {mean!r:.60} and std {std!r:.60} of pixels cannot be")
    return tuple(map(float, mean)), tuple(map(float, std))
