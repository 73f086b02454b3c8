"""What a token is: words between white space, characters, or Chinese words.

Every segmenter takes clean text and returns it with a space between tokens; line ends stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from dlkit.data.normalise import mark_class

SAMPLE: Final = 65_536  # characters that the choice is made from

_HAN: Final = (
    "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
_KANA: Final = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9d"
_HAN_RUNS: Final = re.compile(f"[{_HAN}]")
_KANA_RUNS: Final = re.compile(f"[{_KANA}]")
_LETTERS: Final = re.compile(r"[^\W\d_]")

# Text segmented into words has about 1.8 such characters between spaces, unsegmented 10 or more.
_UNSPACED: Final = 3.0
_MOSTLY: Final = 0.25  # of the letters: Latin words have several letters where Han words have two


def choose(sample: str) -> tuple[str, str]:
    """Which tokens suit a text.

    Args:
        sample: the text's first SAMPLE characters (or all of it), cleaned.

    Returns:
        "whitespace", "char" or "zh", and why, in words with figures.

    """
    letters = len(_LETTERS.findall(sample))
    if not letters:
        return "whitespace", "the text's beginning has no letters"
    han, kana = len(_HAN_RUNS.findall(sample)), len(_KANA_RUNS.findall(sample))
    share = 100 * (han + kana) / letters
    if han + kana < _MOSTLY * letters:
        return "whitespace", f"{share:.0f} % of letters are Han or kana"
    found = re.compile(f"[{_HAN}{_KANA}]")
    spaced = sum(1 for part in sample.split() if found.search(part))
    run = (han + kana) / spaced
    # Japanese text is about half kana; a Chinese text that quotes some stays Chinese.
    japanese = kana > 0.1 * (han + kana)
    script = "Han or kana" if japanese else "Han"
    figures = f"{share:.0f} % of letters are {script}, {run:.1f} of them between spaces"
    if run <= _UNSPACED:
        return "whitespace", figures
    return ("char" if japanese else "zh"), figures


def segmenter(tokens: str) -> Callable[[str], str]:
    """The function that puts spaces between tokens.

    Args:
        tokens: whitespace (the text itself), char (each character with the marks that belong to
            it) or zh (Chinese words by rjieba with its hidden Markov model for new words).

    """
    if tokens == "zh":
        return _chinese()
    return {"whitespace": lambda text: text, "char": _characters}[tokens]


@cache
def _extending() -> re.Pattern[str]:
    """What belongs to the character before it, or may: marks, joiners, skin tones, flag halves."""
    return re.compile(f"[{mark_class()}\u200c\u200d\U0001f3fb-\U0001f3ff\U0001f1e6-\U0001f1ff]")


@cache
def _cluster() -> re.Pattern[str]:
    """Several characters that are one to a reader (after Unicode Standard Annex 29)."""
    extend = f"[{mark_class()}\u200c\U0001f3fb-\U0001f3ff]"
    joined = f"(?:\u200d(?:\\S{extend}*+)?+)"
    flag = "[\U0001f1e6-\U0001f1ff]{2}"
    return re.compile(f"{flag}{extend}*+{joined}*+|\\S(?:{extend}++{joined}*+|{joined}++)")


def _characters(text: str) -> str:
    if text.isascii():
        return " ".join(text)
    tokens: list[str] = []
    done = 0
    for match in _extending().finditer(text):
        start = match.start()
        if start < done:
            continue
        whole = _cluster().match(text, start - 1) if start > done else None
        whole = whole or _cluster().match(text, start)
        if whole:
            tokens += text[done : whole.start()]
            tokens.append(whole.group())
            done = whole.end()
    tokens += text[done:]
    return " ".join(tokens)


# What the Chinese segmenter reads rightly: ASCII, Han and the common punctuation. Anything else may
# begin a word of another script, which it would break into characters.
_FAMILIAR: Final = (
    "\x00-\x7f·\u2010-\u2027\u2030-\u205e\u3000-\u301f\u3400-\u4dbf\u4e00-\u9fff"
    "\uff01-\uff0f\uff1a-\uff20"
)
_FOREIGN: Final = re.compile(f"[^{_FAMILIAR}](?:[0-9A-Za-z'’]|[^{_FAMILIAR}])*+")
_ASCII_WORD_END: Final = re.compile(r"[0-9A-Za-z]{1,64}\Z")


@cache
def _whole() -> re.Pattern[str]:
    """What stays whole in Chinese text: words of other scripts, emoji with marks, flags."""
    marks = mark_class()
    # Letters, digits and marks that are neither ASCII nor Han, with the ASCII ones around them.
    other = f"(?:(?![{_HAN}])[^\\W\x00-\x7f]|[{marks}\u200c\u200d])"
    word = f"(?<![0-9A-Za-z])[0-9A-Za-z]*+{other}(?:[0-9A-Za-z'’]|{other})*+"
    emoji = f"[^\\w\\s](?:[{marks}\U0001f3fb-\U0001f3ff]|\u200d[^\\w\\s])++"
    return re.compile(f"([\U0001f1e6-\U0001f1ff]{{2}}|{emoji}|{word})")


def _chinese() -> Callable[[str], str]:
    from rjieba import cut

    def segment(text: str) -> str:
        tokens: list[str] = []
        done = 0
        for match in _FOREIGN.finditer(text):
            # Latin letters in front belong to the word: the caf of café.
            start = match.start()
            if before := _ASCII_WORD_END.search(text, max(done, start - 64), start):
                start = before.start()
            tokens += cut(text[done:start], hmm=True)
            for place, part in enumerate(_whole().split(text[start : match.end()])):
                if part:
                    tokens += [part] if place % 2 else cut(part, hmm=True)
            done = match.end()
        tokens += cut(text[done:], hmm=True)
        return " ".join(tokens)

    return segment
