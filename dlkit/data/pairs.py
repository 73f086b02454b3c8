"""Counting and joining pairs of neighbouring words exactly, in bounded memory.

A candidate for a phrase is two words of a line side by side, or with nothing but connectors (of,
the) between them. Import this module inside function bodies only: its loops are compiled.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dlkit.data.kernels.pairs import (
    LEFT,
    PAIRS,
    POSITION,
    PREFIXES_FULL,
    Bytes,
    UInt64s,
    count,
    join,
    refill,
)


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
        self._table: UInt64s = np.zeros((1 << 10, 2), np.uint64)
        self._prefixes: UInt64s = np.zeros((1 << 10, 2), np.uint64)
        self._state = np.array([0, -1, 0, 0], np.int64)

    @property
    def low(self) -> float:
        """Which share of the hashes earlier readings have done."""
        return self._low / (1 << 32)

    def count(self, ids: npt.NDArray[np.int32]) -> None:
        """Count the pairs of the next part of the stream, (n,) int32."""
        state = self._state
        state[POSITION] = 0
        while status := count(
            ids,
            self._kinds,
            self._table,
            min(self._most, len(self._table) * 3 // 4),
            np.uint64(self._low),
            np.uint64(self._high),
            self._prefixes,
            state,
        ):
            if status == PREFIXES_FULL:
                grown = np.zeros((2 * len(self._prefixes), 2), np.uint64)
                refill(self._prefixes, grown, np.uint64(1 << 32))
                self._prefixes = grown
            elif state[PAIRS] < self._most:
                self._rebuild(2 * len(self._table))
            else:
                # A range of one hash cannot be halved: then the table grows beyond ``most``.
                if self._high - self._low == 1:
                    self._most *= 2
                self._high -= (self._high - self._low) // 2
                self._rebuild(len(self._table))

    def _rebuild(self, slots: int) -> None:
        old, self._table = self._table, np.zeros((slots, 2), np.uint64)
        self._state[PAIRS] = refill(old, self._table, np.uint64(self._high))

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
        self._state[[LEFT, PAIRS]] = -1, 0
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
        refill(np.ascontiguousarray(rows), joined, np.uint64(1 << 32))
        return Joiner(self._kinds, self._prefixes, joined)


class Joiner:
    """Joins the pairs of a stream, from left to right, no word in two phrases.

    Attributes:
        phrases: how many it has written.

    """

    def __init__(self, kinds: Bytes, prefixes: UInt64s, joined: UInt64s) -> None:
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
        join(ids, *self._tables, out, int(final), state)
        self._rest = ids[state[0] :].copy()
        self.phrases += int(state[2])
        return out[: state[1]]
