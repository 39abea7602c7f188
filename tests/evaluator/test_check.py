"""Hostile and broken predictions: each gets its own code, in seconds and little memory."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator import (
    BadPrediction,
    Code,
    Inspection,
    Limits,
    Severity,
    Truth,
    check_prediction,
    evaluate,
    inspect_prediction,
    open_prediction,
    open_truth,
)
from tests.support import archives, pngs
from tests.support.archives import CASES, CLASSES, FIRST, MANIFEST, Case, File, RawZip
from tests.support.masks import METHOD, write_folder

CHECK_SECONDS = 5
PROCESS_BYTES = 300 * 2**20

CHECK_ALL = """
import sys
from pathlib import Path
from tests.evaluator.test_check import check
for path in sorted(Path(sys.argv[1]).iterdir()):
    assert not check(path).ok, path
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


def check(path: Path, *, protocol: str = "fully-unsupervised") -> Inspection:
    try:
        with open_prediction(path) as prediction:
            return check_prediction(
                prediction, manifest=MANIFEST, classes=CLASSES, protocol=protocol
            )
    except BadPrediction as error:
        return Inspection(findings=error.findings, images=len(MANIFEST), classes=CLASSES)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Where tests write the archive that they check."""
    return tmp_path / "prediction.zip"


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Truth]:
    """The truth of the split that the archives are meant for."""
    masks = {name: np.ones(size, np.uint16) for name, size in MANIFEST.items()}
    folder = write_folder(tmp_path_factory.mktemp("truth"), masks)
    with open_truth(folder, classes=CLASSES) as opened:
        yield opened


class TestHostileArchives:
    def test_every_error_has_an_archive(self) -> None:
        errors = {code for code in Code if code.severity is Severity.ERROR}

        assert {case.code for case in CASES} == errors - {Code.WEIGHTS_UNUSABLE}

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
    def test_each_gets_its_own_code_in_seconds(self, case: Case, archive: Path) -> None:
        archive.write_bytes(case.make())

        started = time.monotonic()
        inspection = check(archive, protocol=case.protocol)

        assert {finding.code for finding in inspection.errors} == {case.code}
        assert time.monotonic() - started < CHECK_SECONDS

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
    def test_scoring_refuses_what_checking_refuses(
        self, case: Case, archive: Path, truth: Truth
    ) -> None:
        archive.write_bytes(case.make())

        # Scored on one's own machine, a prediction needs no method.txt and has no protocol.
        if "method.txt" in case.title or case.code is Code.MATCH_NOT_ALLOWED:
            assert evaluate(archive, truth).images == len(MANIFEST)
        else:
            with pytest.raises(BadPrediction) as refusal:
                evaluate(archive, truth)
            assert {f.code for f in refusal.value.findings if f.severity == "error"} == {case.code}

    @pytest.mark.slow
    def test_all_of_them_fit_into_300_mb(self, tmp_path: Path) -> None:
        for index, case in enumerate(CASES):
            if case.code is not Code.MATCH_NOT_ALLOWED:
                (tmp_path / f"{index:03d}.zip").write_bytes(case.make())

        done = subprocess.run(
            [sys.executable, "-c", CHECK_ALL, str(tmp_path)],
            check=True,
            capture_output=True,
            text=True,
        )

        assert int(done.stdout) * 1024 < PROCESS_BYTES

    @settings(max_examples=150)
    @given(st.data())
    def test_mutated_archives_never_crash(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        content = bytearray(data.draw(st.sampled_from(ORIGINALS)))
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(content) - 1))
            content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        path = tmp_path_factory.getbasetemp() / "mutated.zip"
        path.write_bytes(content)

        inspection = check(path)

        assert all(finding.message for finding in inspection.findings)

    @settings(max_examples=100)
    @given(st.data())
    def test_mutated_masks_never_crash(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        png = bytearray(archives.mask(FIRST))
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(png) - 1))
            png[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        path = tmp_path_factory.getbasetemp() / "mutated.zip"
        path.write_bytes(archives.with_file(FIRST, bytes(png)))

        inspection = check(path)

        assert all(finding.file == FIRST for finding in inspection.errors)


ORIGINALS = (
    archives.good_zip(),
    archives.with_match('{"1": 1, "2": 2}'),
    archives.with_first(method=archives.DEFLATED),
    archives.wrapped("pred/"),
)


class TestMasksThatAreOddAndSound:
    @pytest.mark.parametrize(
        "png",
        [
            pngs.png(*MANIFEST[FIRST], colour=pngs.RGBA),
            pngs.png(
                *MANIFEST[FIRST], before_pixels=pngs.chunk(b"tRNS", bytes([0, 1, 0, 0, 0, 0]))
            ),
            pngs.png(*MANIFEST[FIRST], before_pixels=pngs.chunk(b"gAMA", b"\0\0\xff\xff")),
            pngs.png(*MANIFEST[FIRST], before_pixels=pngs.chunk(b"tEXt", b"a\0b", crc=1)),
            pngs.png(*MANIFEST[FIRST], before_pixels=pngs.chunk(b"PLTE", bytes(6))),
            pngs.png(*MANIFEST[FIRST], before_pixels=pngs.chunk(b"eXIf", b"MM\0*\0\0\0\x08")),
            pngs.png(*MANIFEST[FIRST], after_end=b"signed by nobody"),
            pngs.interlaced(*MANIFEST[FIRST]),
            pngs.in_many_chunks(*MANIFEST[FIRST]),
        ],
        ids=["alpha", "tRNS", "gamma", "bad text", "palette", "eXIf", "tail", "Adam7", "chunks"],
    )
    def test_they_are_read_as_they_are(self, png: bytes, archive: Path) -> None:
        archive.write_bytes(archives.with_file(FIRST, png))

        assert check(archive).findings == ()


class TestLayout:
    @pytest.mark.parametrize("folder", ["", "pred/", "./", "n1/"])
    def test_one_wrapping_folder_is_taken_away(self, folder: str, archive: Path) -> None:
        files = archives.good_files()
        inside = tuple(
            File(name=folder.encode() + file.name, content=file.content) for file in files
        )
        archive.write_bytes(bytes(RawZip(files=inside)))

        assert check(archive).findings == ()

    def test_an_unsafe_name_beside_it_is_the_only_thing_to_mend(self, archive: Path) -> None:
        inside = tuple(
            File(name=b"pred/" + file.name, content=file.content) for file in archives.good_files()
        )
        archive.write_bytes(bytes(RawZip(files=(*inside, File(name=b"../x", content=b"x")))))

        assert [finding.code for finding in check(archive).findings] == [Code.UNSAFE_NAME]

    def test_without_a_sound_map_nothing_is_said_of_ids(self, archive: Path) -> None:
        archive.write_bytes(archives.with_match('{"1": 99}'))

        assert [finding.code for finding in check(archive).findings] == [Code.MATCH_BAD]

    def test_what_operating_systems_leave_is_not_mentioned(self, archive: Path) -> None:
        junk = (
            File(name=b"__MACOSX/n1/._a.png", content=b"x"),
            File(name=b"n1/.DS_Store", content=b"x"),
            File(name=b"pred/Thumbs.db", content=b"x"),
            File(name=b"n1/"),
        )
        archive.write_bytes(bytes(RawZip(files=(*archives.good_files(), *junk))))

        assert check(archive).findings == ()

    def test_extra_files_are_warned_of_by_name_up_to_twenty(self, archive: Path) -> None:
        extra = tuple(File(name=b"n3/%02d.png" % i, content=b"x") for i in range(25))
        archive.write_bytes(bytes(RawZip(files=(*archives.good_files(), *extra))))

        inspection = check(archive)

        assert inspection.ok
        assert [finding.file for finding in inspection.warnings][:20] == [
            f"n3/{i:02d}.png" for i in range(20)
        ]
        assert [(f.file, f.count) for f in inspection.warnings[20:]] == [(None, 5)]

    def test_a_folder_is_read_like_the_zip_made_of_it(self, tmp_path: Path) -> None:
        for file in archives.good_files():
            path = tmp_path / file.name.decode()
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(file.content)

        assert check(tmp_path).findings == ()

    def test_a_dead_link_in_a_folder_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "n1").mkdir()
        (tmp_path / FIRST).symlink_to("nowhere")

        assert check(tmp_path).errors[0].code is Code.SYMLINK

    def test_bytes_after_an_archive_are_not_taken_for_a_cut(self, archive: Path) -> None:
        archive.write_bytes(archives.good_zip() + b"more")

        assert "other bytes follow after its end" in check(archive).errors[0].message

    def test_limits_are_settings(self, archive: Path) -> None:
        archive.write_bytes(archives.good_zip())

        with pytest.raises(BadPrediction, match="3 entries; at most 2"):
            open_prediction(archive, limits=Limits(max_entries=2))
        with pytest.raises(BadPrediction, match="unpacks to"):
            open_prediction(archive, limits=Limits(max_total_bytes=100))

    def test_a_zip64_archive_is_read(self, archive: Path) -> None:
        archive.write_bytes(archives.zip64())

        assert check(archive).findings == ()


class TestMethodName:
    def test_a_name_from_the_form_wins_over_the_file(self, archive: Path) -> None:
        archive.write_bytes(archives.good_zip())

        with open_prediction(archive) as prediction:
            inspection = inspect_prediction(
                prediction, manifest=MANIFEST, classes=CLASSES, method_name=" In the form "
            )

        assert inspection.card is not None
        assert inspection.card.name == "In the form"
        assert inspection.card.description == "made by a test"

    def test_a_name_from_the_form_makes_a_missing_file_a_warning(self, archive: Path) -> None:
        archive.write_bytes(archives.without("method.txt"))

        with open_prediction(archive) as prediction:
            inspection = inspect_prediction(
                prediction, manifest=MANIFEST, classes=CLASSES, method_name="In the form"
            )

        assert inspection.ok
        assert [f.code for f in inspection.warnings] == [Code.METHOD_FILE_MISSING]

    @pytest.mark.parametrize("content", [b"", b"\xff", METHOD.encode()])
    def test_nothing_is_asked_of_it_offline(self, content: bytes, archive: Path) -> None:
        archive.write_bytes(archives.with_file("method.txt", content))

        with open_prediction(archive) as prediction:
            inspection = inspect_prediction(
                prediction, manifest=MANIFEST, classes=CLASSES, offline=True
            )

        assert inspection.findings == ()


class TestDocument:
    def test_errors_and_warnings_stand_apart(self, archive: Path) -> None:
        archive.write_bytes(archives.with_file("x.bin", b"x", method=99))

        document = check(archive).to_json()

        assert document == {
            "ok": False,
            "errors": [
                {
                    "code": "unsupported_compression",
                    "severity": "error",
                    "file": "x.bin",
                    "expected": "stored or deflated",
                    "found": "compression method 99",
                    "message": "x.bin: the entry uses compression method 99;"
                    " make the archive with plain `zip` (stored or deflated)",
                    "count": 1,
                }
            ],
            "warnings": [],
            "images": 2,
            "classes": CLASSES,
        }

    def test_pixels_without_a_class_are_one_warning_with_their_number(self, archive: Path) -> None:
        archive.write_bytes(archives.with_match('{"7": 1}'))

        (warning,) = check(archive).warnings

        assert (warning.code, warning.count) == (Code.IDS_UNMATCHED, 6 * 8 + 5 * 7)
        assert warning.severity is Severity.WARNING

    def test_an_unknown_protocol_is_a_mistake_of_the_caller(self, archive: Path) -> None:
        archive.write_bytes(archives.good_zip())

        with pytest.raises(ValueError, match="unknown protocol 'semi'"):
            check(archive, protocol="semi")
