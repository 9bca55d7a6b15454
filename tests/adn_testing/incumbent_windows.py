"""Which windows AnimateDiff-Evolved lays, written from its rules."""

import math


def incumbent_windows(frames, length, overlap, stride, step, closed, shift_to_end):
    """Loop windows at every spacing; for
    the standard schedule those that wrap are moved to the end in the order of the list, and one
    that begins where they wrapped is put behind them unless the next has that frame."""
    turn = sum(((step >> bit) & 1) / 2 ** (bit + 1) for bit in range(64))
    found = []
    for layer in range(min(stride, math.ceil(math.log2(frames / length)) + 1)):
        gap, pad = 2**layer, round(frames * turn)
        at = int(turn * gap) + pad
        while at < frames + pad - (0 if closed else overlap):
            found.append([(at + gap * i) % frames for i in range(length)])
            at += length * gap - overlap
    place = 0
    while shift_to_end and place < len(found):
        window = found[place]
        falls = [i for i in range(1, length) if window[i] < window[i - 1]]
        if falls:
            origin, first = window[0], window[falls[0]]
            window[:] = [(frame - origin) % frames for frame in window]
            window[:] = [frame + frames - 1 - window[-1] for frame in list(window)]
            if first not in found[(place + 1) % len(found)]:
                found.insert(place + 1, [*range(first, first + length)])
        place += 1
    return [tuple(w) for i, w in enumerate(found) if not shift_to_end or w not in found[:i]]
