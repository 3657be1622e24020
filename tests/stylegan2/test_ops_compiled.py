"""The compiled operations against their references: on the CPU, on a GPU where there is one, and the GPU's code on the CPU."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from stylegan2.discriminator import Discriminator, DiscriminatorConfig
from stylegan2.ops import ACTIVATIONS, bias_act, build, compilers, native, scale_bias_act, setup_filter, upfirdn2d, upsample2d
from stylegan2.ops.upfirdn2d import separated

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
    recipe = build.Recipe("emulated", compilers.sources("cuda", "*.cu"), (*compilers.headers("cuda"), header), command, cpu.link, cpu.libraries, "")
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


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU; with one, all that follows runs on it too")
def test_the_gpu_has_its_operations():
    assert native.cuda() is not None and native.library(torch.zeros(1, device="cuda")) is native.cuda()


# bias_act: every activation, format and layout; the wide shapes are those that the GPU reads in packs.


def is_compiled(machine: Machine, activation: str, clamp: float | None) -> bool:
    """PyTorch does alone what is one addition, and on a CPU what has exponentials in it."""
    if activation == "linear":
        return clamp is not None
    return machine.gpu or activation == "lrelu"


@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (2, 32, 4, 6), (3, 48), (1, 1, 1, 1)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_bias_act(machine, activation, shape, last):
    if last and len(shape) != 4:
        return
    for dtype, clamp in itertools.product(machine.dtypes, (None, 0.7)):
        x, bias, dy = machine.randn(*shape, dtype=dtype, last=last), machine.randn(shape[1], dtype=dtype), machine.randn(*shape, dtype=dtype)
        free, _ = exactly(lambda x, b: bias_act(x, b, activation), [x, bias], dy)
        if clamp is not None:  # where rounding decides whether the clamp holds, either gradient is right
            dy = dy * ((free.abs() - clamp).abs() > 0.01)
        machine.ran.clear()
        y, (dx, db) = with_gradients(lambda x, b: bias_act(x, b, activation, clamp=clamp), [x, bias], dy)
        if not is_compiled(machine, activation, clamp):
            assert machine.ran == []
            continue
        assert machine.ran == ["bias_act", "bias_act_gradient"]
        assert y.dtype == dtype and y.stride() == x.stride()
        expected, (expected_dx, expected_db) = exactly(lambda x, b: bias_act(x, b, activation, clamp=clamp), [x, bias], dy)
        assert_close(y, expected)
        assert_close(dx, expected_dx, terms=1 if activation in ("linear", "lrelu") else 2)
        assert_close(db, expected_db, terms=x.numel() // shape[1] + 1)


@pytest.mark.parametrize("clamp", [None, 1.0])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_derivatives_of_bias_act(machine, activation, clamp, last):
    x, bias = machine.double(2, 3, 2, 2, last=last), machine.double(3)
    for check in (gradcheck, gradgradcheck):
        assert check(lambda x, b: bias_act(x, b, activation, clamp=clamp, gain=1.3), (x, bias))
    assert ("bias_act_gradient" in machine.ran) == (machine.gpu or activation in ("linear", "lrelu"))


def test_bias_act_with_other_slopes_and_gains(machine):
    """Where the result does not tell the derivative, it is not asked to."""
    x, bias, dy = machine.randn(2, 3, 4, 5), machine.randn(3), machine.randn(2, 3, 4, 5)
    for alpha, gain in itertools.product((0.2, 0.0, -0.3, 1.5), (2**0.5, -2.0, 0.5)):
        def function(x, b):
            return bias_act(x, b, "lrelu", alpha=alpha, gain=gain)

        y, gradients = with_gradients(function, [x, bias], dy)
        expected, expected_gradients = exactly(function, [x, bias], dy)
        assert_close(y, expected)
        for gradient, expected in zip(gradients, expected_gradients):
            assert_close(gradient, expected, terms=41)


def test_what_bias_act_meets(machine):
    """Empty, one dimension, no bias, strided, starting in the middle, a bias with gaps, a gradient with steps of 0."""
    bias, wide = machine.randn(3), machine.randn(6)
    cases = [
        (machine.randn(0, 3, 4, 4), bias, 1), (machine.randn(3), bias, 0), (machine.randn(2, 5, 3), bias, 2), (machine.randn(2, 5, 3), bias, -1),
        (machine.randn(2, 3, 4, 4), None, 1), (machine.randn(2, 3, 4, 4, last=True), None, 1), (machine.randn(3, 2, 4, 4).transpose(0, 1), bias, 1),
        (machine.randn(2, 3, 8, 8)[..., ::2, 1:], bias, 1), (machine.randn(49)[1:].view(2, 3, 2, 4), bias, 1),
        (machine.randn(2, 3, 4, 4), wide[::2], 1), (machine.randn(2, 3, 4, 4).requires_grad_(), None, 1), (machine.randn(4, 3, 8, 8)[::2], bias, 1),
    ]
    for x, b, dim in cases:
        y = bias_act(x, b, "lrelu", dim=dim)
        with native.reference():
            assert_close(y, bias_act(x, b, "lrelu", dim=dim).double())
    x = machine.randn(2, 3, 4, 4, last=True).requires_grad_()
    bias_act(x, None, "lrelu").sum().backward()
    torch.testing.assert_close(x.grad, torch.where(x > 0, 2**0.5, 0.2 * 2**0.5))
    bias.requires_grad_()
    (alone,) = torch.autograd.grad(bias_act(x.detach(), bias, "lrelu").sum(), bias)
    assert alone.shape == (3,)
    assert len(machine.ran) > 10


def test_not_a_number_and_infinity_pass(machine):
    x = torch.tensor([float("nan"), float("inf"), -float("inf"), 0.0], device=machine.device)
    for dtype in machine.dtypes:
        assert bias_act(x.to(dtype), activation="lrelu").tolist()[1:] == [float("inf"), -float("inf"), 0]
        assert bias_act(x.to(dtype), activation="lrelu", clamp=2).tolist()[1:] == [2, -2, 0]
        assert bias_act(x.to(dtype), activation="lrelu", clamp=2)[0].isnan()
    assert len(machine.ran) == 3 * len(machine.dtypes)


# upfirdn2d: every direction, padding and kind of filter.

FILTERS = [setup_filter(), setup_filter([1, 2, 1]), setup_filter([1, -2, 3, 4, 2]), torch.tensor([[1.0, 3.0]]), torch.ones(1, 1)]
UNSEPARATED = torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 10]])
PADDINGS = [(0, 0, 0, 0), (2, 1, 2, 1), (1, 2, 3, 0), (-1, 2, 0, -1), (-1, -2, -2, 0), (5, 6, 7, 9)]


@pytest.mark.parametrize("down", [1, 2, 3])
@pytest.mark.parametrize("up", [1, 2, 3])
def test_upfirdn2d(machine, up, down, last):
    compared = 0
    for shape, padding, flip in itertools.product([(2, 3, 7, 9), (1, 32, 6, 5)], PADDINGS, (False, True)):
        for taps, dtype in zip([*FILTERS, UNSEPARATED] * 4, machine.dtypes * 6):
            x = machine.randn(*shape, dtype=dtype, last=last)

            def function(x, taps=taps.to(machine.device)):
                return upfirdn2d(x, taps, up, down, padding, flip, gain=1.75)

            if (up * shape[2] + padding[2] + padding[3] < len(taps)) or (up * shape[3] + padding[0] + padding[1] < taps.shape[1]):
                continue
            dy = machine.randn(*function(x).shape, dtype=dtype)
            machine.ran.clear()
            y, (dx,) = with_gradients(function, [x], dy)
            if not machine.ran:  # what the reference does itself has tests of its own
                continue
            expected, (expected_dx,) = exactly(function, [x], dy)
            size = float(taps.abs().sum()) * 10
            assert_close(y / size, expected / size)
            assert_close(dx / size, expected_dx / size)
            compared += 1
    assert compared > (200 if machine.gpu or last or up > 1 else 100)


@pytest.mark.parametrize("up, down", [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_derivatives_of_upfirdn2d(machine, up, down, last):
    x = machine.double(1, 2, 4, 3, last=last)
    for check in (gradcheck, gradgradcheck):
        assert check(lambda x: upfirdn2d(x, setup_filter([1, 2, 3, 4]).to(machine.device), up, down, (2, 1, 1, 2), gain=3), (x,))
    assert machine.ran


def test_what_upfirdn2d_meets(machine, last):
    taps = setup_filter().to(machine.device)
    cases = [machine.randn(0, 3, 4, 4), machine.randn(2, 3, 8, 8)[..., ::2, 1:], machine.randn(49)[1:].view(2, 3, 2, 4),
             machine.randn(3, 2, 4, 4).transpose(0, 1), machine.randn(1, 1, 1, 1), machine.randn(2, 20, 3, 70, last=last)]
    for x in cases:
        result = upsample2d(x, taps)
        with native.reference():
            assert_close(result, upsample2d(x, taps).double())
    x = machine.randn(1, 3, 4, 4, last=last).requires_grad_()
    upsample2d(x, taps).sum().backward()  # a gradient with steps of 0
    with native.reference():
        (expected,) = torch.autograd.grad(upsample2d(x, taps).sum(), x)
    assert_close(x.grad, expected.double())
    with pytest.raises(RuntimeError):
        upfirdn2d(machine.randn(1, 1, 2, 2), taps)  # the filter is larger than the image


def test_filters_that_are_outer_products():
    for taps in FILTERS:
        column, row = separated(taps)
        torch.testing.assert_close(torch.outer(torch.tensor(column), torch.tensor(row)), taps)
    assert separated(UNSEPARATED) is None and separated(torch.zeros(2, 2)) is None


def test_a_filter_that_is_learned_gets_its_gradient(machine):
    taps = machine.double(3, 3)
    assert gradcheck(lambda taps: upfirdn2d(machine.randn(1, 1, 4, 4, dtype=torch.float64).detach() * 0 + 1, taps, padding=(1, 1, 1, 1)), (taps,))


# scale_bias_act is compiled for GPUs; the CPU has passes of its own, stylegan2/ops/layer.py.


@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (2, 16, 4, 4), (1, 2, 40, 50)])
@pytest.mark.parametrize("noises", [0, 1, 2])
def test_scale_bias_act(machine, shape, noises, last):
    if not machine.gpu or noises > shape[0]:
        return
    for dtype, clamp in itertools.product(machine.dtypes, (None, 0.7)):
        small = torch.float64 if dtype == torch.float64 else torch.float32
        x, dy = machine.randn(*shape, dtype=dtype, last=last), machine.randn(*shape, dtype=dtype)
        vectors = [machine.randn(*shape[:2], dtype=small).abs() + 0.1, machine.randn(shape[1], dtype=small)]
        inputs = [x, *vectors, *[machine.randn(noises, 1, *shape[2:], dtype=small)] * (noises > 0)]

        def function(x, scale, bias, noise=None, clamp=clamp):
            return scale_bias_act(x * 1, scale, bias, noise, clamp)

        if clamp is not None:
            free, _ = exactly(lambda *inputs: function(*inputs, **{"clamp": None}), inputs, dy)
            dy = dy * ((free.abs() - clamp).abs() > 0.01)
        machine.ran.clear()
        y, gradients = with_gradients(function, inputs, dy)
        expected, expected_gradients = exactly(function, inputs, dy)
        assert machine.ran == ["scale_bias_act", "scale_bias_act_gradient"] and y.dtype == dtype
        assert_close(y, expected)
        assert_close(gradients[0], expected_gradients[0])
        for gradient, expected in zip(gradients[1:], expected_gradients[1:]):
            torch.testing.assert_close(gradient.double(), expected, rtol=1e-4, atol=1e-4)


def test_derivatives_of_scale_bias_act(machine, last):
    x, scale, bias, noise = machine.double(2, 3, 2, 2, last=last), machine.double(2, 3), machine.double(3), machine.double(1, 1, 2, 2)
    for check in (gradcheck, gradgradcheck):
        assert check(lambda x, s, b, n: scale_bias_act(x * 1, s.exp(), b, n, 2.0), (x, scale, bias, noise))
    assert scale_bias_act(x[:0].detach(), scale[:0].detach(), bias.detach()).shape == (0, 3, 2, 2)
    assert ("scale_bias_act_gradient" in machine.ran) == machine.gpu


# Together, and where C code has no business.


def test_a_gradient_penalty(machine):
    """R1, Mescheder et al. 2018, as the discriminator is trained with: second derivatives through all of it."""
    network = Discriminator(DiscriminatorConfig(resolution=16, channel_base=64, channel_max=8)).to(machine.device)
    images = machine.randn(4, 3, 16, 16).requires_grad_()

    def penalty():
        (gradient,) = torch.autograd.grad(network(images).sum(), images, create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), list(network.parameters()), materialize_grads=True)

    found = penalty()
    assert {"bias_act", "bias_act_gradient", "upfirdn2d"} <= set(machine.ran)
    with native.reference():
        expected = penalty()
    assert sum(bool(gradient.any()) for gradient in expected) > 5
    for gradient, reference in zip(found, expected):
        torch.testing.assert_close(gradient, reference, rtol=1e-3, atol=1e-4 * float(reference.abs().max()) + 1e-7)


def test_formats_that_differ_promote_as_ever(machine):
    x, bias = machine.randn(2, 3, dtype=torch.bfloat16), machine.randn(3)
    assert bias_act(x, bias, "lrelu").dtype == torch.float32 and machine.ran == []


def test_transformed_tensors_take_the_reference(machine, monkeypatch):
    x, taps = machine.randn(2, 3, 4, 4), setup_filter().to(machine.device)
    machine.ran.clear()

    def function(x):
        return bias_act(upfirdn2d(x, taps, padding=(2, 1, 2, 1)), None, "lrelu")

    value, tangent = torch.func.jvp(function, (x,), (torch.ones_like(x),))
    each = torch.func.vmap(lambda x: function(x[None])[0])(x)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.unpack_dual(function(torch.autograd.forward_ad.make_dual(x, torch.ones_like(x))))
    with monkeypatch.context() as compiling:
        compiling.setattr(torch.compiler, "is_compiling", lambda: True)
        graph = function(x)
    assert machine.ran == []
    for result in (value, each, dual.primal, graph):
        torch.testing.assert_close(result, function(x))
    torch.testing.assert_close(tangent, dual.tangent)
    assert tangent.abs().max() > 0 and machine.ran
