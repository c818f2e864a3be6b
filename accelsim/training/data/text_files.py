"""WikiText-2's token files, and their text as a language model reads it: numbers of words or bytes,
in parallel streams or windows.
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
"""Number of the word that represents all words outside the vocabulary."""

BYTES = 256
"""Vocabulary of a network of tokens that reads bytes instead of words."""

_UNKNOWN_MARK, _END_OF_LINE = "<unk>", "<eos>"

Tokens = NDArray[np.int32]


@dataclass(frozen=True)
class TextDataset:
    """A text in three parts. Each word is a number below ``vocabulary``. ``unknown`` represents
    every unknown word; None if there is none, as for bytes.
    """

    name: str
    vocabulary: int
    training: Tokens
    held_out: Tokens
    test: Tokens
    words: tuple[str, ...]
    unknown: int | None = UNKNOWN

    def streams(self, tokens: Tokens, batch: int) -> Tokens:
        """The text cut into ``batch`` equal parts side by side, (length, batch). The remainder is
        dropped.
        """
        length = len(tokens) // batch
        return np.ascontiguousarray(tokens[: length * batch].reshape(batch, length).T)

    def windows(self, tokens: Tokens, batch: int, steps: int) -> Iterator[tuple[Tokens, Tokens]]:
        """(inputs, targets), each (steps, batch), along the streams. Targets are one word ahead of
        inputs. An incomplete last window is dropped.
        """
        streams = self.streams(tokens, batch)
        for first in range(0, len(streams) - steps, steps):
            yield streams[first : first + steps], streams[first + 1 : first + steps + 1]

    def passages(self, tokens: Tokens, length: int) -> tuple[Tokens, Tokens]:
        """(inputs, targets), each (passages, length): the text cut into passages. Targets are one
        word ahead of inputs. The remainder is dropped.
        """
        count = (len(tokens) - 1) // length
        return (
            tokens[: count * length].reshape(count, length),
            tokens[1 : count * length + 1].reshape(count, length),
        )


def find_text(directory: Path) -> dict[str, Path]:
    """WikiText's token files in the folder, by part (train, valid, test); {} if there are none."""
    paths = {part: directory / f"wiki.{part}.tokens" for part in ("train", "valid", "test")}
    return {part: path for part, path in paths.items() if path.exists()}


def load_text(directory: Path, vocabulary: int, held_out: float) -> TextDataset:
    """WikiText-2 from a folder, with a vocabulary of its most frequent training words and the
    unknown word.

    If the training file is missing, the test file is used for training and the validation file for
    scores, and the data set's name says so. ``held_out``: fraction of the training text, at its
    end, that is excluded from training. Raises InputError for a missing or unreadable file.
    """
    name, training, test = _parts(directory)
    words = _words(training)
    training_words = len(words) - int(len(words) * held_out)
    counted = Counter(word for word in words[:training_words] if word != _UNKNOWN_MARK)
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
        tokens[:training_words],
        tokens[training_words:],
        numbered(_words(test)),
        (_UNKNOWN_MARK, *known),
    )


def load_bytes(directory: Path, held_out: float) -> TextDataset:
    """WikiText-2 from a folder as bytes, each a word of its own. Files and faults are those of
    `load_text`.
    """
    name, training, test = _parts(directory)
    parts = [
        np.frombuffer(_text(path).encode(), np.uint8).astype(np.int32) for path in (training, test)
    ]
    kept = len(parts[0]) - int(len(parts[0]) * held_out)
    return TextDataset(
        f"bytes of {name}", BYTES, parts[0][:kept], parts[0][kept:], parts[1], (), None
    )


def _parts(directory: Path) -> tuple[str, Path, Path]:
    """(name, training file, test file). Raises InputError for a missing file."""
    files = find_text(directory)
    name, training, test = "wikitext2", "train", "test"
    if "train" not in files:
        name, training, test = "wikitext2 (trained on its test file)", "test", "valid"
    missing = next((part for part in (training, test) if part not in files), None)
    if missing is not None:
        raise InputError(
            Fault(str(directory / f"wiki.{missing}.tokens"), 0, 0, "file does not exist")
        )
    return name, files[training], files[test]


def _words(path: Path) -> list[str]:
    """Words of a file, with an end mark after each line, including empty lines. WikiText-2 then has
    the 33,278 distinct words that papers report. Raises InputError if the file cannot be read.
    """
    lines = _text(path).removesuffix("\n").split("\n")
    return [word for line in lines for word in (*line.split(), _END_OF_LINE)]


def _text(path: Path) -> str:
    """Text of a file. Raises InputError if it cannot be read or holds no words."""
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
    return text
