"""Images that are equal in content, and images that are nearly: pairs and groups of them.

Equal are images of the same digest: the same pixels, of JPEG files the same bytes. Nearly equal are
images whose embeddings and whose small grey pictures are both alike: a classifier's embeddings tell
what is in an image, and two photographs of one class may be closer there than a photograph and its
re-encoded copy; 16x16 grey pixels tell where light and dark are, whatever size and quality the file
has. Neither alone is enough.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from dlkit.cnn.search.whitening import normalised
from dlkit.errors import USAGE, DlkitError
from dlkit.neighbours.rows import as_writable
from dlkit.records import Record, Step

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.samples import Digests

_ROWS: Final = 2_048  # of a tile of the matrix of all pairs
_MOST: Final = 1_000_000  # pairs


class Pair(NamedTuple):
    """Two images, the first one before the other in their order.

    Attributes:
        first: place of one.
        second: place of the other.
        similarity: the cosine of their embeddings; of equal images 1.
        pixels: the correlation of their small pictures; of equal images 1.
        equal: whether they are equal in content.

    """

    first: int
    second: int
    similarity: float
    pixels: float
    equal: bool


@dataclass(frozen=True)
class Group:
    """Images that hang together by pairs.

    Attributes:
        places: of the images, in their order.
        equal: how many of them are equal to one before them in the group.
        similarity: the least of its pairs'.

    """

    places: tuple[int, ...]
    equal: int
    similarity: float


def pairs(
    rows: npt.NDArray[np.float32],
    small: npt.NDArray[np.uint8],
    digests: Digests,
    *,
    threshold: float,
    pixels: float,
    near: bool = True,
) -> Generator[Record, None, list[Pair]]:
    """All pairs of images that are equal or nearly so, by their places.

    Of images that are equal each is paired with the first of them, and only that one with others:
    three equal images and a near copy are three pairs.

    Args:
        rows: (N, D) embeddings of length 1.
        small: (N, 16, 16) grey pictures.
        digests: (N,) of the contents.
        threshold: the least cosine of embeddings of near copies.
        pixels: the least correlation of their small pictures; one that is all of one grey
            correlates with none.
        near: look for near copies, too.

    Raises:
        DlkitError: (USAGE) there are more than a million.

    """
    _, first, group = np.unique(digests, return_index=True, return_inverse=True)
    leader = first[group]
    found = [
        Pair(int(leader[place]), place, 1.0, 1.0, equal=True)
        for place in np.flatnonzero(leader != np.arange(len(digests))).tolist()
    ]
    if near:
        single = np.sort(first)
        found += yield from _near(rows[single], small[single], single, threshold, pixels)
    return sorted(found)


def _near(
    rows: npt.NDArray[np.float32],
    small: npt.NDArray[np.uint8],
    places: npt.NDArray[np.int64],
    threshold: float,
    pixels: float,
) -> Generator[Record, None, list[Pair]]:
    """Pairs of images of different content, tile by tile of the matrix of all."""
    import torch

    flat = small.reshape(len(small), -1).astype(np.float32)
    shapes = torch.from_numpy(normalised(flat - flat.mean(axis=1, keepdims=True)))
    seen = torch.from_numpy(as_writable(np.ascontiguousarray(rows)))
    starts = range(0, len(rows), _ROWS)
    done, total, begun = 0.0, len(starts) * (len(starts) + 1) / 2, time.monotonic()
    found: list[Pair] = []
    for top in starts:
        for left in range(top, len(rows), _ROWS):
            tall, wide = slice(top, top + _ROWS), slice(left, left + _ROWS)
            alike = seen[tall] @ seen[wide].T
            wanted = alike >= threshold
            if top == left:
                wanted = wanted.triu(1)
            if wanted.any():
                shape = shapes[tall] @ shapes[wide].T
                above, across = torch.nonzero(wanted & (shape >= pixels), as_tuple=True)
                values = zip(
                    places[above.numpy() + top].tolist(),
                    places[across.numpy() + left].tolist(),
                    alike[above, across].tolist(),
                    shape[above, across].tolist(),
                    strict=True,
                )
                found += [Pair(*each, equal=False) for each in values]
            if len(found) > _MOST:
                raise DlkitError(
                    f"more than {_MOST:,} pairs are so similar (--threshold {threshold:g}, "
                    f"--pixels {pixels:g})",
                    hint=f"--threshold {(1 + threshold) / 2:.4g} --pixels {(1 + pixels) / 2:.4g}",
                    code=USAGE,
                )
            done += 1
        rate = done / max(time.monotonic() - begun, 1e-9)
        yield Step("comparing all pairs", done, total, "tiles", rate)
    return found


def groups(found: Sequence[Pair]) -> list[Group]:
    """Images that hang together by pairs, directly or by others, largest groups first.

    So the two ends of a group may be less alike than its pairs (single linkage).
    """
    parents: dict[int, int] = {}

    def top(place: int) -> int:
        root = place
        while parents.setdefault(root, root) != root:
            root = parents[root]
        while parents[place] != root:
            parents[place], place = root, parents[place]
        return root

    for each in found:
        low, high = sorted((top(each.first), top(each.second)))
        parents[high] = low
    members: dict[int, list[int]] = {}
    for place in sorted(parents):
        members.setdefault(top(place), []).append(place)
    least = dict.fromkeys(members, 1.0)
    equal = dict.fromkeys(members, 0)
    for each in found:
        root = top(each.first)
        least[root] = min(least[root], each.similarity)
        equal[root] += each.equal
    made = [Group(tuple(members[root]), equal[root], least[root]) for root in members]
    return sorted(made, key=lambda group: (-len(group.places), group.places))


def document(pair: Pair, paths: Sequence[str]) -> dict[str, Any]:
    """A pair in JSON's types."""
    return {
        "image": paths[pair.first],
        "other": paths[pair.second],
        "kind": "equal" if pair.equal else "near",
        "similarity": pair.similarity,
        "pixels": pair.pixels,
    }
