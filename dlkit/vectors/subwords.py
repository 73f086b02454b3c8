"""Vectors of words that were never seen, from the n-grams that they share with words that were.

n-grams and hash are fastText's (https://arxiv.org/abs/1607.04606, section 3.2): the word between
``<`` and ``>``, all its runs of ``shortest`` to ``longest`` code points, and for each run a bucket,
the 32-bit FNV-1a hash of its UTF-8 bytes modulo the number of buckets. fastText reads each byte as
a signed one, so that a byte from 128 on changes the high bits, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.errors import DAMAGED, FAILED, DlkitError

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.artifacts.load import Artifact

FILE = "subwords.safetensors"
LINE_END = "</s>"  # fastText's word for the end of a line, the one word without n-grams

OFFSET = 2166136261
PRIME = 16777619
MOST_BUCKETS = (1 << 31) - 1  # they are int32
MOST_CHARACTERS = 1000  # of an n-gram; fastText's default is 6
# n-grams of a question: no word needs more, and a hostile line of 65,536 bytes must not.
MOST_NGRAMS = 100_000


def ngrams(word: str, shortest: int, longest: int) -> list[str]:
    """The n-grams of ``word`` between ``<`` and ``>``, by their start, then by their length.

    One that comes twice stands there twice. ``<`` or ``>`` alone at either end is none. An empty
    word has none, nor has ``LINE_END``.
    """
    if word in ("", LINE_END):
        return []
    whole = f"<{word}>"
    last = len(whole) - 1
    return [
        whole[start : start + length]
        for start in range(len(whole))
        for length in range(shortest, min(longest, len(whole) - start) + 1)
        if length > 1 or 0 < start < last
    ]


def bucket_of(ngram: str, buckets: int) -> int:
    """The bucket, 0 to ``buckets`` - 1, of one n-gram."""
    value = OFFSET
    for byte in ngram.encode("utf-8", "surrogatepass"):
        value ^= byte | 0xFFFFFF00 if byte & 0x80 else byte
        value = value * PRIME & 0xFFFFFFFF
    return value % buckets


def buckets(word: str, *, shortest: int, longest: int, buckets: int) -> list[int]:
    """The buckets of the ``ngrams`` of ``word``, in the same order."""
    return [bucket_of(ngram, buckets) for ngram in ngrams(word, shortest, longest)]


class Subwords:
    """The vectors of n-grams' buckets.

    Args:
        used: (B,) int32, ascending: the buckets that some word of the vocabulary uses.
        vectors: (B, D) float32 or float16, row i for bucket ``used[i]``; it may be mapped.
        shortest: code points of an n-gram, at least.
        longest: and at most.
        buckets: the number of buckets that n-grams are hashed to.
        own: (V, D) the words' own rows, where they are at hand: with those of its n-grams they
            make a word's vector.

    """

    def __init__(
        self,
        used: npt.NDArray[np.int32],
        vectors: npt.NDArray[np.floating],
        *,
        shortest: int,
        longest: int,
        buckets: int,
        own: npt.NDArray[np.floating] | None = None,
    ) -> None:
        self.used = used
        self.vectors = vectors
        self.shortest = shortest
        self.longest = longest
        self.buckets = buckets
        self.own = own

    def places(
        self, asked: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """The rows of those buckets ``asked`` (N,) that are known, and which they are (N,)."""
        if len(self.used) == self.buckets:  # all of them
            return asked, np.ones(len(asked), np.bool_)
        places = np.searchsorted(self.used, asked)
        known = places < len(self.used)
        known[known] = self.used[places[known]] == asked[known]
        return places[known], known

    def vector(self, word: str) -> npt.NDArray[np.float32] | None:
        """(D,) the mean of the vectors of the n-grams of ``word``; None if none of them is known.

        An n-gram that comes twice counts twice; one whose bucket is not used does not count.

        Raises:
            DlkitError: the word is too long, or its vector holds NaN or infinity.

        """
        if (len(word) + 2) * (self.longest - self.shortest + 1) > MOST_NGRAMS:
            raise DlkitError(
                f"'{word[:40]}…' has {len(word):,} characters, too many n-grams", code=FAILED
            )
        asked = np.array(
            buckets(word, shortest=self.shortest, longest=self.longest, buckets=self.buckets),
            dtype=np.int64,
        )
        places, _ = self.places(asked)
        if not len(places):
            return None
        with np.errstate(invalid="ignore", over="ignore"):  # it is refused below
            found = self.vectors[places].astype(np.float64)
            mean: npt.NDArray[np.float32] = found.mean(axis=0).astype(np.float32)
        if not np.isfinite(mean).all():
            raise DlkitError(
                f"the n-grams of '{word}' have values that are no finite numbers",
                hint="train again with a lower learning rate",
                code=FAILED,
            )
        return mean


def open_subwords(artifact: Artifact, dim: int, name: str, *, verify: bool = False) -> Subwords:
    """The subwords of an artifact whose files were verified; the vectors stay on disk, mapped.

    Args:
        artifact: its artifact.json has ``subwords``: shortest, longest, buckets.
        dim: D of its word vectors.
        name: what messages call it.
        verify: look at every value.

    Raises:
        DlkitError: (DAMAGED) the file does not hold what artifact.json says.

    """
    from dlkit.artifacts.tensors import check_finite, read_tensors

    path = artifact.file(FILE)
    settings = _settings(artifact.document.get("subwords"), name)
    tensors = read_tensors(path)
    for tensor, types in (("buckets", ("int32",)), ("vectors", ("float32", "float16"))):
        if tensor not in tensors:
            raise _damaged(f"{FILE} has no tensor {tensor!r}", name)
        if tensors[tensor].dtype.name not in types:
            kind = tensors[tensor].dtype
            raise _damaged(f"{FILE}: {tensor!r} is {kind}, not {' or '.join(types)}", name)
    used, vectors = tensors["buckets"], tensors["vectors"]
    if used.ndim != 1 or vectors.shape != (len(used), dim):
        raise _damaged(
            f"{FILE}: {used.shape} buckets and {vectors.shape} vectors do not fit words of "
            f"{dim} values",
            name,
        )
    if (used[1:] <= used[:-1]).any():
        raise _damaged(f"{FILE}: the buckets are not in ascending order", name)
    if len(used) and not 0 <= used[0] <= used[-1] < settings["buckets"]:
        raise _damaged(
            f"{FILE}: buckets {used[0]} to {used[-1]}, artifact.json says 0 to "
            f"{settings['buckets'] - 1}",
            name,
        )
    if verify:
        check_finite({"vectors": vectors}, where=path)
    return Subwords(
        used,
        vectors,
        shortest=settings["shortest"],
        longest=settings["longest"],
        buckets=settings["buckets"],
    )


def _settings(document: Any, name: str) -> dict[str, int]:
    """Shortest, longest and buckets of artifact.json, once they were found to be possible."""
    keys = ("shortest", "longest", "buckets")
    found = document if isinstance(document, Mapping) else {}
    settings = {key: found[key] for key in keys if type(found.get(key)) is int}
    if (
        len(settings) < len(keys)
        or not 1 <= settings["shortest"] <= settings["longest"] <= MOST_CHARACTERS
        or not 1 <= settings["buckets"] <= MOST_BUCKETS
    ):
        raise _damaged(f"artifact.json: impossible subwords {str(document)[:80]}", name)
    return settings


def _damaged(what: str, name: str) -> DlkitError:
    return DlkitError(
        f"{name} is damaged: {what}", hint=f"dlkit artifacts verify {name}", code=DAMAGED
    )
