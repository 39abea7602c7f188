import json
from pathlib import Path

import httpx
import pytest

from tests.client.commands.conftest import Luss
from tests.support.fake_server import FakeServer, finding, problem, submission

ADDRESS = ("--protocol", "fully-unsupervised", "--subset", "50", "--split", "val")
DECLARED = ("--declare", "extra_data=no", "--declare", "semi_masks=no")


@pytest.fixture
def archive(tmp_path: Path) -> str:
    path = tmp_path / "masks.zip"
    path.write_bytes(b"PK")
    return str(path)


class TestSending:
    def test_says_what_became_of_it_and_where_to_look(self, luss: Luss, archive: str) -> None:
        finished = luss("submit", archive, *ADDRESS, *DECLARED, server=FakeServer())

        assert finished.exit_code == 0
        assert "http://bench.test/submissions/s1" in finished.stdout

    def test_is_for_oneself_unless_a_team_is_named(self, luss: Luss, archive: str) -> None:
        server = FakeServer()
        luss("submit", archive, *ADDRESS, *DECLARED, server=server)
        luss("submit", archive, *ADDRESS, *DECLARED, "--team", "The Analysts", server=server)

        first, second = (json.loads(request.content) for request in server.posted)
        assert "team" not in first
        assert second["team"] == "The Analysts"

    def test_is_public_unless_private_is_asked_for(self, luss: Luss, archive: str) -> None:
        server = FakeServer()
        luss("submit", archive, *ADDRESS, *DECLARED, server=server)
        luss("submit", archive, *ADDRESS, *DECLARED, "--private", server=server)

        assert [json.loads(each.content)["public"] for each in server.posted] == [True, False]

    def test_withholds_names_until_a_date_that_is_given(self, luss: Luss, archive: str) -> None:
        server, until = FakeServer(), ("--anonymous-until", "2027-03-01")
        luss("submit", archive, *ADDRESS, *DECLARED, server=server)
        luss("submit", archive, *ADDRESS, *DECLARED, *until, server=server)
        both = luss("submit", archive, *ADDRESS, *DECLARED, *until, "--private", server=server)

        first, second = (json.loads(request.content) for request in server.posted)
        assert "anonymous_until" not in first
        assert second["anonymous_until"] == "2027-03-01"
        assert both.exit_code == 2
        assert "leave out --anonymous-until" in both.stderr

    def test_a_refusal_by_the_server_ends_with_1(self, luss: Luss, archive: str) -> None:
        server = FakeServer()
        server.accept = lambda _request: problem(401, "not_signed_in", "This token has expired.")

        finished = luss("submit", archive, *ADDRESS, *DECLARED, server=server)

        assert finished.exit_code == 1
        assert "luss: This token has expired. [not_signed_in]" in finished.stderr

    def test_ctrl_c_says_that_the_same_command_goes_on(self, luss: Luss, archive: str) -> None:
        server = FakeServer()

        def interrupt(_request: httpx.Request) -> httpx.Response:
            raise KeyboardInterrupt

        server.take = interrupt
        finished = luss("submit", archive, *ADDRESS, *DECLARED, server=server)
        server.take = server.append
        again = luss("submit", archive, *ADDRESS, *DECLARED, server=server)

        assert finished.exit_code == 130
        assert "the same command goes on" in finished.stderr
        assert again.exit_code == 0
        assert list(server.uploads.values()) == [b"PK"]

    def test_a_server_that_is_not_there_ends_with_3(self, luss: Luss, archive: str) -> None:
        def refuse(_request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("Connection refused")

        finished = luss("submit", archive, *ADDRESS, *DECLARED, server=httpx.MockTransport(refuse))

        assert finished.exit_code == 3

    def test_without_a_token_nothing_is_sent(
        self, luss: Luss, archive: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("LUSS_TOKEN")
        server = FakeServer()

        finished = luss("submit", archive, *ADDRESS, *DECLARED, server=server)

        assert finished.exit_code == 2
        assert "LUSS_TOKEN is not set" in finished.stderr
        assert server.requests == []

    def test_an_archive_that_is_not_there_is_a_usage_error(self, luss: Luss) -> None:
        finished = luss("submit", "nowhere.zip", *ADDRESS, server=FakeServer())

        assert finished.exit_code == 2


class TestWeights:
    """Told by the file's name, or by an option."""

    NAMED = ("--method-name", "Ours")

    @pytest.fixture
    def weights(self, tmp_path: Path) -> str:
        path = tmp_path / "backbone.safetensors"
        path.write_bytes(b"tensors")
        return str(path)

    def kinds(self, server: FakeServer) -> list[str | None]:
        return [json.loads(each.content).get("kind") for each in server.posted]

    def test_are_told_by_the_name_of_the_file(self, luss: Luss, archive: str, weights: str) -> None:
        server = FakeServer()
        luss("submit", archive, *ADDRESS, *DECLARED, server=server)
        luss("submit", weights, *ADDRESS, *DECLARED, *self.NAMED, server=server)

        assert self.kinds(server) == [None, "weights"]

    def test_or_by_what_is_said(self, luss: Luss, archive: str, weights: str) -> None:
        server = FakeServer()
        luss("submit", archive, *ADDRESS, *DECLARED, *self.NAMED, "--kind=weights", server=server)
        luss("submit", weights, *ADDRESS, *DECLARED, "--kind=masks", server=server)

        assert self.kinds(server) == ["weights", None]

    def test_need_a_name_and_nothing_is_sent_without(self, luss: Luss, weights: str) -> None:
        server = FakeServer()

        finished = luss("submit", weights, *ADDRESS, *DECLARED, server=server)

        assert finished.exit_code == 2
        assert "give --method-name" in finished.stderr
        assert server.requests == []

    def test_what_the_server_does_with_them_is_told(self, luss: Luss) -> None:
        run = {"state": "running", "done": 3, "total": 6}
        server = FakeServer(
            submission(weights={"run": {"state": "waiting", "done": 0, "total": 0}}),
            submission(weights={"run": run}),
            submission(weights={"run": {**run, "state": "finished"}}),
        )

        told = [luss("status", "s1", server=server).stdout.splitlines() for _ in range(3)]

        assert "waiting for a worker that runs models" in told[0]
        assert "running the weights: 3 of 6 images" in told[1]
        assert len(told[2]) == 2


class TestDeclarations:
    def test_missing_ones_are_listed_where_nobody_can_be_asked(
        self, luss: Luss, archive: str
    ) -> None:
        server = FakeServer()

        finished = luss("submit", archive, *ADDRESS, DECLARED[0], DECLARED[1], server=server)

        assert finished.exit_code == 2
        assert "--declare semi_masks=yes|no    Is semi_masks true?" in finished.stderr
        assert "--declare extra_data" not in finished.stderr
        assert server.posted == []

    def test_missing_ones_are_asked_for_on_a_terminal(
        self, luss: Luss, archive: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        questions = []

        def answer_no(question: str, **_options: object) -> bool:
            questions.append(question)
            return False

        monkeypatch.setattr("typer.confirm", answer_no)
        monkeypatch.setattr("client.commands.submit.somebody_is_there", lambda: True)
        server = FakeServer()

        finished = luss("submit", archive, *ADDRESS, *DECLARED[:2], server=server)

        assert finished.exit_code == 0
        assert questions == ["Is semi_masks true?"]
        declarations = json.loads(server.posted[0].content)["declarations"]
        assert declarations == {"extra_data": False, "semi_masks": False}

    @pytest.mark.parametrize(
        ("option", "sentence"),
        [
            ("extra_dato=no", "did you mean extra_data?"),
            ("extra_data=maybe", "say extra_data=yes or extra_data=no"),
            ("extra_data", "say extra_data=yes or extra_data=no"),
        ],
    )
    def test_an_option_that_cannot_be_read_is_a_usage_error(
        self, luss: Luss, archive: str, option: str, sentence: str
    ) -> None:
        finished = luss("submit", archive, *ADDRESS, "--declare", option, server=FakeServer())

        assert finished.exit_code == 2
        assert sentence in finished.stderr

    @pytest.mark.parametrize(
        ("key", "taker"), [("semi_masks", "semi-supervised"), ("extra_data", "free")]
    )
    def test_a_yes_against_the_protocol_is_refused_before_the_upload(
        self, luss: Luss, archive: str, key: str, taker: str
    ) -> None:
        server = FakeServer()
        declared = (*DECLARED, "--declare", f"{key}=yes")

        finished = luss("submit", archive, *ADDRESS, *declared, server=server)

        assert finished.exit_code == 1
        assert f"does not allow a yes to: {key}. The protocol {taker}" in finished.stderr
        assert server.posted == []


class TestWaiting:
    def test_ends_with_0_and_the_scores(self, luss: Luss, archive: str) -> None:
        server = FakeServer(
            submission(state="checking"),
            submission(state="scoring", progress={"done": 3, "total": 5}),
            submission(state="scored", method="PASS", scores={"miou": 29.314}, intervals={}),
        )

        finished = luss("submit", archive, *ADDRESS, *DECLARED, "--wait", server=server)

        assert finished.exit_code == 0
        assert ["mIoU", "29.31"] in [line.split() for line in finished.stdout.splitlines()]

    @pytest.mark.parametrize("state", ["rejected", "failed", "withdrawn"])
    def test_ends_with_1_and_the_findings(self, luss: Luss, archive: str, state: str) -> None:
        server = FakeServer(submission(state=state, findings=[finding()]))

        finished = luss("submit", archive, *ADDRESS, *DECLARED, "--wait", server=server)

        assert finished.exit_code == 1
        assert "this mask is not in the archive; add it" in finished.stdout

    def test_leaves_the_final_document_alone_on_standard_output(
        self, luss: Luss, archive: str
    ) -> None:
        final = submission(state="scored", scores={"miou": 29.3}, intervals={})

        finished = luss(
            "submit", archive, *ADDRESS, *DECLARED, "--wait", "--json", server=FakeServer(final)
        )

        assert json.loads(finished.stdout) == final
