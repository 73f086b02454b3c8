"""A fastText model (``.bin``) as a table: each word's vector is composed of its rows."""

from __future__ import annotations

import time
from collections.abc import Generator

from dlkit.errors import FAILED, DlkitError
from dlkit.records import Noted, Record, Step
from dlkit.vectors.composing import composed
from dlkit.vectors.fasttextbin import LOSSES, MODELS, read_model
from dlkit.vectors.packed import Opened, plain_name
from dlkit.vectors.table import Gathered, Options, Table, assembled

LABEL = "fastText .bin"
_SILENCE = 1.0  # seconds between two records


def read_fasttext(file: Opened, name: str, options: Options) -> Generator[Record, None, Table]:
    """Read the model ``file``: its words, the vectors that fastText gives them, and the rest.

    The rows of n-grams, words' own rows and the output matrix stay on disk, mapped.

    Raises:
        DlkitError: it comes from a pipe or is compressed, is cut off or damaged, or is of a kind
            that is not read.

    """
    if file.size is None:
        raise DlkitError(
            f"{name} is a fastText model in a pipe or compressed; its rows are read in any order, "
            "from a plain file",
            hint=f"gunzip -k {name}" if plain_name(name) != name else "write it to a file first",
            code=FAILED,
        )
    model = read_model(file.stream, file.size, name)
    total, dim = model.own.shape
    wanted = min(total, options.restrict or total)
    settings = model.settings
    what = f"{MODELS[settings.model]}, {LOSSES[settings.loss]}"
    yield Noted(f"reading {name}: {LABEL} ({what}), {total:,} x {dim}")
    words = model.words[:wanted]
    subwords = model.subwords(wanted)
    if subwords is not None:
        yield Noted(
            f"{len(model.ngrams):,} buckets of n-grams of {subwords.shortest} to "
            f"{subwords.longest} characters give unknown words fastText's vectors"
        )
    gathered = Gathered(name, None, options.dtype, wanted)
    begun = told = time.monotonic()
    for block in composed(words, model.own[:wanted], subwords, name=name):
        done = len(gathered)
        gathered.add(words[done : done + len(block)], block, most=None)
        now = time.monotonic()
        if now - told > _SILENCE:
            told = now
            yield Step(f"reading {name}", done, wanted, "words", done / (now - begun))
    gathered.counts = model.counts[:wanted]
    if wanted < total:
        yield Noted(f"the first {wanted:,} of {total:,} words are read")
    table = yield from assembled(gathered, LABEL, escape=options.escape)
    if table.repeated:  # the bytes of one, escaped, are the letters of another
        raise DlkitError(f"{name}: words that are not UTF-8 are spelt as others", code=FAILED)
    return table._replace(model=model)
