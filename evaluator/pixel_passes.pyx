# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: cdivision=True, freethreading_compatible=True
"""The passes over pixels and runs, compiled.

They hold no lock of the interpreter's while they run: threads that score must not wait for one
another. Nothing is checked here: shapes and sizes that do not fit together read or write foreign
memory. Their face is `evaluator.label_map`.

A pixel belongs to the boundary of its region when the square window around it is not entirely that
region; what lies outside the image counts as another one. For a pixel whose window lies in the
image that is the same as: the window holds a block of two by two pixels with more than one id. So
one map of such blocks, spread over the window, serves every class at once.

Planes are handled as one long row of pixels, and maps as bits, 64 pixels a word. A shift runs on
from the end of a row into the next; what that spoils lies within reach of the image's sides, where
everything is boundary anyway.
"""

import sys

import numpy as np

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

if sys.byteorder != "little":
    raise ImportError("evaluator.pixel_passes packs bits on little-endian processors only")

cdef extern from * nogil:
    """
    #ifdef _MSC_VER
    #include <intrin.h>
    static __inline int trailing_zeros(unsigned long long word) {
        unsigned long place;
        _BitScanForward64(&place, word);
        return (int) place;
    }
    #else
    #define trailing_zeros __builtin_ctzll
    #endif
    """
    int trailing_zeros(uint64_t word)

ctypedef fused id_type:
    uint8_t
    uint16_t

cdef struct Runs:
    # The runs of equal pixels in a mask (equal ids, and equal boundary bits), and a walk along.
    uint64_t *boundary
    uint64_t *last  # set where a run ends with this pixel
    Py_ssize_t word  # in which the walk stands
    uint64_t ahead  # what of that word lies ahead


class NotDistinct(Exception):
    """Two ids of a mask may stand for one class, and their regions be one."""


def runs_of(const id_type[:, ::1] ids, Py_ssize_t reach):
    """The runs of equal pixels in a mask, row after row.

    Args:
        ids: what tells regions apart.
        reach: half the width of the boundary's window.

    Returns:
        Three arrays with one place per run: its pixels, its id, and 1 on the boundary, else 0.
    """
    cdef Py_ssize_t pixels = ids.shape[0] * ids.shape[1], found = 0, begin = 0, end
    cdef const id_type *id_of = &ids[0, 0]
    cdef Runs runs
    lengths, of_runs = np.empty(pixels, np.uint32), np.empty(pixels, np.uint16)
    on_boundary = np.empty(pixels, np.uint8)
    cdef uint32_t[::1] length_of = lengths
    cdef uint16_t[::1] run_id = of_runs
    cdef uint8_t[::1] bit_of = on_boundary
    with nogil:
        _find_runs(&runs, id_of, ids.shape[0], ids.shape[1], reach)
        while begin < pixels:
            end = _next_end(&runs)
            length_of[found] = <uint32_t> (end - begin)
            run_id[found] = id_of[begin]
            bit_of[found] = _bit(runs.boundary, begin)
            begin = end
            found += 1
        free(runs.boundary)
    return lengths[:found].copy(), of_runs[:found].copy(), on_boundary[:found].copy()


def tally_columns(
    const uint32_t[::1] lengths,
    const uint16_t[::1] cells,
    const uint16_t[::1] labels,
    const id_type[:, ::1] ids,
    Py_ssize_t reach,
    const uint16_t[::1] classes,
    Py_ssize_t distinct,
    uint16_t outside,
    uint16_t ignore,
):
    """How many pixels of an image share truth, prediction and boundary bits.

    Args:
        lengths: of the truth's runs.
        cells: of the truth's runs; where in `labels` their label stands.
        labels: of the truth, twice the id, plus the boundary bit.
        ids: the prediction.
        reach: half the width of its boundary's window.
        classes: of each id, shape (65536,), at most `outside`.
        distinct: ids below this one have classes that no other of them has.
        outside: the class of pixels that hold none.
        ignore: the truth of pixels that are not scored.

    Returns:
        Pixels of class `outside`, ignored ones included; and, of those that are not ignored, the
        columns truth, prediction, boundary (1 on the truth's, plus 2 on the prediction's) and
        pixels, sorted by the labels.

    Raises:
        NotDistinct: an id is not below `distinct`.
        ValueError: the truth's runs are not those of an image of this size.
    """
    cdef Py_ssize_t columns = 2 * (outside + 1), places = labels.shape[0] * columns
    cdef Py_ssize_t rows = 0, place, label
    cdef int64_t outside_pixels = 0
    cdef int walked
    cdef int64_t *pixels = <int64_t *> calloc(places, sizeof(int64_t))
    if pixels == NULL:
        raise MemoryError
    try:
        with nogil:
            walked = _count_pairs(
                lengths, cells, labels.shape[0], ids, reach, &classes[0], distinct, columns, pixels
            )
            for place in range(places):
                if pixels[place]:
                    if place % columns // 2 == outside:
                        outside_pixels += pixels[place]
                    if labels[place // columns] // 2 == ignore:
                        pixels[place] = 0
                    else:
                        rows += 1
        if walked == MISFIT:
            raise ValueError(f"the truth's runs do not fit {ids.shape[1]} x {ids.shape[0]} pixels")
        if walked == NOT_DISTINCT:
            raise NotDistinct
        result = (
            outside_pixels,
            np.empty(rows, np.uint16),
            np.empty(rows, np.uint16),
            np.empty(rows, np.uint8),
            np.empty(rows, np.uint32),
        )
        _fill(labels, columns, pixels, places, result[1], result[2], result[3], result[4])
        return result
    finally:
        free(pixels)


cdef enum:
    DONE
    MISFIT
    NOT_DISTINCT


cdef int _count_pairs(
    const uint32_t[::1] lengths,
    const uint16_t[::1] cells,
    Py_ssize_t labels,
    const id_type[:, ::1] ids,
    Py_ssize_t reach,
    const uint16_t *classes,
    Py_ssize_t distinct,
    Py_ssize_t columns,
    int64_t *pixels,
) except -1 nogil:
    """Add, per truth cell and predicted label, how many pixels have both.

    Returns `DONE`, or why it has stopped: see `tally_columns`.
    """
    cdef Py_ssize_t size = ids.shape[0] * ids.shape[1], truth_runs = lengths.shape[0]
    cdef Py_ssize_t begin = 0, end, prediction_end = 0, truth_end = 0, truth_run = 0
    cdef Py_ssize_t row = 0, column = 0
    cdef const id_type *id_of = &ids[0, 0]
    cdef int outcome = DONE
    cdef Runs runs
    _find_runs(&runs, id_of, ids.shape[0], ids.shape[1], reach)
    # Both lists of runs are in order: one walk along both meets every stretch of pixels that share
    # truth and prediction.
    while begin < size:
        if truth_end == begin:
            if truth_run == truth_runs or lengths[truth_run] == 0 or cells[truth_run] >= labels:
                outcome = MISFIT
                break
            row = cells[truth_run] * columns
            truth_end += lengths[truth_run]
            truth_run += 1
        if prediction_end == begin:
            if id_of[begin] >= distinct:
                outcome = NOT_DISTINCT
                break
            column = 2 * classes[id_of[begin]] + _bit(runs.boundary, begin)
            prediction_end = _next_end(&runs)
        end = min(truth_end, prediction_end)
        pixels[row + column] += end - begin
        begin = end
    if outcome == DONE and (truth_run != truth_runs or truth_end != size):
        outcome = MISFIT
    free(runs.boundary)
    return outcome


cdef void _fill(
    const uint16_t[::1] labels,
    Py_ssize_t columns,
    const int64_t *pixels,
    Py_ssize_t places,
    uint16_t[::1] truth,
    uint16_t[::1] prediction,
    uint8_t[::1] boundary,
    uint32_t[::1] counts,
) noexcept nogil:
    """Write a row for each place of the table that holds pixels."""
    cdef Py_ssize_t row = 0, place
    cdef uint16_t true_label, predicted_label
    for place in range(places):
        if pixels[place]:
            true_label = labels[place // columns]
            predicted_label = place % columns
            truth[row] = true_label // 2
            prediction[row] = predicted_label // 2
            boundary[row] = true_label % 2 + 2 * (predicted_label % 2)
            counts[row] = <uint32_t> pixels[place]
            row += 1


def classes_of(const id_type[:, ::1] ids, const uint16_t[::1] classes):
    """The class of each pixel, shape as `ids`."""
    result = np.empty((ids.shape[0], ids.shape[1]), np.uint16)
    cdef uint16_t[:, ::1] class_plane = result
    cdef const id_type *id_of = &ids[0, 0]
    cdef uint16_t *class_of = &class_plane[0, 0]
    cdef Py_ssize_t i
    with nogil:
        for i in range(ids.shape[0] * ids.shape[1]):
            class_of[i] = classes[id_of[i]]
    return result


def count_class(const id_type[:, ::1] ids, const uint16_t[::1] classes, uint16_t wanted):
    """How many pixels have the class."""
    cdef const id_type *id_of = &ids[0, 0]
    cdef int64_t pixels = 0
    cdef Py_ssize_t i
    with nogil:
        for i in range(ids.shape[0] * ids.shape[1]):
            pixels += classes[id_of[i]] == wanted
    return pixels


cdef int _find_runs(
    Runs *runs, const id_type *ids, Py_ssize_t height, Py_ssize_t width, Py_ssize_t reach
) except -1 nogil:
    """Find the boundary and the runs. `runs.boundary` is to be freed, and what else it holds."""
    cdef Py_ssize_t pixels = height * width, i
    cdef Py_ssize_t words = (pixels + 63) // 64
    cdef Py_ssize_t room = words + 2  # a shifted word is made of two
    cdef uint64_t *boundary = <uint64_t *> calloc(3 * room, sizeof(uint64_t))
    if boundary == NULL:
        raise MemoryError
    cdef uint64_t *across = boundary + room
    cdef uint64_t *mixed = across + room
    _differences(ids, pixels - 1, 1, across)
    if min(height, width) > 2 * reach:
        _differences(ids, pixels - width, width, mixed)
        for i in range((pixels - width + 63) // 64):
            # The block's fourth side differs only if another one does.
            mixed[i] |= across[i] | _shifted(across, i, width)
        _spread(mixed, pixels - width, 2 * reach, 1)
        _spread(mixed, pixels - width, 2 * reach, width)
        _move(mixed, words, reach * width + reach, boundary)
        _set(boundary, 0, reach * width + reach)
        for i in range(reach + 1, height - reach):
            _set(boundary, i * width - reach, i * width + reach)
        _set(boundary, (height - reach) * width - reach, pixels)
    else:
        _set(boundary, 0, pixels)  # every window leaves the image
    for i in range(words):
        across[i] |= boundary[i] ^ _shifted(boundary, i, 1)
    _set(across, pixels - 1, pixels)
    runs.boundary, runs.last = boundary, across
    runs.ahead, runs.word = across[0], 0
    return 0


cdef inline Py_ssize_t _next_end(Runs *runs) noexcept nogil:
    """Walk to the end of the next run."""
    cdef Py_ssize_t end
    while runs.ahead == 0:
        runs.word += 1
        runs.ahead = runs.last[runs.word]
    end = 64 * runs.word + trailing_zeros(runs.ahead) + 1
    runs.ahead &= runs.ahead - 1
    return end


cdef void _differences(
    const id_type *ids, Py_ssize_t count, Py_ssize_t shift, uint64_t *bits
) noexcept nogil:
    """Set the bits of those of `count` pixels that differ from the one `shift` behind."""
    cdef uint8_t differs[64]
    cdef Py_ssize_t word, i, rest = count % 64
    for word in range(count // 64):
        for i in range(64):
            differs[i] = ids[i] != ids[i + shift]
        bits[word] = _packed(differs)
        ids += 64
    if rest:
        memset(differs, 0, 64)
        for i in range(rest):
            differs[i] = ids[i] != ids[i + shift]
        bits[count // 64] = _packed(differs)


cdef inline uint64_t _packed(const uint8_t *flags) noexcept nogil:
    """64 bytes of 0 or 1 as bits, the first as the lowest."""
    cdef uint64_t bits = 0, eight
    cdef int i
    for i in range(8):
        memcpy(&eight, flags + 8 * i, 8)
        # One product moves bit 8 * j to bit 56 + j, for all j at once.
        bits |= ((eight * <uint64_t> 0x0102040810204080) >> 56) << (8 * i)
    return bits


cdef void _spread(uint64_t *bits, Py_ssize_t size, Py_ssize_t length, Py_ssize_t step) noexcept nogil:
    """Set each bit where any of `length` is, the first of which stands here, `step` apart.

    Stretches double until two of them, which may overlap, are long enough.
    """
    cdef Py_ssize_t covered = 1, shift, i
    while covered < length:
        shift = min(covered, length - covered) * step
        size -= shift
        for i in range((size + 63) // 64):
            bits[i] |= _shifted(bits, i, shift)
        covered *= 2


cdef inline uint64_t _shifted(const uint64_t *bits, Py_ssize_t word, Py_ssize_t shift) noexcept nogil:
    """64 bits from `shift` behind the word's first."""
    cdef int rest = shift % 64
    bits += word + shift // 64
    return bits[0] >> rest | (bits[1] << 1) << (63 - rest)


cdef void _move(
    const uint64_t *bits, Py_ssize_t words, Py_ssize_t shift, uint64_t *moved
) noexcept nogil:
    """Write the bits to `shift` places behind."""
    cdef Py_ssize_t skipped = shift // 64, i
    cdef int rest = shift % 64
    moved[skipped] = bits[0] << rest
    for i in range(1, words - skipped):
        moved[i + skipped] = bits[i] << rest | (bits[i - 1] >> 1) >> (63 - rest)


cdef void _set(uint64_t *bits, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Set the bits from `begin` up to `end`."""
    cdef Py_ssize_t first = begin // 64, last = (end - 1) // 64
    cdef uint64_t from_begin = <uint64_t> -1 << (begin % 64)
    cdef uint64_t to_end = <uint64_t> -1 >> (63 - (end - 1) % 64)
    if first == last:
        bits[first] |= from_begin & to_end
        return
    bits[first] |= from_begin
    memset(bits + first + 1, 0xFF, 8 * (last - first - 1))
    bits[last] |= to_end


cdef inline int _bit(const uint64_t *bits, Py_ssize_t place) noexcept nogil:
    return bits[place // 64] >> (place % 64) & 1
