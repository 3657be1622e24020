"""What a pack's attribute classifier can be asked: its attributes, which of them a text is about, and which belong together.

The classifier was taught by the drawn world, which knows all of that; this is the door through which others ask.
"""

from __future__ import annotations

from portraits.asked import asked_attributes
from portraits.scene import ATTRIBUTES
from portraits.side_effects import bound, others

__all__ = ["ATTRIBUTES", "asked_attributes", "bound", "others"]
