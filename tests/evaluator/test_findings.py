from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from evaluator.findings import (
    Code,
    Finding,
    outside_warning,
    printable,
    shortened,
    shortened_again,
)


def missing(count: int) -> list[Finding]:
    return [Finding.of(Code.IMAGE_MISSING, "gone", file=f"{i:03d}.png") for i in range(count)]


class TestShortened:
    def test_twenty_of_a_kind_are_all_named(self) -> None:
        assert shortened(missing(20)) == tuple(missing(20))

    def test_the_rest_of_a_kind_is_counted(self) -> None:
        *named, rest = shortened(missing(23))

        assert [finding.file for finding in named] == [f"{i:03d}.png" for i in range(20)]
        assert (rest.code, rest.file, rest.count) == (Code.IMAGE_MISSING, None, 3)
        assert rest.message == (
            "... and 3 more files of this kind: No mask for an image of the split."
        )

    def test_kinds_are_counted_apart(self) -> None:
        grey = [Finding.of(Code.WRONG_COLOUR, "grey", file=f"{i}.png") for i in range(21)]

        found = shortened([*missing(2), *grey])

        assert [finding.code for finding in found].count(Code.IMAGE_MISSING) == 2
        assert [finding.count for finding in found if finding.file is None] == [1]

    def test_findings_about_the_whole_are_never_cut(self) -> None:
        whole = [Finding.of(Code.ZIP_DAMAGED, "broken")] * 30

        assert shortened(whole) == tuple(whole)


class TestPrintable:
    def test_control_characters_are_written_out(self) -> None:
        assert printable("a\x1b[31mb\n\udc80") == "a\\x1b[31mb\\n\\udc80"

    def test_long_names_are_cut(self) -> None:
        assert len(printable("x" * 70_000)) == 163


class TestOutsideWarning:
    def test_nothing_outside_is_nothing_to_warn_of(self) -> None:
        assert outside_warning([], images=3, classes=5, matched=False) == ()

    def test_it_says_how_many_pixels_where(self) -> None:
        (warning,) = outside_warning(
            [("a.png", 7), ("b.png", 3)], images=9, classes=5, matched=True
        )

        assert warning.message == (
            "10 pixels in 2 of 9 images hold an id that match.json does not name;"
            " they count as wrong. The first image is a.png."
        )
        assert (warning.code, warning.count) == (Code.IDS_UNMATCHED, 10)


@given(
    codes=st.lists(st.sampled_from([Code.MASK_DAMAGED, Code.BLUE_NOT_ZERO, Code.WRONG_SIZE])),
    cuts=st.sets(st.integers(0, 100)),
)
def test_findings_of_parts_are_shortened_to_what_the_whole_would_be(
    codes: list[Code], cuts: set[int]
) -> None:
    every = 9  # at a time, so that parts go beyond the limit by themselves
    findings = [
        Finding.of(code, "broken", file=f"{place}-{again}.png")
        for place, code in enumerate(codes)
        for again in range(every)
    ]
    ends = [0, *sorted(cut for cut in cuts if cut < len(findings)), len(findings)]
    parts = [shortened(findings[first:stop]) for first, stop in pairwise(ends)]

    assert shortened_again(parts) == shortened(findings)


def test_a_finding_is_read_back_from_json() -> None:
    finding = Finding.of(Code.WRONG_SIZE, "why", file="a.png", expected="1 x 2", found="2 x 1")

    assert Finding.from_json(finding.to_json()) == finding
