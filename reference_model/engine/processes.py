"""Devices and processes: one process here, or several under torchrun."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from reference_model.engine.errors import Refused
from reference_model.engine.memory import keep_freed_memory

DeviceName = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among those that train together, and what it computes on."""

    device: torch.device
    rank: int = 0
    ranks: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes what is written once."""
        return self.rank == 0

    @property
    def is_cuda(self) -> bool:
        return self.device.type == "cuda"

    def autocast(self) -> torch.autocast:
        """The precision of forward passes: bfloat16 on CUDA, as it is elsewhere."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.is_cuda)

    def place(self, network: nn.Module) -> nn.Module:
        """The network on the device, in channels-last memory, its norms shared by all ranks."""
        if self.ranks > 1 and self.is_cuda:
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        placed: nn.Module = network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch does not declare this pair of arguments
        return placed

    def share(self, network: nn.Module) -> nn.Module:
        """The network as it is called in training: gradients are averaged over ranks."""
        if self.ranks == 1 or not any(p.requires_grad for p in network.parameters()):
            return network
        return DistributedDataParallel(
            network,
            device_ids=[self.device.index] if self.is_cuda else None,
            # Before its queue counts, and with prototypes frozen, all parameters take part.
            gradient_as_bucket_view=True,
            broadcast_buffers=not self.is_cuda,  # on CUDA the norms agree by themselves
        )

    def mean(self, values: Tensor) -> Tensor:
        if self.ranks > 1:
            dist.all_reduce(values)
            values = values / self.ranks
        return values

    def any(self, *, here: bool) -> bool:
        """Whether it is so in any process."""
        if self.ranks == 1:
            return here
        flag = torch.tensor(float(here), device=self.device)
        dist.all_reduce(flag, op=dist.ReduceOp.MAX)
        return bool(flag)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.ranks > 1:
            dist.barrier()


@contextmanager
def started(device: DeviceName) -> Iterator[Processes]:
    """The processes of a run; a group is made under torchrun and ended here.

    Raises:
        Refused: CUDA is asked for and not there.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise Refused(
            "CUDA is asked for, but this torch sees no device; use --device cpu or install"
            " a build of torch that fits the machine's driver"
        )
    kind = device if device != "auto" else ("cuda" if torch.cuda.is_available() else "cpu")
    if kind == "cpu":
        keep_freed_memory()
    if not dist.is_torchelastic_launched():
        yield Processes(torch.device(kind, 0) if kind == "cuda" else torch.device(kind))
        return
    # The first process clusters alone while the others wait.
    dist.init_process_group("nccl" if kind == "cuda" else "gloo", timeout=timedelta(days=1))
    try:
        place = (
            torch.device(kind, dist.get_node_local_rank()) if kind == "cuda" else torch.device(kind)
        )
        if kind == "cuda":
            torch.cuda.set_device(place)
        yield Processes(place, rank=dist.get_rank(), ranks=dist.get_world_size())
    finally:
        dist.destroy_process_group()


class StopRequest:
    """Whether the process was told to end (SIGTERM, SIGINT), so that it can end in good order."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None

    def _receive(self, number: int, _: object) -> None:
        self.received = signal.Signals(number)


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Signals to end only set a flag within the block; what was there before comes back."""
    request = StopRequest()
    before = {
        number: signal.signal(number, request._receive)  # noqa: SLF001  # its own handler
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
