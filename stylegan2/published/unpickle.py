"""Pickles read as data: nothing that a file names is imported, and nothing that it asks for is called.

Python's own unpickler is a program that the file writes: it imports any name, calls what it finds there, sets attributes,
and allocates whatever length is claimed. This one is a stack machine that knows only the operations that saved networks
consist of and can build only None, numbers, texts, tuples, lists and dicts. A name in the file is looked up, as text, in
a short table of our own functions; any other name, and any other operation, is refused by name.

Byte strings, where the weights are, are not read but become an `Extent`, the place in the file where they lie. So the
gigabyte of networks that nobody asked for costs nothing, and a length that the file does not have is seen before memory is.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pickletools import code2op
from typing import Any

from stylegan2.published.extents import Extent, Reader, shown

MAX_STEPS = 1_000_000  # operations; a 1024-pixel G, D and G_ema take 40,445
MAX_TEXT = 1 << 26  # characters in all; NVIDIA's files quote 40,000 characters of their own source code

NUMBERS = {pickle.BININT: "<i", pickle.BININT1: "<B", pickle.BININT2: "<H", pickle.BINFLOAT: ">d"}
TEXTS = {pickle.SHORT_BINUNICODE: "<B", pickle.BINUNICODE: "<I", pickle.BINUNICODE8: "<Q"}
BYTES = {pickle.SHORT_BINBYTES: "<B", pickle.BINBYTES: "<I", pickle.BINBYTES8: "<Q"}
CONSTANTS = {pickle.NONE: None, pickle.NEWTRUE: True, pickle.NEWFALSE: False, pickle.EMPTY_TUPLE: ()}
CONTAINERS = {pickle.EMPTY_LIST: list, pickle.EMPTY_DICT: dict, pickle.EMPTY_SET: list}
TUPLES = {pickle.TUPLE1: 1, pickle.TUPLE2: 2, pickle.TUPLE3: 3}
PUTS = {pickle.BINPUT: "<B", pickle.LONG_BINPUT: "<I"}
GETS = {pickle.BINGET: "<B", pickle.LONG_BINGET: "<I"}


class UnknownName(ValueError):
    """A file names a class or function that is not admitted."""

    def __init__(self, name: str) -> None:
        super().__init__(f"names {shown(name)}, which no network is made of; nothing in the file was run")
        self.name = name


@dataclass(frozen=True)
class Name:
    """A name that is admitted, and the function of ours that stands for calling it; None if it is only ever mentioned."""

    text: str
    make: Callable[[tuple], Any] | None


class Record:
    """Stands for an object of the file's; what it would have set on itself is dropped."""


class Machine:
    """Reads one pickle.

    Args:
        reader: stands at the pickle's first byte, and after `run` behind its last.
        admitted: for each full name that the file may use, what stands for a call of it: a function of ours from
            the tuple of arguments to plain data, or None for what may be mentioned but not called.
        persistent: what stands for a persistent id; None where the file may use none.
        steps: operations that it may take.
    """

    def __init__(
        self,
        reader: Reader,
        admitted: Mapping[str, Callable[[tuple], Any] | None],
        persistent: Callable[[Any], Any] | None = None,
        steps: int = MAX_STEPS,
    ) -> None:
        self.reader, self.admitted, self.persistent, self.steps = reader, admitted, persistent, steps
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []  # the stacks below the marks
        self.memo: dict[int, Any] = {}
        self.text = 0

    def run(self) -> Any:
        """The value that the pickle holds. Raises ValueError that says what it holds instead."""
        for _ in range(self.steps):
            code = self.reader.read(1)
            if code == pickle.STOP:
                return self._pop()
            self._step(code)
        raise ValueError(f"takes more than {self.steps} operations to read, which no network does")

    def _step(self, code: bytes) -> None:
        if code in GETS:
            self.stack.append(self._remembered(self.reader.number(GETS[code])))
        elif code in PUTS:
            self.memo[self.reader.number(PUTS[code])] = self._top()
        elif code in NUMBERS:
            self.stack.append(self.reader.number(NUMBERS[code]))
        elif code in TEXTS:
            self.stack.append(self._text(self.reader.number(TEXTS[code])))
        elif code in BYTES:
            self.stack.append(self.reader.extent_of(self.reader.number(BYTES[code])))
        elif code in CONSTANTS:
            self.stack.append(CONSTANTS[code])
        elif code in CONTAINERS:
            self.stack.append(CONTAINERS[code]())
        elif code in TUPLES:
            self.stack.append(tuple([self._pop() for _ in range(TUPLES[code])][::-1]))
        elif code in OPERATIONS:
            OPERATIONS[code](self)
        else:
            known = code2op.get(code.decode("latin-1"))
            what = f"the pickle operation {known.name}" if known else f"a byte, {code.hex()}, that is no pickle operation"
            raise ValueError(f"uses {what}, which no network needs; nothing in the file was run")

    def _top(self) -> Any:
        if not self.stack:
            raise ValueError("is damaged: its pickle asks for something that it never made")
        return self.stack[-1]

    def _pop(self) -> Any:
        self._top()
        return self.stack.pop()

    def _remembered(self, index: int) -> Any:
        if index not in self.memo:
            raise ValueError("is damaged: its pickle refers to something that it never made")
        return self.memo[index]

    def _text(self, length: int) -> str:
        self.text += length
        if self.text > MAX_TEXT:
            raise ValueError(f"holds more than {MAX_TEXT >> 20} MiB of text, which no network does")
        try:
            return self.reader.read(length).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise ValueError("is damaged: a text in its pickle is not UTF-8") from None

    def _since_mark(self) -> list[Any]:
        if not self.marks:
            raise ValueError("is damaged: its pickle ends a list that it never began")
        items, self.stack = self.stack, self.marks.pop()
        return items

    # The operations that are more than a value on the stack.

    def _protocol(self) -> None:
        version = self.reader.number("<B")
        if not 2 <= version <= 5:
            raise ValueError(f"is a pickle of protocol {version}; accepted: 2 to 5")

    def _frame(self) -> None:
        self.reader.number("<Q")  # how far a reader may read ahead; this one need not know

    def _long(self) -> None:
        length = self.reader.number("<B")
        if length > 9:
            raise ValueError(f"uses a whole number of {length} bytes, which no network needs")
        self.stack.append(int.from_bytes(self.reader.read(length), "little", signed=True))

    def _mark(self) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def _tuple(self) -> None:
        items = self._since_mark()
        self.stack.append(tuple(items))

    def _memoize(self) -> None:
        self.memo[len(self.memo)] = self._top()

    def _append(self) -> None:
        self._extend([self._pop()])

    def _appends(self) -> None:
        self._extend(self._since_mark())

    def _extend(self, items: list[Any]) -> None:
        target = self._top()
        if type(target) is not list:
            raise ValueError(f"appends to {_kind(target)}, only lists are appended to")
        target.extend(items)

    def _set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._update([key, value])

    def _set_items(self) -> None:
        self._update(self._since_mark())

    def _update(self, pairs: list[Any]) -> None:
        target = self._top()
        if type(target) is not dict or len(pairs) % 2:
            raise ValueError(f"sets items of {_kind(target)}, only those of dicts are set, in pairs")
        for key, value in zip(pairs[::2], pairs[1::2]):
            if type(key) not in (str, int):  # hashing a tuple of tuples can take forever
                raise ValueError(f"has {_kind(key)} as the key of a dict; accepted: text and whole numbers")
            target[key] = value

    def _global(self) -> None:
        try:
            module, name = self.reader.line(), self.reader.line()
        except UnicodeDecodeError:
            raise ValueError("is damaged: a name in its pickle is not UTF-8") from None
        self.stack.append(self._admit(module, name))

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        self.stack.append(self._admit(module, name))

    def _admit(self, module: Any, name: Any) -> Name:
        if type(module) is not str or type(name) is not str:
            raise ValueError(f"uses {_kind(module)} and {_kind(name)} as a name, only text is one")
        text = f"{module}.{name}"
        if text not in self.admitted:
            raise UnknownName(text)
        return Name(text, self.admitted[text])

    def _call(self) -> None:
        """REDUCE and NEWOBJ."""
        arguments, name = self._pop(), self._pop()
        if type(name) is not Name or name.make is None:
            raise ValueError(f"calls {shown(name.text) if type(name) is Name else _kind(name)}, which nothing may call")
        if type(arguments) is not tuple:
            raise ValueError(f"calls {name.text} with {_kind(arguments)} in place of arguments")
        self.stack.append(name.make(arguments))

    def _build(self) -> None:
        """An object's own state. Dicts of ours stand for ordered dicts, whose state says nothing about weights."""
        self._pop()
        if not isinstance(self._top(), (Record, dict)):
            raise ValueError(f"sets the state of {_kind(self._top())}, which has none")

    def _persistent(self) -> None:
        if self.persistent is None:
            raise ValueError("uses a persistent id, which NVIDIA's networks do not; nothing in the file was run")
        self.stack.append(self.persistent(self._pop()))


OPERATIONS: dict[bytes, Callable[[Machine], None]] = {
    pickle.PROTO: Machine._protocol,
    pickle.FRAME: Machine._frame,
    pickle.LONG1: Machine._long,
    pickle.MARK: Machine._mark,
    pickle.TUPLE: Machine._tuple,
    pickle.MEMOIZE: Machine._memoize,
    pickle.APPEND: Machine._append,
    pickle.APPENDS: Machine._appends,
    pickle.ADDITEMS: Machine._appends,
    pickle.SETITEM: Machine._set_item,
    pickle.SETITEMS: Machine._set_items,
    pickle.GLOBAL: Machine._global,
    pickle.STACK_GLOBAL: Machine._stack_global,
    pickle.REDUCE: Machine._call,
    pickle.NEWOBJ: Machine._call,
    pickle.BUILD: Machine._build,
    pickle.BINPERSID: Machine._persistent,
}


def _kind(value: Any) -> str:
    """What a value is, in words."""
    words = {type(None): "nothing", bool: "a truth value", int: "a number", float: "a number", str: "a text", tuple: "a tuple",
             list: "a list", dict: "a dict", Extent: "a byte string", Name: "a name"}
    return words.get(type(value), "an object")
