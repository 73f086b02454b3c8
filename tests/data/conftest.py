"""A slow, plain oracle for the encoded corpus, and a way to run the real encoder."""

from __future__ import annotations

import hashlib
import io
import random
import tempfile
import unicodedata
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dlkit.data.config import TextConfig
from dlkit.data.corpus import Corpus, encode
from dlkit.records import Noted, Record, Warned

LINE_ENDS = "\n\r\x85\u2028\u2029"
REMOVED = "\ufeff\u061c\u200e\u200f" + "".join(
    map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
)


class Dribble(io.RawIOBase):
    """A stream that gives as many bytes at a time as a generator of random numbers says."""

    def __init__(self, data: bytes, seed: int, most: int = 7) -> None:
        self.data, self.random, self.most = data, random.Random(seed), most

    def read(self, size: int = -1) -> bytes:
        size = min(size if size >= 0 else self.most, self.random.randint(1, self.most))
        taken, self.data = self.data[:size], self.data[size:]
        return taken


def run(generator) -> tuple[list[Record], Corpus]:
    """Exhaust a generator of records; its records and its result."""
    records = []
    while True:
        try:
            records.append(next(generator))
        except StopIteration as stop:
            return records, stop.value


def encoded(*inputs, stdin=None, folder: Path | None = None, held_out: bool = True, **settings):
    """Encode and return the corpus with its ids read into memory, and the records."""
    settings = {"tokens": "whitespace", "min_count": 1} | settings
    with tempfile.TemporaryDirectory() as temporary:
        where = folder or Path(temporary)
        records, corpus = run(
            encode(
                [str(each) for each in inputs] or ["-"],
                TextConfig(**settings),
                folder=where,
                stdin=io.BytesIO(stdin) if isinstance(stdin, bytes) else stdin,
                held_out=held_out,
            )
        )
        ids = np.array(corpus.ids())
        assert {path.name for path in where.iterdir()} >= {"ids.bin"}
        assert not (where / "ids.spool").exists()
    return corpus, ids, records


def said(records, kind=(Noted, Warned)) -> str:
    """The texts of notes and warnings, one a line."""
    return "\n".join(record.text for record in records if isinstance(record, kind))


def lines_of(text: str, *, lowercase=False, drop_punctuation=False) -> list[list[str]]:
    """The words of each line that has any, character by character."""
    found: list[list[str]] = [[]]
    word = ""
    for character in text + "\n":
        if character in REMOVED:
            continue
        ends = character in LINE_ENDS
        blank = character.isspace() or unicodedata.category(character) == "Cc"
        if ends or blank or character == "\u200b":
            word = spelt(word, lowercase=lowercase, drop_punctuation=drop_punctuation)
            if word:
                found[-1].append(word)
            word = ""
            if ends and found[-1]:
                found.append([])
        else:
            word += character
    return [line for line in found if line]


def spelt(word: str, *, lowercase: bool, drop_punctuation: bool) -> str:
    word = unicodedata.normalize("NFC", word)
    if lowercase:
        word = unicodedata.normalize("NFC", word.lower())
    if drop_punctuation:
        kept = [place for place, character in enumerate(word) if character.isalnum()]
        if not kept:
            return ""
        last = kept[-1] + 1
        while last < len(word) and (
            unicodedata.category(word[last]) in ("Mn", "Mc", "Me") or word[last] in "\u200c\u200d"
        ):
            last += 1
        word = word[kept[0] : last]
    return word


def oracle(lines: list[list[str]], *, min_count=1, max_vocab=None, held_out=True):
    """Vocabulary, training ids, held-out ids and digest of lines of words."""
    counts = Counter(word for line in lines for word in line)
    order = sorted(
        (word for word in counts if counts[word] >= min_count),
        key=lambda word: (-counts[word], word.encode()),
    )[:max_vocab]
    number = {word: place for place, word in enumerate(order)}
    stream = [[number[word] for word in line if word in number] for line in lines]
    total = sum(map(len, stream))
    blocks = total // 512
    every = max(200, blocks // 200) if held_out and blocks >= 50 else 0
    train: list[int] = []
    held: list[int] = []
    target = train
    token = 0

    def end_lines():
        for each in (train, held):
            if each and each[-1] != -1:
                each.append(-1)

    for line in stream:
        for word in line:
            block = token // 512
            apart = every and block < blocks and block % every == 49
            if target is not (held if apart else train):
                end_lines()
                target = held if apart else train
            target.append(word)
            token += 1
        end_lines()
    digest = hashlib.sha256(
        np.array(train, "<i4").tobytes() + np.array(held, "<i4").tobytes()
    ).hexdigest()
    return order, [counts[word] for word in order], train, held, digest


@pytest.fixture(scope="session")
def helpers() -> SimpleNamespace:
    """The functions above; for the whole session, so that hypothesis may use them."""
    return SimpleNamespace(
        Dribble=Dribble, encoded=encoded, lines_of=lines_of, oracle=oracle, said=said
    )
