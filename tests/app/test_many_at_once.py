"""Several people at once in one real server: each sees their own face, their own edit and nobody else's, and the same as alone."""

from __future__ import annotations

import asyncio

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ButtonGroup_pb2 import ButtonGroup
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NumberInput_pb2 import NumberInput

from benchmarks.studio_client import Visitor
from benchmarks.studio_load import studio, together


@pytest.mark.slow
def test_nobody_sees_what_another_one_edits(runs, make_direction, tiny_pack):
    for prompt in ("a person with curly hair", "a person with glasses", "a person with a hat"):
        make_direction(prompt)
    with studio(runs, ECLIPSED_PACK=str(tiny_pack)) as (port, pid):
        seen = asyncio.run(together(port, pid, sessions=3, moves=12, pause=0.0, training=False))
    assert seen.mixed == []
    assert len(seen.moves) == 12 and len(set(seen.pictures.values())) == len(seen.pictures) == 12


def test_a_mix_up_would_be_seen():
    from types import SimpleNamespace

    from benchmarks.studio_load import Seen, check

    seen, visitor = Seen(), SimpleNamespace(picture={"alt": "The face of seed 3 with curly hair +0.50", "after": "a"}, errors=[])
    check(visitor, (3, "add-curls", 0.5), seen)
    assert seen.mixed == []
    check(visitor, (4, "add-curls", 0.5), seen)
    check(visitor, (3, "add-curls", 1.0), seen)
    visitor.picture = {**visitor.picture, "after": "b"}
    check(visitor, (3, "add-curls", 0.5), seen)
    assert len(seen.mixed) == 3 and "another picture than before" in seen.mixed[2]


class Server:
    """Answers what it is told to, one list of messages for each that it gets."""

    def __init__(self, *answers: list[ForwardMsg]) -> None:
        self.received: list[BackMsg] = []
        self._answers = iter(answers)

    async def send(self, data: bytes) -> None:
        self.received.append(BackMsg.FromString(data))

    async def __aiter__(self):
        for message in next(self._answers):
            yield message.SerializeToString()

    def reported(self) -> dict:
        """The states that came last, by the key at the end of their name."""
        found = self.received[-1].rerun_script.widget_states.widgets
        return {state.id.rpartition("-")[2]: getattr(state, state.WhichOneof("value")) for state in found}


def drawn(kind: str, key: str, **fields: object) -> ForwardMsg:
    message = ForwardMsg()
    proto = getattr(message.delta.new_element, kind)
    proto.id = f"$$ID-0-{key}"
    for name, value in fields.items():
        if isinstance(value, list):
            getattr(proto, name).extend(value)
        else:
            setattr(proto, name, value)
    return message


FINISHED = ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY)


def test_a_visitor_reports_widgets_that_nobody_has_touched_as_a_browser_does():
    """Streamlit forgets a widget of which nothing is reported, and the callback of a button that reads it ends in an error."""
    pills = [ButtonGroup.Option(content="hair"), ButtonGroup.Option(content="nose")]
    page = [drawn("number_input", "steps", data_type=NumberInput.INT, default=120), drawn("slider", "localization", default=[0.25]),
            drawn("button_group", "parts", options=pills, default=[1]), drawn("checkbox", "shown", value=True, set_value=True),
            drawn("button", "learn")]
    set_anew = drawn("number_input", "steps", data_type=NumberInput.INT, default=120, value=7, set_value=True)
    server = Server([*page, FINISHED], [set_anew, FINISHED], [FINISHED])
    visitor = Visitor(server)
    asyncio.run(visitor.open())
    asyncio.run(visitor.press("learn"))
    told = server.reported()
    assert told["steps"] == 120 and list(told["localization"].data) == [0.25] and list(told["parts"].data) == ["nose"] and told["shown"]
    asyncio.run(visitor.open())
    assert {name: told for name, told in server.reported().items() if name != "learn"} == {"steps": 7}, "a state of what the page no longer shows"


def test_a_widget_that_is_missing_is_named_with_what_the_page_complained_of():
    broken = ForwardMsg()
    broken.delta.new_element.exception.message = "no key 'localization'"
    visitor = Visitor(Server([broken, FINISHED]))
    asyncio.run(visitor.open())
    with pytest.raises(LookupError, match="shows no 'seed', it shows nothing; no key 'localization'"):
        visitor.widget("seed")
