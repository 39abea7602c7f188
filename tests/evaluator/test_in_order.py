import threading

import pytest

from evaluator.in_order import in_order


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_results_come_in_the_order_of_the_work(jobs: int) -> None:
    assert list(in_order(lambda n: n * n, range(100), jobs=jobs)) == [n * n for n in range(100)]


@pytest.mark.parametrize("jobs", [1, 3])
def test_an_exception_comes_in_its_turn(jobs: int) -> None:
    results = in_order(lambda n: 1 // (50 - n), range(100), jobs=jobs)

    with pytest.raises(ZeroDivisionError):
        list(results)


def test_work_stays_only_a_little_ahead() -> None:
    started = []
    results = in_order(started.append, range(10_000), jobs=2)

    next(results)

    assert len(started) < 100
    results.close()


def test_closing_leaves_no_thread_behind() -> None:
    results = in_order(str, range(10_000), jobs=3)
    next(results)

    results.close()

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("luss")]
