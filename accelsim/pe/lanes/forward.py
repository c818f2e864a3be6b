"""Lanes of FF and EP: each lane reduces one output position of one channel."""

from __future__ import annotations

import numpy as np

from accelsim.kernels.bits.bitmaps import PackedMask, from_mask, split_channels, to_mask
from accelsim.kernels.bits.taps import expand_kernel
from accelsim.kernels.lanes.zero_skip import stream_lengths
from accelsim.pe.lanes.streams import Cycles, Streams, Words, alike, per_channel
from accelsim.pe.lanes.walks import Walks
from accelsim.pe.skipping.setting import Skipped
from accelsim.step.ops import Contraction
from accelsim.zeros.effectual import moving_words, stationary_masks
from accelsim.zeros.masks import MaskSource


def convolution_streams(
    op: Contraction, masks: MaskSource, skip: Skipped, walks: Walks, keep_zeros: bool
) -> Streams:
    """Streams of all outputs of a convolution or a matrix product.

    ``keep_zeros``: structural zeros stay in the streams and pass through the window.
    """
    return _ConvolutionStreams(op, masks, skip, walks, keep_zeros).streams()


class _ConvolutionStreams:
    def __init__(
        self, op: Contraction, masks: MaskSource, skip: Skipped, walks: Walks, keep_zeros: bool
    ) -> None:
        self.op = op
        self.masks = masks
        self.skip = skip
        self.walks = walks
        self.keep = keep_zeros
        nest = op.nest
        self.size = nest.depth // (1 if keep_zeros else nest.groups)
        self.taps = nest.reads(keep_zeros)
        self.length = stream_lengths(self.size, *self.taps)
        # With structural zeros in the window, dilation and group zeros are not MACs.
        reduction = np.full_like(self.length, nest.reduction)
        self.macs = reduction if keep_zeros else self.length

    def streams(self) -> Streams:
        """Streams of every output."""
        nest, moving, stationary = self.op.nest, self._moving_groups(), self._stationary_groups()
        per_group = nest.channels // nest.groups
        if stationary is None and alike(moving):
            return self._group(moving[0], None)
        if nest.groups > 1 and stationary is None and self.skip.moving:
            return self._moving_alone(moving, per_group)
        parts = [
            self._group(moving[group], None if stationary is None else stationary[group])
            for group in range(nest.groups)
        ]
        if nest.groups == 1:
            return parts[0]
        return Streams(
            *(
                np.concatenate([per_channel(getattr(part, name), per_group) for part in parts])
                for name in ("cycles", "executed", "effectual")
            )
        )

    def _moving_alone(self, moving: Words, per_group: int) -> Streams:
        """Streams of all groups if only zeros of the moving operand matter: the groups are walked
        as if they were samples.
        """
        folded = PackedMask(moving.reshape(-1, *moving.shape[2:]), self.size)
        cycles, set_bits = (
            np.repeat(each.reshape(len(moving), -1), per_group, axis=0)
            for each in self.walks.moving(folded, self.taps)
        )
        return Streams(cycles, set_bits, set_bits)

    def _moving_groups(self) -> Words:
        """Moving map of each group, as that group streams it: uint64 (G, S, H, W, Cw)."""
        nest = self.op.nest
        moving = moving_words(self.op, self.masks)
        if nest.groups == 1 or not self.keep:
            return split_channels(moving, nest.depth, nest.groups)
        # Channels of other groups pass through the window as zeros, so the stream keeps their
        # positions.
        size, windows = nest.depth // nest.groups, []
        for group in range(nest.groups):
            mask = np.zeros(nest.depth, np.bool_)
            mask[group * size : (group + 1) * size] = True
            windows.append(moving & from_mask(mask))
        return np.stack(windows)

    def _stationary_groups(self) -> list[Words] | None:
        """Weight masks of each group, or None if neither weights nor their structure have zeros
        that matter.

        Each is uint64 (outputs, taps, ceil(streamed channels / 64)), in the order of the group's
        stream.
        """
        op, nest, keep = self.op, self.op.nest, self.keep
        if self.masks.stationary(op) is None and not (keep and self.skip.stationary):
            return None
        dilation = (abs(nest.rows.dilation), abs(nest.columns.dilation))
        kernels, depth = [], nest.depth // nest.groups
        for group, weights in enumerate(stationary_masks(op, self.masks)):
            streamed = weights
            if keep and nest.groups > 1:
                mask = to_mask(weights, depth)
                wide = np.zeros((*mask.shape[:3], nest.depth), np.bool_)
                wide[..., group * depth : (group + 1) * depth] = mask
                streamed = from_mask(wide)
            kernels.append(expand_kernel(streamed, dilation, keep))
        return kernels

    def _group(self, moving: Words, stationary: Words | None) -> Streams:
        """Streams of one group. ``stationary``: its weight masks, or None."""
        cycles, effectual = self.walks.moving(PackedMask(moving, self.size), self.taps)
        if stationary is not None and self.masks.stationary(self.op) is not None:
            return self._pairs(moving, stationary, cycles, effectual)
        set_bits = effectual.reshape(1, -1)
        if self.skip.moving:
            return Streams(cycles.reshape(1, -1), set_bits, set_bits)
        every = self.walks.every(self.length)
        if stationary is not None:
            # Dense weights still have dilation and group zeros, which are equal for all output
            # channels.
            every = self._weights_alone(moving, stationary[:1])[0]
        samples = len(moving)
        every, macs = (np.tile(each, samples).reshape(1, -1) for each in (every, self.macs))
        return Streams(every, macs, set_bits)

    def _weights_alone(self, moving: Words, stationary: Words) -> tuple[Cycles, Cycles]:
        """Cycles and MACs of one sample if only stationary zeros are skipped."""
        sample = PackedMask(moving[0], self.size)
        return self.walks.pairs(sample, stationary, self.taps, "stationary")

    def _pairs(self, moving: Words, stationary: Words, cycles: Cycles, set_bits: Cycles) -> Streams:
        """Streams of a group whose stationary operand has zeros: cycles depend on the output
        channel.

        ``cycles``, ``set_bits``: int32 (S, positions) of the moving operand alone.
        """
        both = [
            self.walks.pairs(PackedMask(sample, self.size), stationary, self.taps)
            for sample in moving
        ]
        effectual = np.concatenate([pairs[1] for pairs in both], axis=1)
        samples, outputs = len(moving), len(stationary)
        if self.skip.stationary and self.skip.moving:
            return Streams(
                np.concatenate([pairs[0] for pairs in both], axis=1), effectual, effectual
            )
        if self.skip.stationary:
            weights = self._weights_alone(moving, stationary)
            tiled, executed = (np.tile(each, (1, samples)) for each in weights)
            return Streams(tiled, executed, effectual)
        if self.skip.moving:
            tiled, executed = (
                per_channel(each.reshape(1, -1), outputs) for each in (cycles, set_bits)
            )
            return Streams(tiled, executed, effectual)
        every, macs = (
            per_channel(np.tile(each, samples).reshape(1, -1), outputs)
            for each in (self.walks.every(self.length), self.macs)
        )
        return Streams(every, macs, effectual)
