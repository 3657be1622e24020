"""Speed and memory, one JSON line a benchmark: `python -m benchmarks.<name> --json`."""
