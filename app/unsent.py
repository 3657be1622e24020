"""What a run of a fragment has not sent yet is sent all the same, when the next run begins.

Streamlit collects what a run draws and sends it some milliseconds later. If another fragment's run begins in between (a press is followed by
the feed, or the clock of a job ticks), it takes the end of the first run for an early one, though all that it drew is sent: the browser then
keeps what that run no longer drew, such as a second picture, until the fragment is drawn again. And of the fragment that begins, it forgets
what was drawn but not sent, with the places in it that other fragments draw in. Sent one after the other, all of it is right; only messages
of different runs must not be merged. A run of the whole page draws everything anew, so there Streamlit's own way stays.
"""

from __future__ import annotations

from collections.abc import Sequence

from streamlit.runtime.forward_msg_queue import ForwardMsgQueue


class WholeQueue(ForwardMsgQueue):
    """Streamlit's queue of messages to a browser, which forgets nothing where the run of a fragment begins."""

    def clear(self, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: Sequence[str] | None = None) -> None:
        """As Streamlit's for a run of the page, or for good; for a run of fragments, only the merging of messages begins anew."""
        if retain_lifecycle_msgs and fragment_ids_this_run:
            self._delta_index_map = {}
        else:
            super().clear(retain_lifecycle_msgs, fragment_ids_this_run)


def send_all() -> None:
    """From now on each new visitor's session has such a queue."""
    from streamlit.runtime import app_session  # the server's, which a test of pages does not start

    app_session.ForwardMsgQueue = WholeQueue
