"""One training by several processes: what `torchrun` starts, one a GPU (nccl) or a share of the cores each (gloo).

Every function also serves a run of a single process, which needs no set-up.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
from torch import Tensor, distributed

from packs import cli
from stylegan2.ops.memory import reuse_freed_memory


def start(device_name: str) -> torch.device:
    """Join the others if `torchrun` started this process; the device that this process trains on ("auto", "cpu", "cuda")."""
    device = cli.resolve_device(device_name)
    if device.type == "cpu":
        reuse_freed_memory()
    if "RANK" not in os.environ:
        return device
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", 1))))
    return device


def stop() -> None:
    """Leave the others, if there are any."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def count() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    return distributed.get_rank() if distributed.is_initialized() else 0


def first() -> bool:
    """Whether this is the process that writes files and reports."""
    return rank() == 0


def shared(value: float, device: torch.device) -> float:
    """Rank 0's `value`, so that all processes change resolution and stop at the same step."""
    if not distributed.is_initialized():
        return value
    tensor = torch.tensor([value], dtype=torch.float64, device=device)
    distributed.broadcast(tensor, 0)
    return tensor.item()


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Mean of the gradients over all processes; nothing when there is just one. All must hold gradients of the same tensors."""
    if not distributed.is_initialized():
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients])):
        gradient.copy_(mean.view_as(gradient))
