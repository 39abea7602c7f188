"""On a real Redis, with one message at a time as a worker has it."""

from collections.abc import Callable
from typing import Any

import pytest
from kombu import Connection
from kombu.transport import redis
from redis.exceptions import ConnectionError as RedisLost

from tests.support.servers import private_redis
from worker import redis_acks


@pytest.mark.parametrize(
    "settle",
    [
        lambda message: message.ack(),
        lambda message: message.reject(),
        lambda message: message.requeue(),
    ],
    ids=["ack", "reject", "requeue"],
)
def test_a_message_that_a_dead_redis_keeps_takes_no_room(
    settle: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis.Channel, "QoS", redis.QoS)  # undoes what install does
    redis_acks.install()
    with private_redis() as server, Connection(server.url) as connection:
        channel = connection.default_channel
        channel.basic_qos(0, 1, False)
        waiting = connection.SimpleQueue("rings")
        waiting.put("one")
        taken = waiting.get(timeout=10)
        assert not channel.qos.can_consume()

        server.kill()
        with pytest.raises(RedisLost):
            settle(taken)

        assert channel.qos.can_consume()
        server.start()
