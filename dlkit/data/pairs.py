"""Counting and joining pairs of neighbouring words in a stream of word numbers (numba).

A candidate for a phrase is two words of a line side by side, or with nothing but connectors (of,
the) between them. It is a key of two halves: the number of what it begins with, a word or a word
and connectors (a prefix), and the number of its last word. Import this module inside function
bodies only.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dlkit.jit import compiled

RARE: Final = 0  # in no candidate: too rare for any phrase
USUAL: Final = 1
CONNECTOR: Final = 2

_DONE: Final = 0
_PAIRS_FULL: Final = 1
_PREFIXES_FULL: Final = 2

# Places in the state that counting leaves for its next call.
_POSITION: Final = 0
_LEFT: Final = 1  # what the open candidate begins with, or -1
_PAIRS: Final = 2  # entries of the table of pairs
_PREFIXES: Final = 3  # entries of the table of prefixes

_Bytes = npt.NDArray[np.uint8]
_Int32s = npt.NDArray[np.int32]
_Int64s = npt.NDArray[np.int64]
_UInt64s = npt.NDArray[np.uint64]


@compiled()
def _hash(key: np.uint64) -> np.uint64:
    # The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit depends on every bit.
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@compiled()
def _key(left: int, right: int) -> np.uint64:
    return (np.uint64(left) << np.uint64(32)) | np.uint64(right)


@compiled()
def _slot(table: _UInt64s, key: np.uint64, value: np.uint64) -> np.uint64:
    """The row of ``table`` (slots, 2) that has the key, or the free one (its second is 0)."""
    mask = np.uint64(table.shape[0] - 1)
    slot = value & mask
    while table[slot, 1] != 0 and table[slot, 0] != key:
        slot = (slot + np.uint64(1)) & mask
    return slot


@compiled()
def _prefix(prefixes: _UInt64s, left: int, word: int, words: int) -> np.int64:
    """The number of ``left`` with the connector ``word`` behind it, or -1."""
    key = _key(left, word)
    slot = _slot(prefixes, key, _hash(key))
    return np.int64(prefixes[slot, 1]) - 1 + words if prefixes[slot, 1] != 0 else np.int64(-1)


@compiled()
def _count(
    ids: _Int32s,
    kinds: _Bytes,
    pairs: _UInt64s,
    most: int,
    low: np.uint64,
    high: np.uint64,
    prefixes: _UInt64s,
    state: _Int64s,
) -> int:
    """Count the pairs of ``ids`` whose hash's upper half is in low..high-1; why it ended."""
    left, n_pairs, n_prefixes = state[_LEFT], state[_PAIRS], state[_PREFIXES]
    words = kinds.shape[0]
    i, status = state[_POSITION], _DONE
    while i < ids.shape[0]:
        word = ids[i]
        kind = kinds[word] if word >= 0 else RARE
        if kind == RARE:
            left = np.int64(-1)
        elif kind == CONNECTOR:
            if left >= 0:
                found = _prefix(prefixes, left, word, words)
                if found < 0:
                    if 2 * n_prefixes >= prefixes.shape[0]:
                        status = _PREFIXES_FULL
                        break
                    key = _key(left, word)
                    slot = _slot(prefixes, key, _hash(key))
                    found = n_prefixes + words
                    n_prefixes += 1
                    prefixes[slot, 0], prefixes[slot, 1] = key, np.uint64(n_prefixes)
                left = found
        else:
            if left >= 0:
                key = _key(left, word)
                value = _hash(key)
                part = value >> np.uint64(32)
                if low <= part and part < high:
                    slot = _slot(pairs, key, value)
                    if pairs[slot, 1] == 0:
                        if n_pairs >= most:
                            status = _PAIRS_FULL
                            break
                        pairs[slot, 0] = key
                        n_pairs += 1
                    pairs[slot, 1] += np.uint64(1)
            left = np.int64(word)
        i += 1
    state[_POSITION], state[_LEFT], state[_PAIRS], state[_PREFIXES] = i, left, n_pairs, n_prefixes
    return status


@compiled()
def _refill(old: _UInt64s, new: _UInt64s, high: np.uint64) -> int:
    """Enter the entries of ``old`` whose hash's upper half is below ``high``; how many they are."""
    entered = 0
    for row in range(old.shape[0]):
        if old[row, 1] != 0:
            value = _hash(old[row, 0])
            if (value >> np.uint64(32)) < high:
                slot = _slot(new, old[row, 0], value)
                new[slot, 0], new[slot, 1] = old[row, 0], old[row, 1]
                entered += 1
    return entered


@compiled()
def _join(
    ids: _Int32s,
    kinds: _Bytes,
    prefixes: _UInt64s,
    joined: _UInt64s,
    out: _Int32s,
    final: int,
    state: _Int64s,
) -> None:
    """Write ``ids`` with phrases for pairs; state: ids read, ids written, phrases written."""
    words = kinds.shape[0]
    start, left = 0, np.int64(-1)  # where the open candidate begins, and with what
    n = 0
    for i in range(ids.shape[0]):
        word = ids[i]
        kind = kinds[word] if word >= 0 else RARE
        if kind == CONNECTOR and left >= 0:
            left = _prefix(prefixes, left, word, words)
            if left >= 0:
                continue
        elif kind == USUAL:
            if left >= 0:
                key = _key(left, word)
                slot = _slot(joined, key, _hash(key))
                if joined[slot, 1] != 0:
                    out[n] = np.int32(joined[slot, 1] - np.uint64(1))
                    n += 1
                    state[2] += 1
                    left = np.int64(-1)
                    start = i + 1
                    continue
            while start < i:
                out[n] = ids[start]
                n += 1
                start += 1
            left = np.int64(word)
            continue
        while start <= i:
            out[n] = ids[start]
            n += 1
            start += 1
        left = np.int64(-1)
    if final == 1:
        while start < ids.shape[0]:
            out[n] = ids[start]
            n += 1
            start += 1
    state[0], state[1] = start, n


@compiled()
def tally(ids: _Int32s, counts: _Int64s) -> None:
    """Add the occurrences of each word, (words,), in ``ids``; LINE_ENDs count nothing."""
    for word in ids:
        if word >= 0:
            counts[word] += 1


class Pairs:
    """The candidates of a stream, counted exactly in bounded memory.

    When the table holds ``most`` different pairs, those in the upper half of the range of hashes
    are forgotten and left to another reading of the stream. What a reading has kept is complete.

    Args:
        kinds: RARE, USUAL or CONNECTOR for each word, (words,) uint8.
        most: pairs held at once; the table needs 16 bytes for each of 4/3 to 8/3 as many, and
            half as much again while it grows.

    """

    def __init__(self, kinds: npt.NDArray[np.uint8], *, most: int) -> None:
        self._kinds = kinds
        self._most = max(1, most)
        self._low, self._high = 0, 1 << 32
        self._table: _UInt64s = np.zeros((1 << 10, 2), np.uint64)
        self._prefixes: _UInt64s = np.zeros((1 << 10, 2), np.uint64)
        self._state = np.array([0, -1, 0, 0], np.int64)

    @property
    def low(self) -> float:
        """Which share of the hashes earlier readings have done."""
        return self._low / (1 << 32)

    def count(self, ids: npt.NDArray[np.int32]) -> None:
        """Count the pairs of the next part of the stream, (n,) int32."""
        state = self._state
        state[_POSITION] = 0
        while status := _count(
            ids,
            self._kinds,
            self._table,
            min(self._most, len(self._table) * 3 // 4),
            np.uint64(self._low),
            np.uint64(self._high),
            self._prefixes,
            state,
        ):
            if status == _PREFIXES_FULL:
                grown = np.zeros((2 * len(self._prefixes), 2), np.uint64)
                _refill(self._prefixes, grown, np.uint64(1 << 32))
                self._prefixes = grown
            elif state[_PAIRS] < self._most:
                self._rebuild(2 * len(self._table))
            else:
                # A range of one hash cannot be halved: then the table grows beyond ``most``.
                if self._high - self._low == 1:
                    self._most *= 2
                self._high -= (self._high - self._low) // 2
                self._rebuild(len(self._table))

    def _rebuild(self, slots: int) -> None:
        old, self._table = self._table, np.zeros((slots, 2), np.uint64)
        self._state[_PAIRS] = _refill(old, self._table, np.uint64(self._high))

    def take(self, least: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64], bool]:
        """End this reading of the stream and be ready for the next.

        Args:
            least: how often a pair must occur to be told.

        Returns:
            The keys of pairs, (n,) uint64, their counts, (n,) int64, and whether the stream must be
            read again for the rest.

        """
        rows = self._table[self._table[:, 1] >= np.uint64(max(1, least))]
        more = self._high < 1 << 32
        self._low, self._high = self._high, 1 << 32
        self._table[:] = 0
        self._state[[_LEFT, _PAIRS]] = -1, 0
        return rows[:, 0].copy(), rows[:, 1].astype(np.int64), more

    def parts(self, keys: npt.NDArray[np.uint64]) -> list[list[int]]:
        """The words of each candidate: the first, the connectors, the last."""
        prefixes = self._prefix_keys().tolist()
        found = []
        for key in keys.tolist():
            left, right = divmod(key, 1 << 32)
            words = [right]
            while left >= len(self._kinds):
                left, connector = divmod(prefixes[left - len(self._kinds)], 1 << 32)
                words.append(connector)
            found.append([left, *reversed(words)])
        return found

    def ends(
        self, keys: npt.NDArray[np.uint64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The first and the last word of each candidate, both (n,) int64."""
        prefixes = self._prefix_keys() >> np.uint64(32)
        first = (keys >> np.uint64(32)).astype(np.int64)
        while len(longer := np.flatnonzero(first >= len(self._kinds))):
            first[longer] = prefixes[first[longer] - len(self._kinds)]
        return first, (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)

    def _prefix_keys(self) -> npt.NDArray[np.uint64]:
        rows = self._prefixes[self._prefixes[:, 1] != 0]
        keys: npt.NDArray[np.uint64] = rows[np.argsort(rows[:, 1]), 0]
        return keys

    def joiner(self, keys: npt.NDArray[np.uint64], numbers: npt.NDArray[np.int32]) -> Joiner:
        """What puts the words ``numbers`` in the place of the pairs ``keys``, both (n,)."""
        slots = 1 << max(4, (2 * len(keys)).bit_length())
        rows = np.column_stack([keys, numbers.astype(np.uint64) + np.uint64(1)])
        joined = np.zeros((slots, 2), np.uint64)
        _refill(np.ascontiguousarray(rows), joined, np.uint64(1 << 32))
        return Joiner(self._kinds, self._prefixes, joined)


class Joiner:
    """Joins the pairs of a stream, from left to right, no word in two phrases.

    Attributes:
        phrases: how many it has written.

    """

    def __init__(self, kinds: _Bytes, prefixes: _UInt64s, joined: _UInt64s) -> None:
        self._tables = kinds, prefixes, joined
        self._rest = np.empty(0, np.int32)
        self.phrases = 0

    def __call__(self, ids: npt.NDArray[np.int32], *, final: bool) -> npt.NDArray[np.int32]:
        """The next part of the stream with its phrases, int32.

        Args:
            ids: the next part as it was; (0,) where the final one has nothing new.
            final: no more come.

        """
        ids = np.concatenate([self._rest, ids]) if len(self._rest) else ids
        out = np.empty(len(ids), np.int32)
        state = np.zeros(3, np.int64)
        _join(ids, *self._tables, out, int(final), state)
        self._rest = ids[state[0] :].copy()
        self.phrases += int(state[2])
        return out[: state[1]]
