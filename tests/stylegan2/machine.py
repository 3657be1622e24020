"""Where compiled operations are tested: on the CPU, on a GPU where there is one, and the GPU's code on the CPU."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from stylegan2.ops import build, compilers, native

HERE = Path(__file__).parent
# One rounding to nearest; in float32 and float64 a few, since these are also what is added in.
ROUNDING = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 2**-8, torch.float16: 2**-11}


class Machine:
    """Where the operations run, in which formats they are compiled, and which compiled ones ran."""

    def __init__(self, name: str) -> None:
        self.device, self.gpu, self.ran = "cuda" if name == "cuda" else "cpu", name != "cpu", []
        self.dtypes = [dtype for dtype in ROUNDING if self.gpu or dtype != torch.float16]

    def randn(self, *shape: int, dtype: torch.dtype = torch.float32, last: bool = False) -> torch.Tensor:
        x = torch.randn(shape).to(self.device, dtype)
        return x.to(memory_format=torch.channels_last) if last else x

    def double(self, *shape: int, last: bool = False) -> torch.Tensor:
        return self.randn(*shape, dtype=torch.float64, last=last).requires_grad_()


@pytest.fixture(scope="session")
def emulated() -> native.Library:
    """The sources for GPUs, compiled for the CPU."""
    cpu = compilers.cpu_recipe()
    header = HERE / "emulated_cuda.h"
    command = (*cpu.compile, "-O1", "-Wno-unused-function", "-include", str(header), "-x", "c++")
    recipe = build.Recipe("emulated", compilers.sources("cuda", "*.cu"), (*compilers.headers("cuda"), header),
                          command, cpu.link, cpu.libraries, identity=cpu.identity)
    library = native.Library(str(build.built(recipe)))
    library.gpu = True
    return library


@pytest.fixture(params=["cpu", "emulated", *["cuda"] * torch.cuda.is_available()])
def machine(request, monkeypatch) -> Machine:
    made = Machine(request.param)
    if request.param == "emulated":
        library, refusing = request.getfixturevalue("emulated"), native.library

        def emulating(x, *others):
            # What the CPU's code refuses, the GPU's does too, but for half precision.
            tensors = [tensor.float() if tensor is not None and tensor.dtype == torch.float16 else tensor for tensor in (x, *others)]
            return None if refusing(*tensors) is None else library

        monkeypatch.setattr(native, "library", emulating)
    assert (native.cuda() if request.param == "cuda" else native.cpu()) is not None
    run = native.run
    monkeypatch.setattr(native, "run", lambda library, x, name, *rest: (made.ran.append(name), run(library, x, name, *rest))[1])
    return made


@pytest.fixture(params=["contiguous", "channels_last"])
def last(request) -> bool:
    return request.param == "channels_last"


def with_gradients(function, inputs, dy):
    """The result and the gradient of each input."""
    inputs = [x.detach().requires_grad_() for x in inputs]
    y = function(*inputs)
    return y, torch.autograd.grad(y, inputs, dy.to(y.dtype))


def exactly(function, inputs, dy):
    """The same by the reference, from the same numbers in double precision."""
    with native.reference():
        return with_gradients(function, [x.double() for x in inputs], dy.double())


def assert_close(result: torch.Tensor, expected: torch.Tensor, terms: int = 1) -> None:
    """Equal but for one rounding; of a sum, one of each of its terms."""
    rounding = ROUNDING[result.dtype] * terms**0.5 * (4 if terms > 1 else 1)
    torch.testing.assert_close(result.double(), expected, rtol=rounding, atol=rounding)
