"""fastText's own model format, ``.bin``: words, counts, own rows, rows of n-grams, output matrix.

Little endian, as fastText 0.9 writes it (version 12; version 11 differs for classifiers alone):

- int32 793712314, int32 version; twelve int32 settings and a double (``Settings``);
- the dictionary: int32 entries, words, labels; int64 tokens, int64 pruned buckets (-1: not
  pruned); for each entry its bytes, NUL, int64 count, int8 type (0 word, 1 label);
- a byte, whether the input matrix is quantised; the matrix: int64 rows, int64 columns, float32
  values; rows are the words, then the buckets of n-grams;
- the same again for the output matrix, whose rows are words or, with hierarchical softmax, the
  inner nodes of the tree.

Nothing that it says is believed before the length of the file proves it; matrices stay on disk,
mapped.
"""

from __future__ import annotations

import math
import mmap
import struct
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

import numpy as np

from dlkit.errors import DAMAGED, FAILED, DlkitError
from dlkit.vectors.detect import MOST_VALUES
from dlkit.vectors.subwords import MOST_BUCKETS, MOST_CHARACTERS, Subwords

if TYPE_CHECKING:
    import numpy.typing as npt

    Matrix = npt.NDArray[np.floating[Any]]

VERSION: Final = 12
_VERSIONS: Final = (11, 12)
LOSSES: Final = {
    1: "hierarchical-softmax",
    2: "negative-sampling",
    3: "softmax",
    4: "one-vs-all",
}
MODELS: Final = {1: "cbow", 2: "skipgram"}
_SUPERVISED: Final = 3
_LONGEST_WORD: Final = 1 << 16  # bytes
HEAD: Final = struct.Struct("<ii12id")
SIZES: Final = struct.Struct("<3i2q")
ENTRY: Final = struct.Struct("<qb")  # what follows a word and its NUL
SHAPE: Final = struct.Struct("<2q")
# Words of a text: far more than there are, and sums with another text's are int64, too.
_MOST_COUNTED: Final = 1 << 62
_PRUNED: Final = 8  # bytes of one pruned bucket
_SHORTEST_ENTRY: Final = 1 + ENTRY.size  # NUL, count, type; a word of no byte is found later


class Settings(NamedTuple):
    """The settings of a training, in the file's order; fastText's defaults."""

    dim: int
    window: int = 5
    epochs: int = 5
    min_count: int = 5
    negative: int = 5
    word_ngrams: int = 1
    loss: int = 2
    model: int = 2
    buckets: int = 0
    minn: int = 0
    maxn: int = 0
    lr_update_rate: int = 100
    sample: float = 1e-4

    def named(self) -> dict[str, Any]:
        """The settings by name, model and loss by theirs."""
        return {**self._asdict(), "model": MODELS[self.model], "loss": LOSSES[self.loss]}

    @property
    def has_ngrams(self) -> bool:
        """Whether words have n-grams."""
        return bool(self.buckets) and self.maxn > 0 and self.minn <= self.maxn


class Model(NamedTuple):
    """What a file holds.

    Attributes:
        settings: how it was trained.
        tokens: words of the text, rare ones too.
        words: V words as they stand there.
        counts: (V,) how often each stood in the text.
        own: (V, D) float32, the words' own rows.
        ngrams: (B, D) float32, the rows of n-grams' buckets.
        outputs: (V, D) float32.

    """

    settings: Settings
    tokens: int
    words: list[bytes]
    counts: list[int]
    own: npt.NDArray[np.float32]
    ngrams: npt.NDArray[np.float32]
    outputs: npt.NDArray[np.float32]

    def subwords(self, words: int | None = None) -> Subwords | None:
        """The rows of n-grams, all of them, with own rows of the first ``words``; None if none."""
        if not self.settings.has_ngrams:
            return None
        return Subwords(
            np.arange(len(self.ngrams), dtype=np.int32),
            self.ngrams,
            shortest=max(1, self.settings.minn),
            longest=self.settings.maxn,
            buckets=self.settings.buckets,
            own=self.own[:words],
        )


def read_model(stream: BinaryIO, size: int, name: str) -> Model:
    """The model in the file ``stream`` of ``size`` bytes; its matrices are mapped, read-only.

    Raises:
        DlkitError: (DAMAGED) it is cut off or damaged; (FAILED) it is a classifier or quantised.

    """
    try:
        mapping = mmap.mmap(stream.fileno(), size, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as problem:
        raise DlkitError(f"{name} cannot be mapped: {problem}", code=FAILED) from None
    return _Reader(mapping, name).model()


class _Reader:
    """Goes through the bytes of a file."""

    def __init__(self, data: mmap.mmap, name: str) -> None:
        self._data = data
        self._name = name
        self._place = 0

    def model(self) -> Model:
        settings = self._settings()
        sizes = self._unpack(SIZES, "the sizes of its dictionary")
        entries, words, labels, tokens, pruned = sizes
        if min(words, labels, tokens) < 0 or words + labels != entries or pruned < -1:
            raise self._damaged(
                f"a dictionary of {entries} entries, {words} words, {labels} labels, a text of "
                f"{tokens} words, {pruned} pruned buckets"
            )
        most = (len(self._data) - self._place) // _SHORTEST_ENTRY
        if entries > most:
            raise self._damaged(f"it says {entries:,} words, its length has room for {most:,}")
        supervised = settings.model == _SUPERVISED or labels > 0
        found, counts = self._entries(words, labels)
        if max(pruned, 0) > (len(self._data) - self._place) // _PRUNED:
            raise self._damaged(f"it says {pruned:,} pruned buckets, and is too short for them")
        self._place += _PRUNED * max(pruned, 0)
        quantised = self._flag()
        self._refuse(supervised=supervised, quantised=quantised or pruned >= 0, labels=labels)
        if not words:
            raise self._damaged("it has no words")
        if sum(counts) > _MOST_COUNTED:
            raise self._damaged(f"its counts add up to {sum(counts):,}")
        if len(set(found)) < words:
            raise self._damaged(f"{words - len(set(found)):,} words stand in it twice")
        inputs = self._matrix("input", words + settings.buckets, settings.dim)
        self._refuse(supervised=False, quantised=self._flag(), labels=labels)
        outputs = self._matrix("output", words, settings.dim)
        if self._place != len(self._data):
            more = len(self._data) - self._place
            raise self._damaged(f"{more:,} bytes follow its last matrix")
        own, ngrams = inputs[:words], inputs[words:]
        return Model(settings, tokens, found, counts, own, ngrams, outputs)

    def _settings(self) -> Settings:
        _, version, *values = self._unpack(HEAD, "its settings")
        if version not in _VERSIONS:
            raise DlkitError(
                f"{self._name} is a fastText model of version {version}; 11 and 12 are read",
                hint="give the .vec file that lies beside it",
                code=FAILED,
            )
        settings = Settings(*values)
        if (
            min(values) < 0
            or not 1 <= settings.dim <= MOST_VALUES
            or settings.buckets > MOST_BUCKETS
            or settings.minn > MOST_CHARACTERS
            or settings.maxn > MOST_CHARACTERS
            or settings.model not in (*MODELS, _SUPERVISED)
            or settings.loss not in LOSSES
            or not math.isfinite(settings.sample)
        ):
            told = ", ".join(f"{key} {value}" for key, value in settings._asdict().items())
            raise self._damaged(f"impossible settings: {told}")
        return settings

    def _entries(self, words: int, labels: int) -> tuple[list[bytes], list[int]]:
        """The words and their counts; labels are passed over."""
        found: list[bytes] = []
        counts: list[int] = []
        data, place = self._data, self._place
        for row in range(words + labels):
            end = data.find(b"\0", place, place + _LONGEST_WORD + 1)
            if end < 0 or end + 1 + ENTRY.size > len(data):
                what = "has no end" if len(data) - place > _LONGEST_WORD else "is cut off"
                raise self._damaged(f"word {row + 1} of {words + labels:,} {what}")
            word = data[place:end]
            count, kind = ENTRY.unpack_from(data, end + 1)
            if not word or b"\n" in word or b"\t" in word or count < 0 or kind not in (0, 1):
                shown = word[:40].decode("utf-8", "backslashreplace")
                raise self._damaged(f"word {row + 1} is {shown!r}, count {count}, type {kind}")
            if (kind == 1) != (row >= words):
                raise self._damaged(f"word {row + 1} is of type {kind}, out of place")
            if kind == 0:
                found.append(word)
                counts.append(count)
            place = end + 1 + ENTRY.size
        self._place = place
        return found, counts

    def _matrix(self, what: str, rows: int, dim: int) -> npt.NDArray[np.float32]:
        shape = self._unpack(SHAPE, f"the shape of its {what} matrix")
        if shape != (rows, dim):
            raise self._damaged(
                f"its {what} matrix is {shape[0]:,} x {shape[1]:,}, its settings and words say "
                f"{rows:,} x {dim:,}"
            )
        needed = 4 * rows * dim
        if needed > len(self._data) - self._place:
            raise self._damaged(
                f"its {what} matrix takes {needed:,} bytes, {len(self._data) - self._place:,} are "
                "left"
            )
        values = np.frombuffer(self._data, "<f4", rows * dim, self._place)
        self._place += needed
        return values.reshape(rows, dim)

    def _unpack(self, form: struct.Struct, what: str) -> tuple[Any, ...]:
        if len(self._data) - self._place < form.size:
            raise self._damaged(f"it ends within {what}")
        values = form.unpack_from(self._data, self._place)
        self._place += form.size
        return values

    def _flag(self) -> bool:
        if self._place >= len(self._data):
            raise self._damaged("it ends before a matrix")
        value = self._data[self._place]
        if value > 1:
            raise self._damaged(f"the byte that tells whether a matrix is quantised is {value}")
        self._place += 1
        return value == 1

    def _refuse(self, *, supervised: bool, quantised: bool, labels: int) -> None:
        """Raise DlkitError for the models that are not read."""
        if not supervised and not quantised:
            return
        kind = "quantised " if quantised else ""
        kind += f"classifier ({labels:,} labels)" if supervised else "model"
        raise DlkitError(
            f"{self._name} is a fastText {kind}; unquantised cbow and skipgram models are read",
            hint=f"fasttext print-word-vectors {self._name} < words.txt > words.vec writes the "
            "vectors of its words; that file is read",
            code=FAILED,
        )

    def _damaged(self, what: str) -> DlkitError:
        return DlkitError(
            f"{self._name} is a fastText model that is cut off or damaged: {what}",
            hint="fetch it again",
            code=DAMAGED,
        )
