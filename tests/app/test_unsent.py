"""What reaches the browser where one run begins before all of the one before it was sent."""

from __future__ import annotations

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import app_session

from app.unsent import WholeQueue, send_all

FINISHED, EARLY = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY, ForwardMsg.FINISHED_EARLY_FOR_RERUN


def drawn(text: str, fragment: str = "stage", place: int = 0) -> ForwardMsg:
    """A message that draws a text."""
    message = ForwardMsg()
    message.metadata.delta_path.extend([0, place])
    message.delta.fragment_id = fragment
    message.delta.new_element.markdown.body = text
    return message


def finished() -> ForwardMsg:
    return ForwardMsg(script_finished=FINISHED)


def sent(queue: WholeQueue) -> list[str | int]:
    return [message.script_finished if message.HasField("script_finished") else message.delta.new_element.markdown.body for message in queue.flush()]


@pytest.fixture
def queue() -> WholeQueue:
    """A queue with a whole run of the fragment "stage", of which nothing was sent."""
    queue = WholeQueue()
    for message in (drawn("one picture"), drawn("tools", place=1), finished()):
        queue.enqueue(message)
    return queue


@pytest.mark.parametrize("begins", ["feed", "stage"])
def test_a_run_that_has_ended_has_ended_though_another_begins(queue: WholeQueue, begins: str) -> None:
    """As an early end, the browser would keep the second picture that this run no longer drew."""
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[begins])
    assert sent(queue) == ["one picture", "tools", FINISHED]


def test_messages_of_two_runs_are_not_merged(queue: WholeQueue) -> None:
    """The first would come with what the second has drawn, before the browser knows of the second."""
    queue.enqueue(drawn("another picture"))
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["stage"])
    queue.enqueue(drawn("a third"))
    queue.enqueue(drawn("a fourth"))
    assert sent(queue) == ["another picture", "tools", FINISHED, "a fourth"]


def test_a_run_of_the_page_takes_the_place_of_all(queue: WholeQueue) -> None:
    queue.clear(retain_lifecycle_msgs=True)
    assert sent(queue) == [EARLY]
    queue.enqueue(drawn("new"))
    assert sent(queue) == ["new"] and queue.is_empty()


def test_the_server_gives_each_session_such_a_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_session, "ForwardMsgQueue", app_session.ForwardMsgQueue)
    send_all()
    assert app_session.ForwardMsgQueue is WholeQueue
