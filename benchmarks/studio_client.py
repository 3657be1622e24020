"""A visitor of the studio without a browser: speaks Streamlit's protocol over a WebSocket, sees what is drawn, moves sliders.

A browser of its own for each of eight visitors would cost more than the server that is to be measured. As a browser does,
it reports the state of every widget that it shows, touched or not: Streamlit forgets a widget of which nothing is reported,
and what a button does may need it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import DoubleArray, StringArray
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

PICTURE, SLIDER = "picture", "slider"
MAX_MESSAGE = 64 * 2**20


@dataclass
class Shown:
    """An element that the page shows: where its changes are answered, and for a component the data that it got."""

    id: str
    fragment: str
    data: dict = field(default_factory=dict)


class Visitor:
    """One session. `elements` are those with a state, by the end of their id, which is the key that the page gave them."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._states: dict[str, WidgetState] = {}
        self.components: dict[str, list[Shown]] = {}
        self.widgets: dict[str, Shown] = {}
        self.errors: list[str] = []
        self._revision = 0

    async def open(self, page: str = "") -> None:
        """Load a page, as a browser does first."""
        await self._run("", page)

    @property
    def picture(self) -> dict:
        """What the picture shows: `after` (a data URL), `alt`, `revision` ..."""
        return self.components[PICTURE][-1].data

    def widget(self, key: str) -> Shown:
        """The widget with this key. Raises LookupError if the page shows none."""
        found = [shown for name, shown in self.widgets.items() if name.endswith(f"-{key}")]
        if not found:
            shown = ", ".join(sorted(name.split("-", 2)[-1] for name in self.widgets))[:400] or "nothing"
            raise LookupError("; ".join([f"the page shows no {key!r}, it shows {shown}", *self.errors[-1:]]))
        return found[-1]

    async def set(self, key: str, **value: object) -> None:
        """Change a widget: `set("seed", int_value=7)`."""
        shown = self.widget(key)
        self._states[shown.id] = WidgetState(id=shown.id, **value)
        await self._run(shown.fragment)

    async def press(self, key: str) -> None:
        """Press a button."""
        shown = self.widget(key)
        await self._run(shown.fragment, pressed=WidgetState(id=shown.id, trigger_value=True))

    async def move(self, alpha: float) -> float:
        """Drag the slider of the last edit to `alpha` and let go; returns the seconds until the exact picture is there."""
        slider, self._revision = self.components[SLIDER][-1], self._revision + 1
        released = json.dumps({"released": {"point": [alpha], "revision": self._revision}})
        self._states[slider.id] = WidgetState(id=slider.id, json_value=released)
        start = time.perf_counter()
        arrived = await self._run(slider.fragment, until=self._revision)
        return arrived - start

    async def _run(self, fragment: str, page: str = "", pressed: WidgetState | None = None, until: int | None = None) -> float:
        """Have the page drawn, or a fragment of it; returns when the picture of revision `until` came, or all was drawn."""
        message = BackMsg()
        message.rerun_script.page_name, message.rerun_script.fragment_id = page, fragment
        message.rerun_script.widget_states.widgets.extend([*self._states.values(), *([pressed] if pressed else [])])
        if not fragment:
            self.widgets.clear()
            self.components.clear()
        await self._socket.send(message.SerializeToString())
        arrived = None
        async for data in self._socket:
            answer = ForwardMsg.FromString(data)
            self._take(answer)
            if arrived is None and until is not None and answer.HasField("delta") and self.components.get(PICTURE) and self.picture.get("revision") == until:
                arrived = time.perf_counter()
            if answer.HasField("script_finished") and answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                if not fragment:
                    self._forget_the_unseen()
                return arrived or time.perf_counter()
        raise ConnectionError("the server closed the session")

    def _forget_the_unseen(self) -> None:
        """Keep the states of what the whole page shows, and no others: a widget that comes back later begins anew."""
        seen = {*self.widgets, *(shown.id for found in self.components.values() for shown in found)}
        self._states = {name: state for name, state in self._states.items() if name in seen}

    def _take(self, answer: ForwardMsg) -> None:
        """Remember what an answer shows."""
        if not answer.HasField("delta") or answer.delta.WhichOneof("type") != "new_element":
            return
        element, fragment = answer.delta.new_element, answer.delta.fragment_id
        kind = element.WhichOneof("type")
        proto = getattr(element, kind)
        if kind == "exception":
            self.errors.append(proto.message)
        if kind == "alert" and proto.format == proto.ERROR:
            self.errors.append(proto.body)
        if kind == "bidi_component":
            name = proto.component_name.rpartition("eclipsed_")[2]
            shown = Shown(proto.id, fragment, json.loads(proto.mixed.json or proto.json or "{}"))
            self.components[name] = [other for other in self.components.get(name, []) if other.id != proto.id] + [shown]
        elif getattr(proto, "id", ""):
            self.widgets[proto.id] = Shown(proto.id, fragment)
            if kind in REPORTED and (proto.set_value or proto.id not in self._states):
                self._states[proto.id] = WidgetState(id=proto.id, **REPORTED[kind](proto))


async def visit(port: int) -> Visitor:
    """A new visitor on the edit page of the server at this port of this machine."""
    socket = await connect(f"ws://localhost:{port}/_stcore/stream", subprotocols=["streamlit"], max_size=MAX_MESSAGE, open_timeout=60, ping_timeout=None)
    visitor = Visitor(socket)
    await asyncio.wait_for(visitor.open(), 600)
    return visitor


# --- what a browser reports of a widget that it has just made, or whose value the server has just set ------------------


def _number(proto) -> dict:
    value = proto.value if proto.set_value else proto.default
    return {"int_value": int(value)} if proto.data_type == proto.INT else {"double_value": value}


def _plain(field: str) -> Callable:
    return lambda proto: {field: proto.value if proto.set_value else proto.default}


def _slider(proto) -> dict:
    return {"double_array_value": DoubleArray(data=proto.value if proto.set_value else proto.default)}


def _choices(proto) -> dict:
    """Pills, a segmented control, or a field for several: by their words, not their places."""
    options = [getattr(option, "content", option) for option in proto.options]
    return {"string_array_value": StringArray(data=proto.raw_values if proto.set_value else [options[place] for place in proto.default])}


REPORTED = {"number_input": _number, "text_input": _plain("string_value"), "checkbox": _plain("bool_value"), "slider": _slider,
            "button_group": _choices, "multiselect": _choices}
