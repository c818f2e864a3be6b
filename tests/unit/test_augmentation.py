"""Crops and flips of photographs."""

from __future__ import annotations

import numpy as np

from accelsim.training.data.augmentation import PADDING, augment


def test_augmented_images_are_moved_or_mirrored_pictures_of_themselves():
    images = np.random.default_rng(3).standard_normal((200, 6, 5, 2)).astype(np.float32)
    changed = augment(images, np.random.default_rng(4))
    assert changed.dtype == np.float32
    assert changed.shape == images.shape
    seen = set()
    for before, after in zip(images, changed, strict=True):
        padded = np.pad(before, ((PADDING, PADDING), (PADDING, PADDING), (0, 0)))
        crops = {
            (y, x): padded[y : y + 6, x : x + 5]
            for y in range(2 * PADDING + 1)
            for x in range(2 * PADDING + 1)
        }
        found = {
            (*at, way)
            for at, crop in crops.items()
            for way in (1, -1)
            if np.array_equal(crop[:, ::way], after)
        }
        assert found
        seen |= found
    assert (
        {place[0] for place in seen} == {place[1] for place in seen} == set(range(2 * PADDING + 1))
    )
    assert {place[2] for place in seen} == {1, -1}


def test_augmentation_is_of_the_generator_alone():
    images = np.random.default_rng(3).standard_normal((7, 32, 32, 3)).astype(np.float32)
    kept = images.copy()
    first = augment(images, np.random.default_rng(4))
    assert np.array_equal(first, augment(images, np.random.default_rng(4)))
    assert not np.array_equal(first, augment(images, np.random.default_rng(5)))
    assert np.array_equal(images, kept)
