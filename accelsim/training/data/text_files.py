"""WikiText-2's token files, and the text as a language model sees it: numbers of words in parallel
streams.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import Fault, InputError

UNKNOWN = 0
"""Number of the word that stands for all that the vocabulary lacks."""

_UNKNOWN_MARK, _END_OF_LINE = "<unk>", "<eos>"

Tokens = NDArray[np.int32]


@dataclass(frozen=True)
class TextDataset:
    """A text in three parts, each word a number below ``vocabulary``; 0 stands for every word that
    is not known.
    """

    name: str
    vocabulary: int
    training: Tokens
    held_out: Tokens
    test: Tokens
    words: tuple[str, ...]
    unknown: int = UNKNOWN

    def streams(self, tokens: Tokens, batch: int) -> Tokens:
        """The text cut into ``batch`` equal parts side by side, (length, batch); the rest is left
        out.
        """
        length = len(tokens) // batch
        return np.ascontiguousarray(tokens[: length * batch].reshape(batch, length).T)

    def windows(self, tokens: Tokens, batch: int, steps: int) -> Iterator[tuple[Tokens, Tokens]]:
        """(inputs, targets), each (steps, batch): the streams piece by piece, targets one word
        ahead; a ragged rest is left out.
        """
        streams = self.streams(tokens, batch)
        for first in range(0, len(streams) - steps, steps):
            yield streams[first : first + steps], streams[first + 1 : first + steps + 1]


def find_text(directory: Path) -> dict[str, Path]:
    """WikiText's token files in the folder by part (train, valid, test); {} when it has none."""
    found = {part: directory / f"wiki.{part}.tokens" for part in ("train", "valid", "test")}
    return {part: path for part, path in found.items() if path.exists()}


def load_text(directory: Path, vocabulary: int, held_out: float) -> TextDataset:
    """WikiText-2 from a folder, in a vocabulary of its most frequent training words and the unknown
    one.

    Without the training file, training is on the test file and scores are on the validation file,
    as the name then says. ``held_out``: fraction of the training text, its end, that is kept away
    from training.
    """
    files = find_text(directory)
    name, training, test = "wikitext2", "train", "test"
    if "train" not in files:
        name, training, test = "wikitext2 (trained on its test file)", "test", "valid"
    missing = next((part for part in (training, test) if part not in files), None)
    if missing is not None:
        raise InputError(
            Fault(str(directory / f"wiki.{missing}.tokens"), 0, 0, "file does not exist")
        )
    words = _words(files[training])
    kept = len(words) - int(len(words) * held_out)
    counted = Counter(word for word in words[:kept] if word != _UNKNOWN_MARK)
    known = [
        word
        for word, _ in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[
            : vocabulary - 1
        ]
    ]
    numbers = {word: index for index, word in enumerate(known, start=1)}

    def numbered(text: list[str]) -> Tokens:
        return np.array([numbers.get(word, UNKNOWN) for word in text], np.int32)

    tokens = numbered(words)
    return TextDataset(
        name,
        vocabulary,
        tokens[:kept],
        tokens[kept:],
        numbered(_words(files[test])),
        (_UNKNOWN_MARK, *known),
    )


def _words(path: Path) -> list[str]:
    """The words of a file, with a mark at the end of each line, empty ones too: so WikiText-2 has
    the 33,278 words that papers give it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            Fault(str(path), 0, 0, f"file must be readable, got {error.strerror}")
        ) from None
    except UnicodeDecodeError:
        raise InputError(Fault(str(path), 0, 0, "file must be UTF-8 text")) from None
    if not text.split():
        raise InputError(Fault(str(path), 0, 0, "file must hold words, got none"))
    lines = text.removesuffix("\n").split("\n")
    return [word for line in lines for word in (*line.split(), _END_OF_LINE)]
