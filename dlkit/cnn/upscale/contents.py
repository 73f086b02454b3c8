"""Images of any sizes, decoded when they are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from dlkit.data import pixels
from dlkit.data.forms import DEPTHS
from dlkit.data.images import content_of
from dlkit.data.resizing import Wanted
from dlkit.data.samples import DIGEST_BYTES
from dlkit.data.wording import shown
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    from dlkit.data.pixels import BadImageError
    from dlkit.data.samples import Digests, Pixels

_AS_IT_IS: Final = Wanted(None, None, "crop")


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images that belong together.

    Attributes:
        names: what a person calls each: a file, or ``FILE:ROW``.
        contents: of each its file, the file's bytes, or its pixels (H, W, C).
        digests: BLAKE2b-128 of each one's file, or pixels, (N,) of 16 bytes.

    """

    names: Sequence[str]
    contents: Sequence[Path | bytes | Pixels]
    digests: Digests

    def __len__(self) -> int:
        return len(self.names)

    def take(self, places: npt.NDArray[np.int64]) -> Pictures:
        """Those at ``places``."""
        chosen = places.tolist()
        return Pictures(
            [self.names[place] for place in chosen],
            [self.contents[place] for place in chosen],
            self.digests[places],
        )

    def read(self, place: int) -> tuple[Pixels, tuple[str, ...]]:
        """(H, W, C) the pixels of one, C 1 or 3, upright, and what was done on the way.

        Raises:
            BadImageError: it cannot be read.

        """
        content = self.contents[place]
        if isinstance(content, np.ndarray):
            return content, ()
        found = pixels.decode(content_of(content), _AS_IT_IS)
        if found.pixels.dtype == np.uint8:
            bytes_: Any = found.pixels
            return bytes_, found.done
        depth = next(depth for depth in DEPTHS if found.bits <= depth)
        cut: Any = found.pixels >> (depth - 8)
        return cut.astype(np.uint8), (*found.done, f"of {depth} bits a channel cut to 8")

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the contents, in their order."""
        return hashlib.sha256(self.digests.astype(f"S{DIGEST_BYTES}").tobytes()).hexdigest()


def refused(name: str, problem: BadImageError) -> DlkitError:
    """The error of an image that cannot be read."""
    hint = "--skip-bad leaves out, and counts, what cannot be read"
    return DlkitError(f"{shown(name)}: {problem}", hint=hint)
