"""An archive whose reader spins, sleeps or takes 40 GB: it ends, and the submission says why."""

from datetime import datetime

import pytest

from tests.faults.conftest import GOOD
from tests.support.faulty import HOSTILE, HOSTILE_SECONDS
from tests.support.faulty_stack import FaultyStack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SLACK_SECONDS = 10
TOO_LONG = f"reading the archive took over {HOSTILE_SECONDS} s"
TOO_MUCH = "reading the archive took more memory than the 2 GiB it may take"
WHY = {"spin": TOO_LONG, "sleep": TOO_LONG, "allocate_at_once": TOO_MUCH}


def test_hostile_archives_end_within_their_limits_and_say_so(stack: FaultyStack) -> None:
    sent = {job: stack.send(GOOD, method_name=HOSTILE + job) for job in WHY}
    harmless = stack.send(GOOD)

    assert stack.final(harmless)["state"] == "scored"
    for job, public_id in sent.items():
        body = stack.final(public_id)
        assert body["state"] == "failed"
        assert WHY[job] in body["failure"]
        tries = body["attempt_log"]
        assert [(each["outcome"], each["reason"]) for each in tries] == [("failed", WHY[job])] * 3
        for each in tries:
            begun, done = (datetime.fromisoformat(each[f"{at}_at"]) for at in ("started", "ended"))
            assert (done - begun).total_seconds() <= HOSTILE_SECONDS + SLACK_SECONDS
