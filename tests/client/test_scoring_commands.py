"""`luss score`, `luss check` and `luss pack` as their callers meet them."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from client.cli import app
from evaluator import HEADLINE_SCORES, Tallies, encode_mask
from tests.support.masks import write_folder, write_zip

GOLDEN = Path(__file__).parents[1] / "golden" / "s50"
MASKS = str(GOLDEN / "masks")
FORBIDDEN = ("alembic", "celery", "fastapi", "sqlalchemy", "starlette", "torch")

FRESH = """
import sys
from client.cli import app
app(sys.argv[1:], standalone_mode=False)
print(sorted({name.partition(".")[0] for name in sys.modules}))
"""


def luss(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def sizes() -> dict[str, list[int]]:
    """The manifest of the golden split, from the masks' own headers."""
    found = {}
    for path in GOLDEN.glob("masks/*/*.png"):
        head = path.read_bytes()[16:24]
        width, height = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")
        found[f"{path.parent.name}/{path.name}"] = [height, width]
    return found


def score(prediction: str | Path, *more: str | Path) -> Result:
    return luss("score", prediction, "--truth", MASKS, "--classes", "50", *more)


class TestScore:
    def test_the_document_stands_alone_on_stdout(self) -> None:
        done = score(GOLDEN / "good.zip", "--json")

        document = json.loads(done.stdout)
        assert done.exit_code == 0
        assert set(document) == {
            "scores",
            "intervals",
            "images",
            "classes",
            "scorer_version",
            "truth_version",
            "warnings",
        }
        assert document["scores"]["miou"] == pytest.approx(36.297142, rel=1e-6)
        assert document["images"] == 60
        assert "mIoU" in done.stderr

    def test_people_read_scores_sizes_and_classes(self) -> None:
        done = score(GOLDEN / "messy.zip")

        assert done.exit_code == 0
        for text in ("b-mIoU", "29.99", "medium small", "40.83", "IoU", "warning 250208 pixels"):
            assert text in done.stdout

    def test_scores_stand_with_their_intervals_unless_those_are_not_wanted(self) -> None:
        done, quick = (
            score(GOLDEN / "good.zip", "--json", *more) for more in ((), ("--no-intervals",))
        )

        intervals = json.loads(done.stdout)["intervals"]
        low, high = intervals["f_beta"]
        assert tuple(intervals) == HEADLINE_SCORES
        assert f"{low:.2f} to {high:.2f}" in done.stderr
        assert json.loads(quick.stdout)["intervals"] == {}
        assert "interval" not in quick.stderr

    def test_files_are_written_where_asked(self, tmp_path: Path) -> None:
        scores, tallies = tmp_path / "scores.json", tmp_path / "run.tallies"

        done = score(GOLDEN / "generated.zip", "--out", scores, "--tallies", tallies, "--jobs", "2")

        assert done.exit_code == 0
        assert json.loads(scores.read_text())["images"] == 60
        assert Tallies.read(tallies).images == 60

    @pytest.mark.parametrize("option", ["--out", "--tallies", "--html"])
    def test_an_output_without_a_folder_is_wrong_usage(self, option: str, tmp_path: Path) -> None:
        done = score(GOLDEN / "good.zip", option, tmp_path / "nowhere" / "file")

        assert done.exit_code == 2
        assert "there is no folder" in done.stderr

    def test_the_system_is_quoted_where_it_does_not_write(self, tmp_path: Path) -> None:
        done = score(GOLDEN / "good.zip", "--no-intervals", "--out", tmp_path / ("x" * 300))

        assert done.exit_code == 2
        assert done.stderr.startswith("luss: File name too long (")

    def test_classes_go_by_the_names_of_a_table(self, tmp_path: Path) -> None:
        names = tmp_path / "names.csv"
        rows = [f"n{i},{i},sort {i}" for i in range(1, 51)]
        names.write_text("\n".join(["wnid,id,name", *rows]))

        done = score(GOLDEN / "good.zip", "--no-intervals", "--names", names)

        assert "50 sort 50" in done.stdout

    @pytest.mark.parametrize(
        ("table", "message"),
        [
            ("id,name\n1,cat\n", "must name the categories 1 to 50, each once; it has 1 rows."),
            ("id,name\n" + "1,cat\n" * 50, "must name the categories 1 to 50, each once"),
            ("number,name\n1,cat\n", "is no CSV (UTF-8) with the columns id and name"),
            ("id,name\n1\n", "is no CSV (UTF-8) with the columns id and name"),
        ],
    )
    def test_names_that_do_not_fit_are_wrong_usage(
        self, table: str, message: str, tmp_path: Path
    ) -> None:
        (tmp_path / "names.csv").write_text(table)

        done = score(GOLDEN / "good.zip", "--names", tmp_path / "names.csv")

        assert (done.exit_code, done.stdout) == (2, "")
        assert message in done.stderr

    def test_a_given_map_is_used(self, tmp_path: Path) -> None:
        (tmp_path / "match.json").write_text('{"0": 0}')

        done = score(GOLDEN / "good.zip", "--match", tmp_path / "match.json", "--json")

        assert json.loads(done.stdout)["scores"]["per_class_iou"][1:] == [0] * 50

    def test_a_refused_prediction_exits_1_with_its_findings(self, tmp_path: Path) -> None:
        archive = write_zip(tmp_path / "p.zip", [np.zeros((2, 2), np.uint16)])

        done = score(archive, "--json", "--out", tmp_path / "scores.json")

        document = json.loads(done.stdout)
        assert done.exit_code == 1
        assert not document["ok"]
        assert document["errors"][-1]["message"] == (
            "... and 40 more files of this kind: No mask for an image of the split."
        )
        assert not (tmp_path / "scores.json").exists()

    def test_truth_that_is_none_exits_1_and_says_why(self, tmp_path: Path) -> None:
        done = luss("score", GOLDEN / "good.zip", "--truth", tmp_path, "--classes", "50")

        assert (done.exit_code, done.stdout) == (1, "")
        assert "holds no masks" in done.stderr

    def test_a_file_that_is_not_there_is_wrong_usage(self) -> None:
        done = score("nothing.zip")

        assert done.exit_code == 2

    @pytest.mark.slow
    def test_a_fresh_interpreter_loads_neither_web_nor_database_nor_torch(self) -> None:
        done = subprocess.run(
            [
                *(sys.executable, "-c", FRESH, "score", str(GOLDEN / "good.zip")),
                *("--truth", MASKS, "--classes", "50"),
            ],
            capture_output=True,
            text=True,
            check=True,
        )

        loaded = done.stdout.splitlines()[-1]
        assert "'evaluator'" in loaded
        assert not [name for name in FORBIDDEN if f"'{name}'" in loaded]

    @pytest.mark.slow
    def test_an_interrupt_leaves_nothing_half_written(self, tmp_path: Path) -> None:
        folder = write_folder(tmp_path / "masks", [np.zeros((500, 500), np.uint16)] * 200)
        script = "import sys; from client.cli import main; main()"
        outputs = ("--out", tmp_path / "scores.json", "--tallies", tmp_path / "run.tallies")
        arguments = ("score", folder, "--truth", folder, "--classes", "50", *outputs)
        running = subprocess.Popen(
            [sys.executable, "-c", script, *map(str, arguments)], stderr=subprocess.DEVNULL
        )
        before = {"masks"}
        while running.poll() is None and {path.name for path in tmp_path.iterdir()} == before:
            time.sleep(0.01)

        running.send_signal(signal.SIGINT)

        assert running.wait(timeout=30) != 0
        assert {path.name for path in tmp_path.iterdir()} == before


BOARDS = {"boards": [{"protocol": "free", "subset": "50", "split": "test"}], "facts": []}


class Manifests(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        documents = {"/api/v1/boards": BOARDS, "/api/v1/datasets/50/test/manifest": sizes()}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(documents[self.path]).encode())

    def log_message(self, *_: object) -> None:
        """The test says what it wants."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of something that answers like the benchmark server."""
    with HTTPServer(("127.0.0.1", 0), Manifests) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


class TestCheck:
    def check(self, *more: str | Path) -> Result:
        return luss("check", GOLDEN / "messy.zip", "--classes", "50", *more)

    def test_a_sound_archive_is_ready(self) -> None:
        done = self.check("--truth", MASKS, "--json", "--protocol", "semi-supervised")

        document = json.loads(done.stdout)
        assert done.exit_code == 0
        assert (document["ok"], document["images"], document["errors"]) == (True, 60, [])
        assert {warning["code"] for warning in document["warnings"]} == {
            "ids_out_of_range",
            "method_field_missing",
        }

    def test_a_manifest_will_do(self, tmp_path: Path) -> None:
        (tmp_path / "manifest.json").write_text(json.dumps(sizes()))

        done = self.check("--manifest", tmp_path / "manifest.json")

        assert done.exit_code == 0
        assert "ready to be scored: 60 images" in done.stdout

    def test_a_server_can_be_asked(self, server: str) -> None:
        done = self.check("--server", server, "--subset", "50", "--split", "test")

        assert done.exit_code == 0

    def test_a_split_that_the_server_does_not_have_gets_a_hint(self, server: str) -> None:
        done = self.check("--server", server, "--subset", "50", "--split", "tset")

        assert done.exit_code == 2
        assert "did you mean test?" in done.stderr

    @pytest.mark.parametrize(("url", "code"), [("http://127.0.0.1:1", 3), ("nonsense", 2)])
    def test_a_server_that_is_none_is_told(self, url: str, code: int) -> None:
        done = self.check("--server", url, "--subset", "50", "--split", "test")

        assert done.exit_code == code
        assert url in done.stderr

    def test_an_archive_that_is_none_exits_1(self, tmp_path: Path) -> None:
        (tmp_path / "p.zip").write_text("no zip")

        done = luss("check", tmp_path / "p.zip", "--classes", "50", "--truth", MASKS, "--json")

        assert done.exit_code == 1
        assert [e["code"] for e in json.loads(done.stdout)["errors"]] == ["not_a_zip"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((), "exactly one of"),
            (("--truth", MASKS, "--server", "http://x"), "exactly one of"),
            (("--server", "http://x"), "needs --subset and --split"),
            (("--truth", MASKS, "--protocol", "semi-supervized"), "did you mean"),
            (("--truth", MASKS, "--protocol", "zzz"), "fully-unsupervised"),
            (("--manifest", __file__), "is no manifest"),
        ],
    )
    def test_wrong_usage_exits_2(self, arguments: tuple[str, ...], message: str) -> None:
        done = self.check(*arguments)

        assert done.exit_code == 2
        assert message in " ".join(done.stderr.replace("│", " ").split())


class TestPack:
    def test_a_pack_scores_like_its_folder(self, tmp_path: Path) -> None:
        packed = luss("pack", MASKS, "--classes", "50", "-o", tmp_path / "truth", "--json")
        truths = (tmp_path / "truth", MASKS)

        first, second = (
            luss("score", GOLDEN / "good.zip", "--truth", truth, "--classes", "50", "--json")
            for truth in truths
        )

        assert first.stdout == second.stdout
        version = json.loads(packed.stdout)["truth_version"]
        assert json.loads(first.stdout)["truth_version"] == version

    def test_an_output_without_a_folder_is_wrong_usage(self, tmp_path: Path) -> None:
        done = luss("pack", MASKS, "--classes", "50", "-o", tmp_path / "nowhere" / "truth")

        assert done.exit_code == 2
        assert "there is no folder" in done.stderr

    def test_a_bad_mask_exits_1_and_writes_nothing(self, tmp_path: Path) -> None:
        folder = write_folder(tmp_path / "masks", [np.zeros((2, 2), np.uint16)])
        (folder / "n00000000" / "x.png").write_bytes(encode_mask(np.array([[77]])))

        done = luss("pack", folder, "--classes", "50", "-o", tmp_path / "truth")

        assert done.exit_code == 1
        assert "x.png: the mask holds the id 77" in done.stderr
        assert not (tmp_path / "truth").exists()
