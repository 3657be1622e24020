"""The drawn world: faces whose masks, attributes and captions are known exactly."""
