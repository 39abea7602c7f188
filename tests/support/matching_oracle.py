"""The default map by trying all of them, written from the definition's sentences alone."""

from itertools import permutations

from tests.support.oracles import IGNORE, Rows


def shared_images(pairs: list[tuple[Rows, Rows]], category: int, generated: int) -> int:
    """Images in which both occur somewhere outside the ignored pixels."""
    return sum(
        any(t == category for t, _ in scored(pair)) and any(p == generated for _, p in scored(pair))
        for pair in pairs
    )


def shared_pixels(pairs: list[tuple[Rows, Rows]], category: int, generated: int) -> int:
    return sum(scored(pair).count((category, generated)) for pair in pairs)


def scored(pair: tuple[Rows, Rows]) -> list[tuple[int, int]]:
    truth, prediction = pair
    return [
        (t, p)
        for truth_row, predicted_row in zip(truth, prediction, strict=True)
        for t, p in zip(truth_row, predicted_row, strict=True)
        if t != IGNORE
    ]


def naive_matching(
    pairs: list[tuple[Rows, Rows]], classes: int
) -> tuple[dict[int, int], int, int, list[int]]:
    """The map without its 0, both sums, and the ids that were never generated."""
    every = range(1, classes + 1)
    images = {(c, g): shared_images(pairs, c, g) for c in every for g in every}
    pixels = {(c, g): shared_pixels(pairs, c, g) for c in every for g in every}
    generated = {p for pair in pairs for _, p in scored(pair)}
    seen = [g for g in every if g in generated]
    unseen = [g for g in every if g not in generated]

    def worth(order: tuple[int, ...]) -> tuple[int, int, list[int]]:
        owned = dict(zip(every, order, strict=True))
        image_sum = sum(images[owned[g], g] for g in every)
        pixel_sum = sum(pixels[owned[g], g] for g in every)
        sequence = [owned[g] for g in seen] + [owned[g] for g in unseen]
        return image_sum, pixel_sum, [-category for category in sequence]

    best = max(permutations(every), key=worth)
    image_sum, pixel_sum, _ = worth(best)
    return dict(zip(every, best, strict=True)), image_sum, pixel_sum, unseen
