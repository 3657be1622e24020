"""What an edit does, in numbers: one protocol for every editor, the metrics, and the command that measures directions."""

import stylegan2  # noqa: F401 - before PyTorch: how its threads wait
