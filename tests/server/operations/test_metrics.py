from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from server.app import create_app
from server.models import Shard, Submission, SubmissionState
from server.operations import workers
from server.settings import Settings
from server.submissions import attempts
from server.submissions.outcomes import FAILURE
from tests.support.database import NOW
from tests.support.site import Site

LOCAL, FAR = ("127.0.0.1", 40000), ("192.0.2.7", 40000)
TOKEN = "the token of Prometheus"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def client(site: Site, address: tuple[str, int] = LOCAL) -> TestClient:
    return TestClient(site.app, client=address, raise_server_exceptions=False)


def samples(site: Site) -> Samples:
    answer = client(site).get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


class TestRows:
    def test_states_queue_and_what_is_overdue(self, site: Site) -> None:
        site.submission()
        site.submission(created_at=NOW - seconds(90))
        site.submission(state=SubmissionState.CHECKING, lease_until=NOW - seconds(1))
        site.submission(state=SubmissionState.SCORING, lease_until=NOW + seconds(30))
        site.scored(30.0)

        found = samples(site)

        wanted = {"received": 2, "checking": 1, "scoring": 1, "scored": 1, "failed": 0}
        for state, count in wanted.items():
            assert value(found, "luss_submissions", state=state) == count
        assert value(found, "luss_queue_length") == 2
        assert value(found, "luss_queue_age_seconds") == 90
        assert value(found, "luss_submissions_overdue") == 1
        assert value(found, "luss_rows_readable") == 1

    def test_what_was_cut_is_overdue_when_nobody_counts_one_of_its_shards(self, site: Site) -> None:
        for until in (seconds(30), seconds(-1)):
            public_id = site.submission(
                state=SubmissionState.SCORING, lease_until=NOW - seconds(99)
            )
            with site.database.unit_of_work() as session:
                row = session.query(Submission).filter_by(public_id=public_id).one()
                for position, lease in enumerate((seconds(30), until)):
                    session.add(
                        Shard(
                            submission_id=row.id,
                            position=position,
                            first=position,
                            stop=position + 1,
                            truth_version="t",
                            tallies_key="k",
                            findings=[],
                            lease_until=NOW + lease,
                        )
                    )

        assert value(samples(site), "luss_submissions_overdue") == 1

    def test_an_empty_queue_has_no_age(self, site: Site) -> None:
        found = samples(site)

        assert value(found, "luss_queue_length") == 0
        assert value(found, "luss_queue_age_seconds") == 0

    def test_stages_are_histograms_of_what_the_rows_say(self, site: Site) -> None:
        # Their first scores are of NOW; received 100 s and 40 s before.
        for received, checking, scoring in ((100, 70, 65), (40, 39.25, 39)):
            site.scored(
                30.0,
                created_at=NOW - seconds(received),
                checking_at=NOW - seconds(checking),
                scoring_at=NOW - seconds(scoring),
            )
        site.submission(state=SubmissionState.CHECKING, checking_at=NOW + seconds(3))

        found = samples(site)

        def histogram(stage: str) -> tuple[float, float]:
            return (
                value(found, "luss_stage_seconds_count", stage=stage),
                round(value(found, "luss_stage_seconds_sum", stage=stage), 3),
            )

        assert histogram("waiting") == (3, 33.75)
        assert histogram("checking") == (2, 5.25)
        assert histogram("scoring") == (2, 104)
        assert histogram("whole") == (2, 140)
        for bound, count in (("30.0", 0), ("60.0", 1), ("120.0", 2), ("+Inf", 2)):
            assert value(found, "luss_stage_seconds_bucket", stage="whole", le=bound) == count
        assert value(found, "luss_stage_seconds_bucket", stage="waiting", le="1.0") == 1

    def test_what_was_counted_stays_counted_when_it_is_withdrawn(self, site: Site) -> None:
        public_id = site.scored(30.0, created_at=NOW - seconds(50))
        before = value(samples(site), "luss_stage_seconds_count", stage="whole")

        with site.database.unit_of_work() as session:
            row = session.query(Submission).filter_by(public_id=public_id).one()
            row.state, row.finished_at = SubmissionState.WITHDRAWN, NOW + seconds(99)

        found = samples(site)
        assert value(found, "luss_stage_seconds_count", stage="whole") == before == 1
        assert value(found, "luss_stage_seconds_sum", stage="whole") == pytest.approx(50, abs=1e-3)

    def test_rejections_and_failures_are_counted_by_code(self, site: Site) -> None:
        def finding(code: str, severity: str = "error", file: str = "n1/a.png") -> dict[str, str]:
            return {"code": code, "severity": severity, "file": file, "message": "n1/secret.png"}

        rejected = SubmissionState.REJECTED
        twice = [finding("wrong_size"), finding("wrong_size", file="n1/b.png")]
        site.submission(state=rejected, findings=[*twice, finding("extra_file", "warning")])
        site.submission(state=rejected, findings=[finding("wrong_size"), finding("missing_mask")])
        site.scored(30.0, findings=[finding("extra_file", "warning")])
        site.submission(
            state=SubmissionState.FAILED, failure=FAILURE.format(reason=attempts.WORKER_LOST)
        )
        site.submission(state=SubmissionState.FAILED, failure="something else")

        found = samples(site)

        counted = {
            dict(labels)["code"]: count
            for (name, labels), count in found.items()
            if name == "luss_rejections_total"
        }
        assert counted == {"wrong_size": 2, "missing_mask": 1}
        assert value(found, "luss_failures_total", code="worker_lost") == 1
        assert value(found, "luss_failures_total", code="other") == 1

    def test_workers_are_counted_while_they_are_seen(self, site: Site) -> None:
        with site.database.unit_of_work() as session:
            for name, queues, silent in (
                ("a", ["score"], 5),
                ("b", ["score", "model"], 29),
                ("dead", ["score"], 31),
            ):
                seen_at = NOW - seconds(silent)
                workers.report(
                    session, name, queues=queues, version="1", started_at=NOW, now=seen_at
                )

        found = samples(site)

        assert value(found, "luss_workers", queue="score") == 2
        assert value(found, "luss_workers", queue="model") == 1

    def test_without_the_database_the_process_still_answers(self, site: Site) -> None:
        site.database.close()
        (site.settings.data_dir / "luss.sqlite3").write_bytes(b"no database at all" * 100)

        found = samples(site)

        assert value(found, "luss_rows_readable") == 0
        assert ("luss_queue_length", frozenset()) not in found
        assert any(name == "luss_http_request_seconds_count" for name, _ in found)

    def test_no_label_holds_what_a_person_chose(self, site: Site) -> None:
        site.scored(30.0, method="A method of Ada")
        site.browser().get("/methods/a-method-of-ada?x=1")
        site.browser().get("/a-method-of-ada")

        text = client(site).get("/metrics").text

        assert "of-ada" not in text
        assert "of Ada" not in text


def may_read(
    site: Site,
    address: tuple[str, int] = LOCAL,
    headers: dict[str, str] | None = None,
    **settings: str,
) -> bool:
    app = create_app(Settings(data_dir=site.settings.data_dir, **settings), queue=site.queue)
    answer = TestClient(app, client=address).get("/metrics", headers=headers)
    if answer.status_code == 200:
        return True
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert "luss_queue" not in answer.text
    return False


class TestReaders:
    @pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
    def test_on_this_machine_may(self, site: Site, host: str) -> None:
        assert may_read(site, (host, 40000))

    @pytest.mark.parametrize("host", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "a-socket"])
    def test_elsewhere_may_not(self, site: Site, host: str) -> None:
        assert not may_read(site, (host, 40000))

    @pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
    def test_behind_a_proxy_on_this_machine_may_not(self, site: Site, header: str) -> None:
        assert not may_read(site, headers={header: "127.0.0.1"})

    def test_of_a_chosen_network_may(self, site: Site) -> None:
        networks = "10.1.0.0/16, 2001:db8::/32"

        assert may_read(site, ("10.1.2.3", 40000), metrics_networks=networks)
        assert may_read(site, ("2001:db8::7", 40000), metrics_networks=networks)
        assert not may_read(site, LOCAL, metrics_networks=networks)

    def test_with_the_token_may_from_anywhere(self, site: Site) -> None:
        bearer = {"Authorization": f"Bearer {TOKEN}"}

        assert may_read(site, FAR, bearer, metrics_token=TOKEN)
        assert may_read(site, LOCAL, bearer | {"X-Forwarded-For": "1.2.3.4"}, metrics_token=TOKEN)
        assert not may_read(site, FAR, bearer, metrics_token=TOKEN + "x")
        assert not may_read(site, FAR, metrics_token=TOKEN)

    def test_with_an_empty_token_may_not(self, site: Site) -> None:
        assert not may_read(site, FAR, {"Authorization": "Bearer "})

    def test_of_no_network_are_refused_when_the_settings_are_read(self) -> None:
        with pytest.raises(ValueError, match="metrics_networks"):
            Settings(metrics_networks="everywhere")
