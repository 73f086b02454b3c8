"""Encoders: what an artifact of any task makes of inputs, as rows of numbers for other tasks."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import numpy as np

from dlkit.artifacts.finding import find
from dlkit.artifacts.load import digest_of, open_artifact
from dlkit.artifacts.store import root
from dlkit.errors import DAMAGED, USAGE, DlkitError, quoted

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlkit.data.config import SampleConfig
    from dlkit.data.forms import ImageForm
    from dlkit.data.preprocess import Pipeline
    from dlkit.data.samples import Inputs, Kind
    from dlkit.records import Record

BIG_FILES: Final = tuple(f"{name}.safetensors" for name in ("vectors", "outputs", "subwords"))


class Source(NamedTuple):
    """The artifact that encodes.

    Attributes:
        reference: TASK/NAME in the store, else its folder.
        path: its folder.
        digest: SHA-256 over its files, as ``dlkit artifacts show --digest`` tells it.

    """

    reference: str
    path: Path
    digest: str

    def document(self) -> dict[str, str]:
        """What an artifact keeps of the encoder that it needs."""
        return {"artifact": self.reference, "digest": self.digest}


class Encoder(Protocol):
    """What turns inputs into rows."""

    @property
    def source(self) -> Source:
        """The artifact."""

    @property
    def kind(self) -> Kind:
        """Of inputs that it takes: images, table or texts."""

    @property
    def form(self) -> ImageForm | None:
        """The size and channels that it makes of images; None: it takes no images."""

    @property
    def dim(self) -> int:
        """D, numbers in a row."""

    def encode(
        self, inputs: Inputs, *, what: str
    ) -> Generator[Record, None, npt.NDArray[np.float32]]:
        """The rows (N, D) of N ``inputs``, which messages call ``what``."""


def _word_averages(path: Path, source: Source) -> Encoder:
    from dlkit.word2vec.encoding import open_averages

    return open_averages(path, source)


def _image_features(path: Path, source: Source) -> Encoder:
    from dlkit.cnn.encoding import open_features

    return open_features(path, source)


def _image_embeddings(path: Path, source: Source) -> Encoder:
    from dlkit.cnn.search.encoding import open_embeddings

    return open_embeddings(path, source)


# What each kind of artifact encodes by.
ENCODERS: Final[dict[str, Callable[[Path, Source], Encoder]]] = {
    "word-vectors": _word_averages,
    "image-classifier": _image_features,
    "image-embedder": _image_embeddings,
}


def open_encoder(reference: str) -> Encoder:
    """The encoder that an artifact is.

    Args:
        reference: NAME, TASK/NAME or a path.

    Raises:
        DlkitError: there is no such artifact, or it encodes nothing (USAGE).

    """
    path = find(reference, kinds=set(ENCODERS))
    artifact = open_artifact(path, lazy=BIG_FILES)
    return ENCODERS[artifact.document["kind"]](
        path, Source(_named(path), path, digest_of(artifact))
    )


def reopen_encoder(document: Any, *, where: str, moved_to: str | None = None) -> Encoder:
    """The encoder that an artifact was made with.

    Args:
        document: what ``Source.document`` said.
        where: the artifact, for messages.
        moved_to: where the encoder is now, if it is not where it was.

    Raises:
        DlkitError: (NOT_FOUND) it is gone; (DAMAGED) another artifact has its name now.

    """
    try:
        reference, digest = str(document["artifact"]), str(document["digest"])
    except (KeyError, TypeError):
        raise DlkitError(f"{where}: the encoder is not described", code=DAMAGED) from None
    try:
        encoder = open_encoder(moved_to or reference)
    except DlkitError as problem:
        if moved_to is not None:
            raise
        raise DlkitError(
            f"{where} needs the encoder {reference}: {problem.message}",
            hint="--features NAME says where it is now",
            code=problem.code,
        ) from None
    if encoder.source.digest != digest:
        raise DlkitError(
            f"{where} was made with another {reference}: its digest was {digest[:16]}…, that of "
            f"{encoder.source.reference} is {encoder.source.digest[:16]}…",
            hint="--features NAME names the one it was made with; or train anew",
            code=DAMAGED,
        )
    return encoder


def read_for(encoder: Encoder | None, config: SampleConfig) -> SampleConfig:
    """How images are read for an encoder: in its size and colour, if nobody asked for others.

    Args:
        encoder: what encodes them; None: nothing does.
        config: how they are read.

    """
    form = None if encoder is None else encoder.form
    if form is None or config.size is not None or config.colour != "auto":
        return config
    colour = "grey" if form.channels == 1 else "rgb"
    size = f"{form.width}x{form.height}"
    return config.model_copy(update={"size": size, "fit": form.fit, "colour": colour})


def encoded(
    inputs: Inputs, encoder: Encoder | None, *, what: str
) -> Generator[Record, None, npt.NDArray[Any]]:
    """(N, ...) the numbers of ``inputs``, which messages call ``what``.

    Args:
        inputs: images, rows of a table, or texts.
        encoder: what encodes them; None: they are numbers already.
        what: the name of the inputs.

    """
    if encoder is not None:
        return (yield from encoder.encode(inputs, what=what))
    assert not isinstance(inputs, list)
    return inputs


def flat(inputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Inputs (N, ...) as rows (N, D), each in one piece."""
    width = math.prod(inputs.shape[1:])  # there may be no inputs, of which -1 tells no width
    return np.ascontiguousarray(inputs.reshape(len(inputs), width))


def rows_text(encoder: Encoder | None, pipeline: Pipeline) -> str:
    """What rows are, in a word or two: pixels, columns, the steps, the encoder's name."""
    parts = [encoder.source.reference] if encoder is not None else []
    parts += [pipeline.text] if pipeline.steps else []
    return ",".join(parts) or ("pixels" if pipeline.pixels else "columns")


def check_kind(
    encoder: Encoder | None,
    kind: Kind,
    *,
    name: str,
    inputs: Sequence[str],
    text_column: str | None = None,
) -> None:
    """Do nothing if inputs of ``kind`` can become rows.

    Args:
        encoder: what encodes; None: inputs are rows as they are.
        kind: of the inputs.
        name: what the user calls the data.
        inputs: what to type for the data, for hints.
        text_column: of a table of texts, if it was named.

    Raises:
        DlkitError: texts without an encoder, or an encoder for other inputs.

    """
    if encoder is None and kind == "texts":
        data = inputs[0] if inputs else "DATA"
        column = f" --text-column {quoted(text_column)}" if text_column else ""
        raise DlkitError(
            f"{name} holds texts, which have no distance until they are encoded",
            hint=f"dlkit word2vec train {quoted(data)}{column} --name words, then --features "
            "word2vec/words",
            code=USAGE,
        )
    if encoder is not None and encoder.kind != kind:
        raise DlkitError(
            f"{encoder.source.reference} encodes {encoder.kind}; {name} holds "
            f"{'a table' if kind == 'table' else kind}",
            hint="leave out --features",
            code=USAGE,
        )


def _named(path: Path) -> str:
    inside = path.absolute().parent.parent == root().absolute()
    return f"{path.parent.name}/{path.name}" if inside else str(path.absolute())
