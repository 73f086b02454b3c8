"""What is in new images, some at a time, and drawings of it."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from dlkit.artifacts.writing import write_file_atomically
from dlkit.cnn.detect.asking import Found, found_in
from dlkit.cnn.detect.drawing import drawn, drawn_svg, names_drawn
from dlkit.cnn.detect.inputs import entries_of
from dlkit.cnn.detect.reading import bytes_of, decoded
from dlkit.data import pixels
from dlkit.data.images import content_of, told
from dlkit.data.pixels import BadImageError, Decoded
from dlkit.data.resizing import Wanted
from dlkit.data.wording import shown
from dlkit.errors import NOT_FOUND, USAGE, DlkitError
from dlkit.records import Noted, Record, Warned

if TYPE_CHECKING:
    from dlkit.cnn.detect.config import BoxesConfig
    from dlkit.cnn.detect.entries import Entry
    from dlkit.cnn.detect.saved import SavedDetector

_DIGITS: Final = 2  # after the point, of pixels


@dataclass(frozen=True, eq=False)
class Answer:
    """What is in one image.

    Attributes:
        file: the image.
        size: (height, width) in pixels.
        found: boxes, scores, classes; the surest first.
        classes: names.
        drawing: the file that shows it; None: none was asked for.

    """

    file: str
    size: tuple[int, int]
    found: Found
    classes: Sequence[str]
    drawing: Path | None = None

    def rows(self) -> list[list[object]]:
        """File, class, score, left, top, right, bottom of each; of none a row without values."""
        rows: list[list[object]] = [
            [self.file, each["class"], each["score"], *each["box"]] for each in self.objects()
        ]
        return rows or [[self.file, *[None] * 6]]

    def objects(self) -> list[dict[str, Any]]:
        """Class, score and box (left, top, right, bottom) of each, in JSON's types."""
        return [
            {"class": self.classes[label], "score": round(float(score), 6),
             "box": [round(float(side), _DIGITS) for side in box]}
            for box, score, label in zip(
                self.found.boxes, self.found.scores, self.found.labels.tolist(), strict=True
            )
        ]  # fmt: skip

    def document(self) -> dict[str, Any]:
        """The answer in JSON's types."""
        height, width = self.size
        told = {"file": self.file, "width": width, "height": height, "objects": self.objects()}
        return told if self.drawing is None else told | {"drawing": str(self.drawing)}


class Drawings:
    """Where drawings go: a folder, a file for each image, named after it.

    Args:
        folder: is made if it is not there.
        svg: names are text of any script then; else JPEG.
        force: files that are there are replaced.

    Raises:
        DlkitError: (USAGE) it is no folder.

    """

    def __init__(self, folder: Path, *, svg: bool, force: bool) -> None:
        if folder.exists() and not folder.is_dir():
            raise DlkitError(f"{shown(folder)} is no folder", hint="-o FOLDER", code=USAGE)
        self._folder, self._svg, self._force = folder, svg, force
        self._taken: set[str] = set()

    def write(self, entry: Entry, image: Any, found: Found, names: Sequence[str]) -> Path:
        """Draw one answer.

        Raises:
            DlkitError: the file is there already, or cannot be written.

        """
        suffix = ".svg" if self._svg else ".jpg"
        path = self._folder / f"{self._free(entry.name)}{suffix}"
        if path.exists() and not self._force:
            raise DlkitError(
                f"{shown(path)} is there already", hint="--force replaces it", code=USAGE
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._svg:
            content = drawn_svg(image, found, names)
        else:
            stream = io.BytesIO()
            drawn(image, found, names).save(stream, "JPEG", quality=92)
            content = stream.getvalue()
        write_file_atomically(path, content)
        return path

    def _free(self, name: str) -> str:
        """A name after an image's that no other image has."""
        stem = "".join("-" if each in ':/\\ "' else each for each in Path(name).name)
        stem = Path(stem).stem if Path(stem).suffix.lower() in pixels.SUFFIXES else stem
        wanted, number = stem or "image", 1
        while wanted in self._taken:
            number += 1
            wanted = f"{stem}-{number}"
        self._taken.add(wanted)
        return wanted


def predict(
    detector: SavedDetector,
    inputs: Sequence[str],
    config: BoxesConfig,
    stdin: BinaryIO | None,
    *,
    threshold: float,
    precision: Any = "fp32",
    drawings: Drawings | None = None,
    svg: bool = False,
) -> Iterator[Generator[Record, None, list[Answer]]]:
    """The work of answering ``inputs``, some at a time and in their order.

    Args:
        detector: who is asked.
        inputs: as the user typed them.
        config: the column of images; whether images that cannot be read are left out.
        stdin: what ``-`` reads.
        threshold: the least score of what is told.
        precision: of products.
        drawings: where drawings go; None: none are made.
        svg: drawings are SVG: any name can be read.

    Raises:
        DlkitError: there is no such input, or one cannot be read; with ``config.skip_bad`` only
            if none can be read (NOT_FOUND).

    """
    tally: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    names, numbered = (list(detector.classes), 0) if svg else names_drawn(detector.classes)
    if drawings is not None and numbered:
        yield _numbered(numbered)
    for entries in entries_of(inputs, config, stdin):
        yield _answers(
            detector, entries, tally, counts, skip_bad=config.skip_bad, threshold=threshold,
            precision=precision, drawings=drawings, names=names,
        )  # fmt: skip
    yield _told(tally, counts)


def _numbered(count: int) -> Generator[Record, None, list[Answer]]:
    yield Warned(
        f"no font here has the characters of {count:,} classes: drawings show their numbers, such "
        "as #3 (--svg: drawings whose names are text)"
    )
    return []


def _answers(
    detector: SavedDetector,
    entries: Sequence[Entry],
    tally: Counter[str],
    counts: Counter[str],
    *,
    skip_bad: bool,
    threshold: float,
    precision: Any,
    drawings: Drawings | None,
    names: Sequence[str],
) -> Generator[Record, None, list[Answer]]:
    good: list[tuple[Entry, Decoded]] = []
    for entry, found in decoded(entries, Wanted(detector.size, 3, "pad")):
        if isinstance(found, Decoded):
            good.append((entry, found))
            tally.update(found.done)
            continue
        if not skip_bad:
            raise DlkitError(
                f"{shown(entry.name)}: {found}",
                hint="--skip-bad leaves out, and counts, what cannot be read",
            )
        yield Warned(f"left out: {shown(entry.name)}: {found}")
        counts["failed"] += 1
    if not good:
        return []
    images = np.stack([bytes_of(each) for _, each in good])
    sizes = [each.size for _, each in good]
    answers = yield from found_in(
        detector.model, images, sizes, precision=precision, what="queries"
    )
    counts["answered"] += len(answers)
    made = []
    for (entry, _), size, answer in zip(good, sizes, answers, strict=True):
        sure = answer.above(threshold)
        counts["objects"] += len(sure.scores)
        path = None
        if drawings is not None:
            path = drawings.write(entry, _whole(entry), sure, names)
        made.append(Answer(entry.name, size, sure, detector.classes, path))
    return made


def _whole(entry: Entry) -> Any:
    """(H, W, 3) an image in its own size."""
    try:
        with pixels.limits():
            return bytes_of(pixels.decode(content_of(entry.content), Wanted(None, 3, "pad")))
    except BadImageError as problem:  # it could be read a moment ago
        raise DlkitError(f"{shown(entry.name)}: {problem}") from None


def _told(tally: Counter[str], counts: Counter[str]) -> Generator[Record, None, list[Answer]]:
    yield from told(Counter({how: n for how, n in tally.items() if how != "resized"}), "queries")
    if counts["failed"] and not counts["answered"]:
        raise DlkitError("none of the images could be read", code=NOT_FOUND)
    if counts["answered"] and not counts["objects"]:
        yield Noted("nothing was found (--threshold P: a lower one tells what is less sure)")
    return []
