"""The drawn world: faces whose masks, attributes and captions are known exactly."""

import stylegan2  # noqa: F401 - before PyTorch: how its threads wait
