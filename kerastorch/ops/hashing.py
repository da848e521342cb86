"""Hashes of byte strings as TensorFlow computes them, for many strings at once.

FarmHash's Fingerprint64 (https://github.com/google/farmhash) and SipHash-2-4 (Aumasson and Bernstein, 2012). Strings of
one length are hashed together: their bytes form a matrix, and each step is arithmetic of uint64 columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_K0, _K1, _K2 = (np.uint64(k) for k in (0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F))
_CAT = np.uint64(0xC6A4A7935BD1E995)
_U = np.uint64


def fingerprint64(strings: Sequence[bytes]) -> np.ndarray:
    """FarmHash's 64-bit fingerprint (uint64) of each byte string.

    >>> fingerprint64([b""])
    array([11160318154034397263], dtype=uint64)
    """
    return _by_length(strings, _fingerprints)


def siphash(strings: Sequence[bytes], key: Sequence[int]) -> np.ndarray:
    """SipHash-2-4 (uint64) of each byte string under a key of two integers."""
    keys = tuple(_U(part % 2**64) for part in key)
    return _by_length(strings, lambda data: _siphashes(data, *keys))


def fingerprint_cat64(first: Any, second: np.ndarray) -> np.ndarray:
    """One fingerprint of two, of which the order counts."""
    with np.errstate(over="ignore"):
        result = (first ^ _CAT ^ (_shift_mix(second * _CAT) * _CAT)) * _CAT
        return _shift_mix(_shift_mix(result) * _CAT)


def to_buckets(strings: Sequence[bytes], count: int, key: Sequence[int] | None = None) -> np.ndarray:
    """The bucket (int64, below `count`) of each byte string: by SipHash where there is a key."""
    hashes = fingerprint64(strings) if key is None else siphash(strings, key)
    return (hashes % _U(count)).astype(np.int64)


def _by_length(strings: Sequence[bytes], function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    distinct = list(dict.fromkeys(strings))
    lengths = np.fromiter(map(len, distinct), dtype=np.int64, count=len(distinct))
    hashes = np.empty(len(distinct), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for length in np.unique(lengths):
            places = np.flatnonzero(lengths == length)
            joined = b"".join([distinct[place] for place in places])
            hashes[places] = function(np.frombuffer(joined, dtype=np.uint8).reshape(len(places), length))
    of_string = dict(zip(distinct, hashes, strict=True))
    return np.fromiter(map(of_string.__getitem__, strings), dtype=np.uint64, count=len(strings))


def _word(data: np.ndarray, start: int, size: int = 8) -> np.ndarray:
    """The little-endian integer that begins at byte `start`."""
    part = np.ascontiguousarray(data[:, start : start + size])
    return part.view("<u8" if size == 8 else "<u4")[:, 0].astype(np.uint64)


def _rotated(value: np.ndarray, count: int) -> np.ndarray:
    return (value >> _U(count)) | (value << _U(64 - count))


def _shift_mix(value: np.ndarray) -> np.ndarray:
    return value ^ (value >> _U(47))


def _mixed(u: Any, v: Any, multiplier: Any) -> Any:
    a = _shift_mix((u ^ v) * multiplier)
    return _shift_mix((v ^ a) * multiplier) * multiplier


def _fingerprints(data: np.ndarray) -> np.ndarray:
    count, length = data.shape
    if length == 0:
        return np.full(count, _K2)
    if length > 64:
        return _fingerprints_of_long(data)
    multiplier = _K2 + _U(2 * length)
    if length < 4:
        a, b, c = (data[:, place].astype(np.uint64) for place in (0, length >> 1, length - 1))
        return _shift_mix((a + (b << _U(8))) * _K2 ^ (_U(length) + (c << _U(2))) * _K0) * _K2
    if length < 8:
        return _mixed(_U(length) + (_word(data, 0, 4) << _U(3)), _word(data, length - 4, 4), multiplier)
    if length <= 16:
        a, b = _word(data, 0) + _K2, _word(data, length - 8)
        return _mixed(_rotated(b, 37) * multiplier + a, (_rotated(a, 25) + b) * multiplier, multiplier)
    a = _word(data, 0) * (_K1 if length <= 32 else _K2)
    b = _word(data, 8)
    c, d = _word(data, length - 8) * multiplier, _word(data, length - 16) * _K2
    y, z = _rotated(a + b, 43) + _rotated(c, 30) + d, a + _rotated(b + _K2, 18) + c
    if length <= 32:
        return _mixed(y, z, multiplier)
    z = _mixed(y, z, multiplier)
    e, f = _word(data, 16) * multiplier, _word(data, 24)
    g, h = (y + _word(data, length - 32)) * multiplier, (z + _word(data, length - 24)) * multiplier
    return _mixed(_rotated(e + f, 43) + _rotated(g, 30) + h, e + _rotated(f + a, 18) + g, multiplier)


def _fingerprints_of_long(data: np.ndarray) -> np.ndarray:
    count, length = data.shape
    zero = np.zeros(count, dtype=np.uint64)
    x = zero + _U(81) * _K2 + _word(data, 0)
    y = zero + _U(81) * _K1 + _U(113)
    z = _shift_mix(y * _K2 + _U(113)) * _K2
    v, w = (zero, zero), (zero, zero)
    last = (length - 1) // 64 * 64
    for start in range(0, last, 64):
        x, y, z, v, w = _round(data, start, x, y, z, v, w, _K1, _U(1), _U(1))
    multiplier = _K1 + ((z & _U(0xFF)) << _U(1))
    start = length - 64
    w = (w[0] + _U((length - 1) & 63), w[1])
    v = (v[0] + w[0], v[1])
    w = (w[0] + v[0], w[1])
    x, y, z, v, w = _round(data, start, x, y, z, v, w, multiplier, _U(9), _U(9))
    first = _mixed(v[0], w[0], multiplier) + _shift_mix(y) * _K0 + z
    return _mixed(first, _mixed(v[1], w[1], multiplier) + x, multiplier)


def _round(data: Any, start: int, x: Any, y: Any, z: Any, v: Any, w: Any, k: Any, of_w: Any, of_v: Any) -> Any:
    """64 bytes more; x and z change places."""
    x = _rotated(x + y + v[0] + _word(data, start + 8), 37) * k
    y = _rotated(y + v[1] + _word(data, start + 48), 42) * k
    x = x ^ (w[1] * of_w)
    y = y + v[0] * of_v + _word(data, start + 40)
    z = _rotated(z + w[0], 33) * k
    v = _pair(data, start, v[1] * k, x + w[0])
    w = _pair(data, start + 32, z + w[1], y + _word(data, start + 16))
    return z, y, x, v, w


def _pair(data: np.ndarray, start: int, a: Any, b: Any) -> tuple[Any, Any]:
    first, second, third, fourth = (_word(data, start + 8 * place) for place in range(4))
    a = a + first
    b = _rotated(b + a + fourth, 21)
    c = a
    a = a + second + third
    return a + fourth, b + _rotated(a, 44) + c


def _siphashes(data: np.ndarray, k0: Any, k1: Any) -> np.ndarray:
    count, length = data.shape
    zero = np.zeros(count, dtype=np.uint64)
    starts = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
    state = [zero + (key ^ _U(start)) for key, start in zip((k0, k1, k0, k1), starts, strict=True)]
    padded = np.zeros((count, length // 8 * 8 + 8), dtype=np.uint8)
    padded[:, :length] = data
    padded[:, -1] = length % 256
    for start in range(0, padded.shape[1], 8):
        word = _word(padded, start)
        state[3] = state[3] ^ word
        state = _sip_round(*_sip_round(*state))
        state[0] = state[0] ^ word
    state[2] = state[2] ^ _U(0xFF)
    for _ in range(4):
        state = _sip_round(*state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _left(value: Any, count: int) -> Any:
    return (value << _U(count)) | (value >> _U(64 - count))


def _sip_round(a: Any, b: Any, c: Any, d: Any) -> list[Any]:
    a, c = a + b, c + d
    b, d = _left(b, 13) ^ a, _left(d, 16) ^ c
    a = _left(a, 32)
    c, a = c + b, a + d
    b, d = _left(b, 17) ^ c, _left(d, 21) ^ a
    return [a, b, _left(c, 32), d]
