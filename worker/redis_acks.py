"""A message whose acknowledgement does not get through must not take its worker out of service.

kombu 5.7 counts such a message as still being worked on. With one message at a time, that of a
Redis that died meanwhile fills the count for good: the worker lives, and never listens again.
"""

from typing import Any

from kombu.transport import redis, virtual


class AckOnceAndForAll(redis.QoS):
    """Forgets a message that it cannot take from the broker: the rows say what is done."""

    def ack(self, delivery_tag: str) -> None:
        self._settle(delivery_tag, super().ack, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002
        self._settle(delivery_tag, super().reject, delivery_tag, requeue=requeue)

    def _settle(self, delivery_tag: str, settle: Any, *arguments: Any, **named: Any) -> None:
        try:
            settle(*arguments, **named)
        except BaseException:
            virtual.QoS.ack(self, delivery_tag)
            raise


def install() -> None:
    redis.Channel.QoS = AckOnceAndForAll
