"""Images that are compared with each other: those of an index, or files."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from dlkit.artifacts.finding import find
from dlkit.artifacts.load import read_document
from dlkit.cnn.search.duplicates import Pair, groups
from dlkit.cnn.search.embedding import ENCODING, Embedder, open_image_encoder
from dlkit.cnn.search.gather import gather
from dlkit.cnn.search.save import pictures_of, small_of
from dlkit.cnn.search.saved import INDEX, ImageIndex, open_index
from dlkit.records import Noted, Record, Warned
from dlkit.report.sheet import Cell, Row
from dlkit.report.sheet_files import MOST_ACROSS, write

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dlkit.cnn.search.config import SearchConfig
    from dlkit.data.samples import Digests

_ON_SHEET: Final = 200  # groups that have room


@dataclass(frozen=True, eq=False)
class Collection:
    """N images.

    Attributes:
        name: of them together.
        paths: where each comes from, as it is shown.
        rows: (N, D) embeddings of length 1.
        small: (N, 16, 16) uint8, grey.
        digests: (N,) of the contents.
        index: what they are of; None: files.
        pictures: (N, h, w, C) of files; None: of an index.

    """

    name: str
    paths: Sequence[str]
    rows: npt.NDArray[np.float32]
    small: npt.NDArray[np.uint8]
    digests: Digests
    index: ImageIndex | None = None
    pictures: npt.NDArray[np.uint8] | None = None

    def picture(self, place: int) -> npt.NDArray[np.uint8] | None:
        """A small picture of one image, if there is one."""
        if self.pictures is not None:
            return self.pictures[place]  # type: ignore[no-any-return]
        return None if self.index is None else self.index.picture(place)


def of_index(index: ImageIndex) -> Collection:
    """The images of an index."""
    paths = [index.shown(place) for place in range(len(index))]
    return Collection(index.reference, paths, index.plain, index.small, index.digests, index=index)


def of_images(
    config: SearchConfig,
    source: str | None,
    *,
    features: str | None,
    device: str,
    threads: int | None,
    stdin: BinaryIO | None,
) -> Generator[Record, None, Collection]:
    """The images that ``config.data`` names, embedded.

    Args:
        config: which images, and how they are read.
        source: an index, by whose network they are seen, or a network's artifact; None: the
            newest of them.
        features: where an index' network is now; None: where it was.
        device: where it computes.
        threads: of PyTorch; None: as they are set.
        stdin: what ``-`` reads.

    Raises:
        DlkitError: no or unreadable images, no such artifact.

    """
    path = find(source, kinds=ENCODING | {INDEX})
    if read_document(path).get("kind") == INDEX:
        index = open_index(path)
        embedder = index.embedder(features=features, device=device, threads=threads)
        name = index.reference
    else:
        encoder = yield from open_image_encoder(str(path), device=device, threads=threads)
        embedder, name = Embedder(encoder), encoder.source.reference
    if source is None:
        yield Noted(f"using {name} (--from names another)")
    found = yield from gather(config, embedder.encoder, stdin)
    split = found.split
    # Before whitening: what copies are like was measured so, and whitening draws classes apart.
    rows = yield from embedder.plain(split.images, what="images")
    here = f"{Path.cwd()}{os.sep}"
    paths = [each.removeprefix(here) for each in split.paths]
    return Collection(
        found.name, paths, rows, small_of(split.images), split.digests,
        pictures=pictures_of(split.images),
    )  # fmt: skip


def draw(
    path: Path, found: Collection, pairs: Sequence[Pair], *, force: bool
) -> Generator[Record, None, int]:
    """Draw each group of copies in a row; return how many texts the font has gaps in.

    Args:
        path: where to: .svg or .png.
        found: the images.
        pairs: one or more.
        force: replace a file that is there.

    Raises:
        DlkitError: the file cannot be written.

    """
    made = groups(pairs)
    similar = {(each.first, each.second): each for each in pairs}
    if len(made) > _ON_SHEET:
        yield Warned(f"{path}: the {_ON_SHEET} largest of {len(made):,} groups are drawn")
    if len(made[0].places) > MOST_ACROSS + 1:
        yield Warned(f"{path}: the first {MOST_ACROSS + 1} images of each group are drawn")
    rows = []
    for group in made[:_ON_SHEET]:
        head, *others = group.places[: MOST_ACROSS + 1]
        cells = [_cell(found, place, similar.get((head, place))) for place in others]
        rows.append(Row(_cell(found, head, None), cells))
    heads = ("first", "its copies, with the cosine of their embeddings and the name")
    title = f"Copies in {found.name}"
    equal = sum(each.equal for each in pairs)
    lines = [
        f"{len(found.paths):,} images; {equal:,} equal to an earlier one, "
        f"{len(pairs) - equal:,} near pairs"
    ]
    return (yield from write(path, rows, heads=heads, title=title, lines=lines, force=force))


def _cell(found: Collection, place: int, pair: Pair | None) -> Cell:
    name = found.paths[place].rsplit("/", 1)[-1]
    _, colon, row = name.rpartition(":")
    if colon and row.isdigit():  # of a table, whose name has no room beside it
        name = f"row {row}"
    if pair is None:
        captions: tuple[str, ...] = (name,)
    else:
        captions = ("equal" if pair.equal else f"near, {pair.similarity:.3f}", name)
    picture = found.picture(place)
    return Cell(picture, "" if picture is not None else found.paths[place], captions)
