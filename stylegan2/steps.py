"""Steps in latent space: rows that are added to w+, or an offset of all styles. One way to make the pictures of either."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from stylegan2.style_space import num_styles

if TYPE_CHECKING:
    from stylegan2.synthesis import Synthesis


def is_style_step(synthesis: "Synthesis", step: Tensor) -> bool:
    """Whether a step is one of StyleSpace, [S] or [N, S], and not of W+, [L, D] or [N, L, D].

    Raises: ValueError: it is neither.
    """
    if step.shape[-2:] == (synthesis.num_ws, synthesis.w_dim) and step.ndim in (2, 3):
        return False
    if step.ndim in (1, 2) and step.shape[-1] == num_styles(synthesis):
        return True
    raise ValueError(f"a step has shape {list(step.shape)}; accepted: [{synthesis.num_ws}, {synthesis.w_dim}] in W+ or "
                     f"[{num_styles(synthesis)}] in StyleSpace, with or without a batch before it")


def edited(synthesis: "Synthesis", w_plus: Tensor, step: Tensor, **options: Any):
    """What `synthesis` returns for latents after a step: w_plus [N, L, D], step for all of them or one each.

    One latent with N steps, or N latents with one, make N pictures. options: those of `Synthesis.forward`; a `state` must
    lie below the first row that the step moves. Raises ValueError for a step of another generator.
    """
    if not is_style_step(synthesis, step):
        return synthesis(w_plus + step.to(w_plus), **options)
    offset = step.to(w_plus).reshape(-1, step.shape[-1])
    return synthesis(w_plus.expand(max(len(w_plus), len(offset)), -1, -1), style_offset=offset, **options)
