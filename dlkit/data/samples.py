"""Inputs with labels: images, rows of numbers or texts, in splits, for the supervised tasks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from dlkit.data.arrays import new_array

if TYPE_CHECKING:
    from dlkit.data.forms import Form

Kind = Literal["images", "table", "texts"]
Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.float32] | npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Digests = npt.NDArray[np.bytes_]
Inputs = Pixels | Rows | list[str]

DIGEST_BYTES: Final = 16
_ROWS: Final = 4096  # hashed between two looks at the clock


@dataclass(frozen=True, eq=False)
class Split:
    """Samples that belong together: what to learn from, or what to be judged on.

    Attributes:
        inputs: images (N, H, W, C) uint8, rows (N, D) float32 or, where that does not hold every
            number exactly, float64, or a list of N texts.
        labels: places in ``Samples.classes``, (N,) int64; -1 where a sample has no label.
        paths: where each sample comes from: a file, or ``FILE:ROW``.
        digests: BLAKE2b-128 of each input's content, (N,) of 16 bytes: equal inputs, equal digests.
            A row's content are its cells as they were read, before anything was filled in; an
            image's its pixels (a JPEG's: its bytes) before it was made another size or colour.
        attributes: further facts about each sample, (N,) int64 by name (builtin:shapes has
            "background": the class whose colour it is).
        groups: the group of each sample, N names; None: no column of groups was asked for.

    """

    inputs: Inputs
    labels: Labels
    paths: Sequence[str]
    digests: Digests
    attributes: Mapping[str, Labels] = field(default_factory=dict)
    groups: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def images(self) -> Pixels:
        """The inputs of a split of images, (N, H, W, C) uint8."""
        assert not isinstance(self.inputs, list)
        assert self.inputs.dtype == np.uint8
        return self.inputs  # type: ignore[return-value]

    @property
    def rows(self) -> Rows:
        """The inputs of a split of a table, (N, D) float32 or float64."""
        assert not isinstance(self.inputs, list)
        assert self.inputs.dtype in (np.float32, np.float64)
        return self.inputs  # type: ignore[return-value]

    @property
    def texts(self) -> list[str]:
        """The inputs of a split of texts."""
        assert isinstance(self.inputs, list)
        return self.inputs

    def take(self, places: npt.NDArray[np.int64]) -> Split:
        """The samples at ``places``, in that order."""
        inputs = self.inputs
        return Split(
            [inputs[place] for place in places.tolist()]
            if isinstance(inputs, list)
            else _taken(inputs, places),
            self.labels[places],
            [self.paths[place] for place in places.tolist()],
            self.digests[places],
            {name: values[places] for name, values in self.attributes.items()},
            None if self.groups is None else [self.groups[place] for place in places.tolist()],
        )

    def fingerprint(self, form: Form, classes: Sequence[str]) -> str:
        """SHA-256 of the content: the inputs' form, inputs and labels by name, in their order.

        Of the groups, too, where there are any: by them samples are set aside to be judged on.
        """
        digest = hashlib.sha256(repr((form.document(), tuple(classes))).encode("utf-8", "replace"))
        digest.update(np.ascontiguousarray(self.digests).astype(f"S{DIGEST_BYTES}").tobytes())
        digest.update(self.labels.astype("<i8").tobytes())
        if self.groups is not None:
            digest.update(repr(list(self.groups)).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Samples:
    """A data set for a supervised task.

    Attributes:
        kind: images, table or texts: what the inputs are.
        name: what a person calls the data, fit for an artifact's name.
        origin: what to type to get the same data from any folder, one entry for each input.
        classes: their names; a label is a place in this list.
        form: how raw data become inputs; the same form reads what is to be predicted.
        splits: "train", and where there are any "validation" and "test".
        held_out: whether the test split was taken from the training data.

    """

    kind: Kind
    name: str
    origin: tuple[str, ...]
    classes: tuple[str, ...]
    form: Form
    splits: Mapping[str, Split]
    held_out: bool = False

    @property
    def train(self) -> Split:
        """What to learn from."""
        return self.splits["train"]

    @property
    def test(self) -> Split:
        """What to be judged on, and never chosen by."""
        return self.splits["test"]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of a table's D numbers; none for images and texts."""
        return self.form.columns

    @property
    def shape(self) -> tuple[int, ...]:
        """One input's shape: (H, W, C), (D,), or () for a text."""
        inputs = self.train.inputs
        return () if isinstance(inputs, list) else inputs.shape[1:]

    def fingerprint(self, split: str) -> str:
        """SHA-256 of a split's content."""
        return self.splits[split].fingerprint(self.form, self.classes)

    def document(self) -> dict[str, Any]:
        """What an artifact keeps of its data: names, sizes, fingerprints, the form."""
        groups = {
            name: len(set(split.groups))
            for name, split in self.splits.items()
            if split.groups is not None
        }
        return {
            "name": self.name,
            "kind": self.kind,
            "origin": list(self.origin),
            "classes": len(self.classes),
            "form": self.form.document(),
            "held_out": self.held_out,
            "samples": {name: len(split) for name, split in self.splits.items()},
            "fingerprints": {name: self.fingerprint(name) for name in self.splits},
            **({"groups": groups} if groups else {}),
        }

    def with_splits(self, splits: Mapping[str, Split]) -> Samples:
        """The same data in other splits."""
        return replace(self, splits=splits)


def _taken(inputs: Pixels | Rows, places: npt.NDArray[np.int64]) -> Pixels | Rows:
    """Rows of an array; of images as many as fit into memory, and mapped from a file beyond."""
    if inputs.dtype != np.uint8:
        return inputs[places]
    taken = new_array((len(places), *inputs.shape[1:]))
    for start in range(0, len(places), _ROWS):
        some = slice(start, start + _ROWS)
        taken[some] = inputs[places[some]]
    return taken


def digest_of(content: bytes | memoryview) -> bytes:
    """BLAKE2b-128 of some bytes."""
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()


def pixels_digest(pixels: npt.NDArray[Any]) -> bytes:
    """The digest of one image, (H, W) or (H, W, C); grey is grey in one channel or in three."""
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    return digest_of(np.ascontiguousarray(pixels).data)


def digests_of(inputs: Inputs) -> Digests:
    """BLAKE2b-128 of each input's bytes, (N,) of 16 bytes; texts as UTF-8, images by pixels."""
    made: list[bytes] = []
    if isinstance(inputs, list):
        made += [digest_of(text.encode("utf-8", "surrogatepass")) for text in inputs]
    else:
        for start in range(0, len(inputs), _ROWS):
            # A piece at a time: the inputs may be mapped from a file larger than memory.
            piece = np.ascontiguousarray(inputs[start : start + _ROWS])
            if piece.ndim == 4 and piece.shape[3] == 3:
                made += map(pixels_digest, piece)
                continue
            flat = piece.reshape(len(piece), -1).view(np.uint8)
            made += [digest_of(row.data) for row in flat]
    return np.array(made, f"S{DIGEST_BYTES}")


def packed(digests: Digests) -> npt.NDArray[np.uint8]:
    """Digests (N,) as bytes (N, 16), which a file of tensors holds."""
    whole = np.ascontiguousarray(digests.astype(f"S{DIGEST_BYTES}"))
    return whole.view(np.uint8).reshape(-1, DIGEST_BYTES)


def unpacked(tensor: npt.NDArray[Any]) -> Digests:
    """What ``packed`` was given.

    Raises:
        ValueError: these are no digests.

    """
    if tensor.shape[1:] != (DIGEST_BYTES,) or tensor.dtype != np.uint8:
        raise ValueError(f"digests {tensor.shape} {tensor.dtype}")
    return np.ascontiguousarray(tensor).view(f"S{DIGEST_BYTES}")[:, 0]


def split_of(
    inputs: Inputs,
    labels: Labels,
    paths: Sequence[str],
    attributes: Mapping[str, Labels] | None = None,
) -> Split:
    """A split of ``inputs``, hashed here."""
    return Split(inputs, labels, paths, digests_of(inputs), attributes or {})
