"""The systems to compare with, a folder a paper. Own implementations of what the papers say."""

import stylegan2  # noqa: F401 - before PyTorch: how its threads wait
