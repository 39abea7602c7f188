import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.settings import Settings
from tests.client.commands.conftest import Luss
from tests.support.tiny_data import write_tiny_data
from worker.context import context_of_process

S50 = Path(__file__).parents[2] / "golden" / "s50"
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "var"
    monkeypatch.setenv("LUSS_DATA_DIR", str(folder))
    monkeypatch.setenv("LUSS_PASSWORD", PASSWORD)
    context_of_process.cache_clear()
    yield folder
    if context_of_process.cache_info().currsize:
        context_of_process().database.close()
    context_of_process.cache_clear()


class TestInit:
    def test_can_be_done_again(self, luss: Luss, data: Path) -> None:
        first, second = luss("admin", "init"), luss("admin", "init", "--json")

        assert first.exit_code == second.exit_code == 0
        assert json.loads(second.stdout) == {"database_ready": True}
        assert Settings().database.endswith(str(data / "luss.sqlite3"))


class TestUser:
    @pytest.fixture(autouse=True)
    def initialised(self, luss: Luss, data: Path) -> None:
        luss("admin", "init")

    def test_is_made_once(self, luss: Luss) -> None:
        first, second = (luss("admin", "user", "ada@example.org") for _ in range(2))

        assert first.exit_code == 0
        assert second.exit_code == 1
        assert "has an account already. [already_exists]" in second.stderr

    def test_needs_a_password_where_nobody_can_be_asked(
        self, luss: Luss, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("LUSS_PASSWORD")

        finished = luss("admin", "user", "ada@example.org")

        assert finished.exit_code == 2
        assert "LUSS_PASSWORD" in finished.stderr

    def test_gets_a_token_that_stands_alone_on_standard_output(self, luss: Luss) -> None:
        luss("admin", "user", "ada@example.org")

        finished = luss("admin", "token", "ada@example.org", "--scope", "submit")

        assert finished.exit_code == 0
        assert finished.stdout.startswith("luss_")
        assert finished.stdout.count("\n") == 1

    def test_an_unknown_scope_is_a_usage_error_with_a_hint(self, luss: Luss) -> None:
        finished = luss("admin", "token", "ada@example.org", "--scope", "submitt")

        assert finished.exit_code == 2
        assert "did you mean submit?" in finished.stderr

    def test_who_has_no_account_gets_no_token(self, luss: Luss) -> None:
        finished = luss("admin", "token", "bob@example.org", "--scope", "read")

        assert finished.exit_code == 1
        assert "[not_found]" in finished.stderr


class TestReferenceRun:
    @pytest.fixture(autouse=True)
    def initialised(self, luss: Luss, data: Path, tmp_path: Path) -> None:
        luss("admin", "init")
        luss("admin", "user", "ada@example.org", "--organizer")
        luss("admin", "user", "eve@example.org")
        data_set = write_tiny_data(tmp_path / "images")
        luss(
            *("admin", "dataset", "shapes", "--classes", "3", "--split", "val"),
            *("--truth", str(data_set / "validation-segmentation"), "--images", str(data_set)),
        )

    ORDER = ("admin", "reference-run", "shapes", "--split", "val", "--recipe")

    def test_waits_for_a_worker_and_names_its_page(self, luss: Luss) -> None:
        finished = luss(*self.ORDER, "tiny", "--as", "ada@example.org", "--seed", "3", "--json")

        document = json.loads(finished.stdout)
        assert finished.exit_code == 0
        assert document["url"].endswith(f"/reference-runs/{document['id']}")

    @pytest.mark.parametrize(
        ("recipe", "organizer", "code"),
        [
            ("tiny", "eve@example.org", "not_allowed"),
            ("tiny", "bob@example.org", "not_found"),
            ("s50", "ada@example.org", "class_count_differs"),
        ],
    )
    def test_is_refused_where_it_cannot_be(
        self, luss: Luss, recipe: str, organizer: str, code: str
    ) -> None:
        finished = luss(*self.ORDER, recipe, "--as", organizer)

        assert finished.exit_code == 1
        assert f"[{code}]" in finished.stderr


class TestDataset:
    @pytest.fixture(autouse=True)
    def initialised(self, luss: Luss, data: Path) -> None:
        luss("admin", "init")

    @pytest.fixture
    def arguments(self) -> tuple[str, ...]:
        return ("admin", "dataset", "50", "--split", "test", "--truth", str(S50 / "masks"))

    def test_masks_go_into_a_vault_for_its_owner_alone(
        self, luss: Luss, data: Path, arguments: tuple[str, ...]
    ) -> None:
        finished = luss(*arguments, "--classes", "50", "--json")

        document = json.loads(finished.stdout)
        packs = list((data / "vault").rglob("*.pack"))
        assert finished.exit_code == 0
        assert document["images"] == 60
        assert [pack.stem for pack in packs] == [document["truth_version"]]
        assert stat.S_IMODE((data / "vault").stat().st_mode) == 0o700

    def test_another_number_of_categories_is_refused(
        self, luss: Luss, arguments: tuple[str, ...]
    ) -> None:
        finished = luss(*arguments, "--classes", "51")

        assert finished.exit_code == 1
        assert "[class_count_differs]" in finished.stderr

    def test_masks_that_cannot_be_read_are_refused(self, luss: Luss, tmp_path: Path) -> None:
        folder = tmp_path / "masks" / "n1"
        folder.mkdir(parents=True)
        (folder / "a.png").write_bytes(b"no picture")

        finished = luss(
            *("admin", "dataset", "mine", "--classes", "3", "--split", "val"),
            *("--truth", str(folder.parent)),
        )

        assert finished.exit_code == 1
        assert "[truth_bad]" in finished.stderr

    def test_names_without_their_columns_are_refused(
        self, luss: Luss, tmp_path: Path, arguments: tuple[str, ...]
    ) -> None:
        names = tmp_path / "names.csv"
        names.write_text("tag,word\n")

        finished = luss(*arguments, "--classes", "50", "--names", str(names))

        assert finished.exit_code == 1
        assert "[names_bad]" in finished.stderr

    def test_images_that_lack_one_are_refused_and_nothing_is_registered(
        self, luss: Luss, tmp_path: Path, arguments: tuple[str, ...], data: Path
    ) -> None:
        folder = tmp_path / "images"
        (folder / "test").mkdir(parents=True)

        finished = luss(*arguments, "--classes", "50", "--images", str(folder))

        assert finished.exit_code == 1
        assert "[images_bad]" in finished.stderr
        assert not (data / "vault" / "truth").exists()

    def test_an_unknown_split_is_a_usage_error_with_a_hint(self, luss: Luss) -> None:
        finished = luss(
            *("admin", "dataset", "50", "--classes", "50", "--split", "tset"),
            *("--truth", str(S50 / "masks")),
        )

        assert finished.exit_code == 2
        assert "did you mean test?" in finished.stderr
