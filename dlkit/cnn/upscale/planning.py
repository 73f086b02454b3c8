"""Which images are made larger, and where each of them goes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from dlkit.artifacts.placing import check_places
from dlkit.cnn.upscale import files
from dlkit.cnn.upscale.files import FORMATS
from dlkit.cnn.upscale.tiles import TILE
from dlkit.data import folders
from dlkit.data.pixels import SUFFIXES
from dlkit.data.queries import named_by
from dlkit.data.sources import STANDARD_INPUT, nearby
from dlkit.data.stdin_names import names_on
from dlkit.data.wording import shown
from dlkit.errors import USAGE, DlkitError

_LARGEST_STDIN: Final = 1 << 28  # bytes


class Entry(NamedTuple):
    """One image to make larger.

    Attributes:
        name: what a person calls it.
        content: its file, or its bytes.
        place: where it goes in a folder: its path below the folder that was named.

    """

    name: str
    content: Path | bytes
    place: Path


@dataclass
class Wish:
    """What is to become of the images.

    Attributes:
        target: a file, or a folder.
        suffix: of the files in a folder; None: that of each image, .png where it is not written.
        quality: of JPEG and WebP.
        force: replace files that are there.
        skip_bad: leave out, and count, images that cannot be read.
        tile: pixels of a tile's side.
        precision: of products.

    """

    target: Path
    suffix: str | None = None
    quality: int = 95
    force: bool = False
    skip_bad: bool = False
    tile: int = TILE
    precision: str = "fp32"
    taken: dict[Path, str] = field(default_factory=dict)

    @property
    def is_file(self) -> bool:
        """Whether the target is a file: it has the suffix of an image, and is no folder."""
        return self.target.suffix.lower() in FORMATS and not self.target.is_dir()


def planned(inputs: Sequence[str], wish: Wish, stdin: BinaryIO | None) -> Iterator[Entry]:
    """The images that the inputs name; those that are known now, and where they go, are checked.

    Raises:
        DlkitError: no such input, or no place for one.

    """
    if list(inputs).count("-") > 1:
        raise DlkitError("- is given twice: stdin can be read once", code=USAGE)
    _check(wish)
    known: list[Entry | None] = []  # None: what stdin holds
    for text in inputs:
        known += [None] if text == "-" else entries(text)
    several = len(known) > 1 or any(
        each is not None and each.place.name != str(each.place) for each in known
    )
    if wish.is_file and several:
        raise DlkitError(
            f"-o {wish.target} is one file, and there are {len(known):,} images",
            hint=f"-o {wish.target.stem}/ is a folder for them",
            code=USAGE,
        )
    for each in known:
        if each is not None:
            target_of(each, wish)
    for each in known:
        if each is None:
            yield from _from_stdin(wish, stdin)
        else:
            yield each


def _check(wish: Wish) -> None:
    """Do nothing if there can be files at the target.

    Raises:
        DlkitError: (USAGE) there cannot.

    """
    if wish.suffix is not None:
        wish.suffix = f".{wish.suffix.lower().removeprefix('.')}"
        if wish.suffix not in FORMATS or wish.is_file:
            why = f"is none of {', '.join(FORMATS)}" if not wish.is_file else "is of a folder (-o)"
            raise DlkitError(f"--suffix {wish.suffix} {why}", hint="--suffix png", code=USAGE)
    if wish.is_file:
        check_places([wish.target], force=wish.force)
    elif wish.target.suffix.lower() in SUFFIXES or wish.target.is_file():
        files.check_target(wish.target)


def entries(text: str, *, below: bool = False) -> list[Entry]:
    """The images that one input names: a file, those below a folder, those like a pattern.

    Args:
        text: the input.
        below: keep the folders of a relative path, as ``find`` tells it, in the folder of results.

    Raises:
        DlkitError: there are none.

    """
    found: list[Entry] = []
    paths = named_by(text)
    for path in paths:
        if not path.is_dir():
            keep = below and not path.is_absolute() and ".." not in path.parts
            found.append(Entry(shown(path), path, path if keep else Path(path.name)))
            continue
        inside = [each for each in folders.walk(path)[0] if each.suffix.lower() in SUFFIXES]
        if not inside:
            raise DlkitError(f"no images in the folder {shown(path)}")
        found += [Entry(shown(each), each, Path(path.name) / each.relative_to(path))
                  for each in inside]  # fmt: skip
    if not found:
        raise DlkitError(f"no such file or folder: {shown(text)}", hint=nearby(text))
    return found


def _from_stdin(wish: Wish, stdin: BinaryIO | None) -> Iterator[Entry]:
    """The files that stdin names as they come, or the image that it is."""
    names = names_on(stdin)
    if names is None:
        content = b"" if stdin is None else stdin.read(_LARGEST_STDIN + 1)
        if not content or len(content) > _LARGEST_STDIN:
            what = "is empty" if not content else f"has more than {_LARGEST_STDIN:,} bytes"
            raise DlkitError(f"standard input {what}", hint="names of files, or one image")
        yield Entry(STANDARD_INPUT, content, Path("stdin.png"))
        return
    count = 0
    for some in names:
        for each in (entry for text in some for entry in entries(text, below=True)):
            count += 1
            if wish.is_file and count > 1:
                raise DlkitError(
                    f"-o {wish.target} is one file, and stdin names several images",
                    hint=f"-o {wish.target.stem}/ is a folder for them",
                    code=USAGE,
                )
            yield each


def target_of(entry: Entry, wish: Wish) -> Path:
    """The file that an image is written to; it is that image's from now on.

    Raises:
        DlkitError: (USAGE) it is there already, it is another image's, or the image itself.

    """
    if wish.is_file:
        path = wish.target
    else:
        own = entry.place.suffix.lower()
        suffix = wish.suffix or (entry.place.suffix if own in FORMATS else ".png")
        path = wish.target / entry.place.with_suffix(suffix)
    other = wish.taken.setdefault(path, entry.name)
    if other != entry.name:
        raise DlkitError(
            f"{shown(other)} and {entry.name} would both be written to {shown(path)}",
            hint="give their folders one by one, or a common folder above them",
            code=USAGE,
        )
    if isinstance(entry.content, Path) and path.exists() and path.samefile(entry.content):
        raise DlkitError(f"{shown(path)} would replace the image itself", code=USAGE)
    if os.path.lexists(path) and not wish.force:
        raise DlkitError(f"{shown(path)} is there already", hint="--force replaces it", code=USAGE)
    return path
