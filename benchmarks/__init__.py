"""Speed and memory, one JSON line a benchmark: `python -m benchmarks.<name> --json`."""

import stylegan2  # noqa: F401 - before PyTorch: how its threads wait
