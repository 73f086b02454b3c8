"""Word vectors as they are asked for: a vocabulary, a matrix that may be mapped, and its norms."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlkit.errors import DAMAGED, NOT_FOUND, USAGE, DlkitError
from dlkit.vectors.lexicon import Lexicon

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.artifacts.load import Artifact
    from dlkit.vectors.subwords import Subwords
    from dlkit.vectors.suggest import Suggester

# Below the smallest normal float32 a norm has lost its digits: such a row counts as zeros.
TINY = float(np.finfo(np.float32).tiny)
# What artifact.json says of counts that nobody knows (most files have none): vocab.txt has zeros.
UNKNOWN = "unknown"
_FLOATS = (np.dtype(np.float32), np.dtype(np.float16))
_VALUES_AT_ONCE = 1 << 18
_QUICKLY_CHECKED = 1 << 17  # bytes of vocabulary, checked in 2 ms
# Hashed once and remembered: hashing them would cost more than the question.
_LAZY = frozenset(f"{name}.safetensors" for name in ("vectors", "outputs", "subwords", "rows"))


def compose(word: str) -> str:
    """``word`` in canonical composition (NFC)."""
    return unicodedata.normalize("NFC", word)


class UnknownWordError(DlkitError):
    """A word that is not in the vocabulary, with the words that may have been meant."""

    def __init__(self, word: str, vectors: WordVectors) -> None:
        self.word = word
        self.suggestions = vectors.suggest(word)
        super().__init__(
            f"'{word}' is not in the vocabulary of {vectors.name} ({len(vectors):,} words)",
            hint=f"did you mean {', '.join(self.suggestions)}?" if self.suggestions else "",
            code=NOT_FOUND,
        )


class WordVectors:
    """Words in order of frequency and their vectors.

    Args:
        name: what messages call it: TASK/NAME or a file's name.
        lexicon: the V words; row r of the matrix belongs to word r.
        matrix: (V, D) float32 or float16, C order, finite; it may be a read-only map of a file.
        norms: (V,) float32, the Euclidean norm of each row; computed if not given.
        normalise: gives the form under which a word may be known that is not found as typed.
        subwords: opens the vectors of n-grams, from which unknown words get theirs.
        counted: the lexicon says how often each word stood in its text; else only the order of
            the rows tells which words are frequent.

    """

    def __init__(
        self,
        name: str,
        lexicon: Lexicon,
        matrix: npt.NDArray[np.floating[Any]],
        norms: npt.NDArray[np.float32] | None = None,
        *,
        normalise: Callable[[str], str] = compose,
        subwords: Callable[[], Subwords] | None = None,
        counted: bool = True,
    ) -> None:
        assert matrix.ndim == 2
        assert matrix.shape[0] == len(lexicon)
        self.name = name
        self.lexicon = lexicon
        self.matrix = matrix
        self.norms = row_norms(matrix) if norms is None else norms
        self.normalise = normalise
        self.counted = counted
        self._open_subwords = subwords

    def __len__(self) -> int:
        return len(self.lexicon)

    @property
    def dim(self) -> int:
        """D, the length of a vector."""
        return int(self.matrix.shape[1])

    def row(self, word: str) -> int | None:
        """The row of ``word`` as typed, else of its normalised form; None if neither is there."""
        row = self.lexicon.row(word)
        return self.lexicon.row(self.normalise(word)) if row is None else row

    def find(self, word: str) -> int:
        """The row of ``word``.

        Raises:
            UnknownWordError: it is not in the vocabulary.

        """
        row = self.row(word)
        if row is None:
            raise UnknownWordError(word, self)
        return row

    def word(self, row: int) -> str:
        """The word of ``row``."""
        return self.lexicon.word(row)

    def suggest(self, word: str, count: int = 5) -> list[str]:
        """At most ``count`` words of the vocabulary that may have been meant by ``word``."""
        return self._suggester.suggest(word, count)

    @cached_property
    def subwords(self) -> Subwords | None:
        """The vectors of n-grams, opened when first asked for; None where there are none."""
        return None if self._open_subwords is None else self._open_subwords()

    @cached_property
    def _suggester(self) -> Suggester:
        from dlkit.vectors.suggest import Suggester

        return Suggester(self.lexicon)

    def counts(self) -> npt.NDArray[np.int64] | None:
        """(V,) how often each word stood in the text of the training; None if that is not known."""
        return self.lexicon.counts() if self.counted else None

    @cached_property
    def scales(self) -> npt.NDArray[np.float32]:
        """(V,) float32, what each row is multiplied by to have length 1; 0 for rows of zeros."""
        zero = self.norms < TINY
        scales = np.zeros(len(self), dtype=np.float32)
        np.divide(1, self.norms, out=scales, where=~zero)
        return scales

    def units(self, rows: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """(N, D) float64, the vectors of ``rows`` divided by their norms; zeros stay zeros."""
        vectors = self.matrix[np.asarray(rows, dtype=np.intp)].astype(np.float64)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        norms[norms < TINY] = np.inf
        return vectors / norms  # type: ignore[no-any-return]


def row_norms(matrix: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """(V,) float32, the Euclidean norm of each row of ``matrix`` (V, D), summed in float64."""
    norms = np.empty(len(matrix), dtype=np.float32)
    at_once = max(1, _VALUES_AT_ONCE // matrix.shape[1])
    for start in range(0, len(matrix), at_once):
        rows = matrix[start : start + at_once].astype(np.float64)
        norms[start : start + len(rows)] = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return norms


def open_vectors(
    path: Path,
    *,
    verify: bool = False,
    spelling: Callable[[Mapping[str, Any]], Callable[[str], str]] | None = None,
) -> WordVectors:
    """The word vectors of the artifact in the folder ``path``; the matrix stays on disk, mapped.

    Args:
        path: an artifact of kind ``word-vectors``.
        verify: hash the matrix even if this very file was found right before, and look at every
            value of it.
        spelling: from the settings by which the corpus was normalised, makes what normalises a
            word in the same way; None: words are composed (NFC).

    Raises:
        DlkitError: USAGE for another kind of artifact; DAMAGED where the parts of the artifact do
            not agree with each other or with its manifest, or hold NaN.

    """
    from dlkit.artifacts.load import open_artifact
    from dlkit.artifacts.tensors import check_finite, read_tensors

    artifact = open_artifact(path, lazy=_LAZY, verify=verify)
    document = artifact.document
    name = f"{path.parent.name}/{path.name}"
    if document.get("kind") != "word-vectors":
        raise DlkitError(
            f"{name} holds no word vectors: its kind is {document.get('kind')!r}",
            hint="dlkit artifacts list",
            code=USAGE,
        )
    lexicon = _lexicon(artifact, name, verify=verify)
    tensors = read_tensors(artifact.file("vectors.safetensors"))
    matrix, norms = _checked(tensors, len(lexicon), document, name)
    if verify:
        check_finite({"vectors": matrix}, where=artifact.file("vectors.safetensors"))
    text = document.get("text")
    if not isinstance(text, dict):
        raise _damaged("artifact.json has no settings of the text", name)
    normalise = compose if spelling is None else spelling(text)
    subwords = None
    if document.get("subwords") is not None:
        from dlkit.vectors.subwords import open_subwords

        subwords = partial(open_subwords, artifact, matrix.shape[1], name, verify=verify)
    vectors = WordVectors(
        name,
        lexicon,
        matrix,
        norms,
        normalise=normalise,
        subwords=subwords,
        counted=document.get("counts") != UNKNOWN,
    )
    if verify:
        _ = vectors.subwords
    return vectors


def open_outputs(path: Path, vectors: WordVectors) -> npt.NDArray[np.floating[Any]]:
    """(V, D) the output matrix of the artifact ``path``, whose input vectors are ``vectors``.

    Raises:
        DlkitError: NOT_FOUND: it has none; DAMAGED: it does not fit the vectors.

    """
    from dlkit.artifacts.tensors import read_tensors

    file = path / "outputs.safetensors"
    if not file.exists():
        raise DlkitError(f"{vectors.name} has no output matrix, only vectors", code=NOT_FOUND)
    outputs = read_tensors(file).get("outputs")
    if outputs is None or outputs.shape != vectors.matrix.shape or outputs.dtype not in _FLOATS:
        raise _damaged("outputs.safetensors does not fit vectors.safetensors", vectors.name)
    return outputs


def _lexicon(artifact: Artifact, name: str, *, verify: bool) -> Lexicon:
    """The vocabulary, whose every line is looked at once and not again while it is the same."""
    from dlkit.artifacts import remembered

    status = artifact.file("vocab.txt").stat()
    sha256 = artifact.entries["vocab.txt"].sha256
    try:
        lexicon = Lexicon(artifact.read("vocab.txt"), end=b"\t")
    except ValueError as problem:
        raise _damaged(f"vocab.txt: {problem}", name) from None
    big = status.st_size > _QUICKLY_CHECKED
    if verify or not big or not remembered.holds(status, sha256, "-vocabulary"):
        fault = lexicon.fault()
        if fault:
            raise _damaged(f"vocab.txt: {fault}", name)
        if big:
            remembered.remember(status, sha256, "-vocabulary")
    return lexicon


def _checked(
    tensors: Mapping[str, Any], words: int, document: Mapping[str, Any], name: str
) -> tuple[npt.NDArray[np.floating[Any]], npt.NDArray[np.float32]]:
    """The matrix (V, D) and the norms (V,), which agree with the vocabulary and artifact.json."""
    where = "vectors.safetensors"
    for tensor in ("vectors", "norms"):
        if tensor not in tensors:
            raise _damaged(f"{where} has no tensor {tensor!r}", name)
        allowed = _FLOATS if tensor == "vectors" else _FLOATS[:1]
        if tensors[tensor].dtype not in allowed:
            kinds = " or ".join(map(str, allowed))
            raise _damaged(f"{where}: {tensor!r} is {tensors[tensor].dtype}, not {kinds}", name)
    matrix, norms = tensors["vectors"], tensors["norms"]
    if document.get("words") != words:
        raise _damaged(
            f"vocab.txt has {words:,} words, artifact.json says {document.get('words')!r}", name
        )
    if matrix.shape != (words, document.get("dim")):
        raise _damaged(
            f"{where}: the matrix is {' x '.join(map(str, matrix.shape))}, vocab.txt and "
            f"artifact.json say {words} x {document.get('dim')!r}",
            name,
        )
    if norms.shape != (words,):
        raise _damaged(f"{where}: {norms.shape} norms for {words:,} words", name)
    if not words or not matrix.shape[1]:
        raise _damaged("it has no words", name)
    bad = ~(np.isfinite(norms) & (norms >= 0))
    if bad.any():
        raise _damaged(f"{where}: the norm of row {int(bad.argmax())} is no finite number", name)
    return matrix, norms


def _damaged(what: str, name: str) -> DlkitError:
    return DlkitError(
        f"{name} is damaged: {what}", hint=f"dlkit artifacts verify {name}", code=DAMAGED
    )
