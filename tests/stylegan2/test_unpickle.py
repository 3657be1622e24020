"""Hostile files: each is refused with one sentence, nothing in it is run, and little memory is taken."""

from __future__ import annotations

import io
import os
import pickle
import re
import struct
import tracemalloc
import zipfile

import pytest
import torch

from packs.cli import describe
from stylegan2.checkpoints import inspect, load_discriminator, load_generator
from stylegan2.published.torch_files import MAGIC
from stylegan2.published.unpickle import MAX_STEPS
from tests.stylegan2.published_files import (
    Raw, at, by_hand, call, code, legacy_storage, module, name, networks, nvidia_pickle, persistent, storage, tensor)


class Evil:
    """Pickles as the call of a function."""

    def __init__(self, function, *arguments) -> None:
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.fixture
def canary(tmp_path, monkeypatch):
    """A file that the hostile ones would make; and no unpickler but ours may be asked."""
    monkeypatch.chdir(tmp_path)
    for owner, function in [(pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load")]:
        monkeypatch.setattr(owner, function, lambda *_, **__: pytest.fail("an unpickler that runs code was asked"))
    return tmp_path / "canary"


def refusal(path, data: bytes) -> str:
    """The sentence with which a file with this content is refused, by every function that reads it."""
    path.write_bytes(data)
    sentences = []
    for read in (load_generator, load_discriminator, inspect):
        with pytest.raises(ValueError) as caught:
            read(path)
        sentences.append(describe(caught.value))
    assert len(set(sentences)) == 1
    sentence = sentences[0]
    assert sentence.startswith(f"{path} ") and sentence.isprintable() and len(sentence) < 400
    return sentence.removeprefix(f"{path} ")


def test_the_canary_would_notice(tmp_path):
    """What follows proves something only if these attacks work on an unpickler that runs code."""
    target = tmp_path / "canary"
    pickle.loads(by_hand(call("os system", f"touch {target}")))
    assert target.exists()
    target.unlink()
    pickle.loads(pickle.dumps(Evil(eval, f"open({str(target)!r}, 'w')")))
    assert target.exists()


TOUCH = "touch canary"
ATTACKS = {
    "os.system": (by_hand(call("os system", TOUCH)), "names os.system"),
    "posix.system, by text on the stack": (by_hand("posix", "system", Raw(pickle.STACK_GLOBAL), (TOUCH,), Raw(pickle.REDUCE)), "names posix.system"),
    "eval, protocol 2": (pickle.dumps(Evil(eval, "open('canary', 'w')"), 2), "names __builtin__.eval"),
    "eval, protocol 5": (pickle.dumps(Evil(eval, "open('canary', 'w')"), 5), "names builtins.eval"),
    "eval, protocol 0": (pickle.dumps(Evil(eval, "open('canary', 'w')"), 0), "no network file"),
    "below a network": (by_hand({"G_ema": module("Generator", x=call("os system", TOUCH))}), "names os.system"),
    "getattr": (by_hand(call("builtins getattr", name("collections OrderedDict"), "fromkeys")), "names builtins.getattr"),
    "a dotted name": (by_hand(name("collections OrderedDict.__init__.__globals__")), r"names collections.OrderedDict.__init__.__globals__"),
    "a dotted module": (by_hand("torch_utils", "persistence.sys.modules", Raw(pickle.STACK_GLOBAL)), "names torch_utils.persistence.sys"),
    "the real rebuild function": (by_hand(call("torch._utils _rebuild_device_tensor_from_numpy", 1)), "names torch._utils._rebuild_device"),
    "a name in colour": (by_hand("os\x1b[31m\n", "system", Raw(pickle.STACK_GLOBAL)), r"names os\\x1b\[31m\\n.system"),
    "a long name": (by_hand("os", "s" * 5000, Raw(pickle.STACK_GLOBAL)), r"names os.s+\.\.\., which"),
    "an endless name": (b"\x80\x04c" + b"o" * 5000, "a name of more than"),
    "a name that is no text": (by_hand(1, (), Raw(pickle.STACK_GLOBAL)), "uses a number and a tuple as a name"),
    "INST": (b"\x80\x04(S'touch canary'\nios\nsystem\n.", "uses the pickle operation STRING"),
    "INST without text": (b"\x80\x04(ios\nsystem\n.", "uses the pickle operation INST"),
    "OBJ": (b"\x80\x04(" + name("collections OrderedDict") + b"o.", "uses the pickle operation OBJ"),
    "NEWOBJ_EX": (by_hand(name("collections OrderedDict"), (), {}, Raw(pickle.NEWOBJ_EX)), "uses the pickle operation NEWOBJ_EX"),
    "EXT1": (b"\x80\x02\x82\x01.", "uses the pickle operation EXT1"),
    "EXT2": (b"\x80\x02\x83\x01\x00.", "uses the pickle operation EXT2"),
    "EXT4": (b"\x80\x02\x84\x01\x00\x00\x00.", "uses the pickle operation EXT4"),
    "PERSID": (b"\x80\x02Pos.system\n.", "uses the pickle operation PERSID"),
    "BINPERSID": (by_hand("os.system", Raw(pickle.BINPERSID)), "uses a persistent id"),
    "BINPERSID of a storage": (by_hand(("storage", name("torch FloatStorage"), "0", "cpu", 1), Raw(pickle.BINPERSID)), "uses a persistent id"),
    "NEXT_BUFFER": (b"\x80\x05\x97.", "uses the pickle operation NEXT_BUFFER"),
    "LONG4": (b"\x80\x02\x8b\xff\xff\xff\x7f.", "uses the pickle operation LONG4"),
    "a number of 255 bytes": (b"\x80\x02\x8a\xff" + b"\1" * 255 + b".", "a whole number of 255 bytes"),
    "no operation": (b"\x80\x02\xff.", "a byte, ff, that is no pickle operation"),
    "protocol 9": (b"\x80\x09N.", "a pickle of protocol 9"),
    "the call of a storage": (by_hand(call("torch FloatStorage", 1 << 40)), "calls torch.FloatStorage, which nothing may call"),
    "the call of a text": (by_hand("os.system", (), Raw(pickle.REDUCE)), "calls a text"),
    "the call of a dict": (by_hand(call("collections OrderedDict"), (), Raw(pickle.REDUCE)), "calls a dict"),
    "a call with no arguments": (by_hand(name("collections OrderedDict"), 5, Raw(pickle.REDUCE)), "with a number in place of arguments"),
    "a dict of something": (by_hand(call("collections OrderedDict", [("a", 1)])), "makes a dict out of something"),
    "state of a name": (by_hand(name("collections OrderedDict"), {"__setstate__": 1}, Raw(pickle.BUILD)), "sets the state of a name"),
    "state of a list": (by_hand([], {"__class__": 1}, Raw(pickle.BUILD)), "sets the state of a list"),
    "state of a tensor": (by_hand(tensor(storage(torch.ones(1)), 0, (1,), (1,)), {"shape": 1}, Raw(pickle.BUILD)), "sets the state of an object"),
    "appending to a dict": (by_hand({}, 1, Raw(pickle.APPEND)), "appends to a dict"),
    "appending to a name": (by_hand(name("collections OrderedDict"), 1, Raw(pickle.APPEND)), "appends to a name"),
    "items of a list": (by_hand([], 0, 1, Raw(pickle.SETITEM)), "sets items of a list"),
    "half an item": (by_hand({}, Raw(pickle.MARK), 1, Raw(pickle.SETITEMS)), "sets items of a dict"),
    "a tuple as a key": (by_hand({(): 1}), "has a tuple as the key"),
    "an object scalar": (by_hand(call("numpy.core.multiarray scalar", call("numpy dtype", "O8", False, True), pickle.dumps(Evil(os.system, TOUCH)))),
                         "NumPy value of type O8"),
    "a scalar of another size": (by_hand(call("numpy.core.multiarray scalar", call("numpy dtype", "f8", False, True), b"1")), "no plain number"),
    "a scalar of no type": (by_hand(call("numpy.core.multiarray scalar", "f8", b"12345678")), "no plain number"),
    "a storage of no bytes": (by_hand(call("torch.storage _load_from_bytes", "os.system")), "a storage is not made of bytes"),
    "terabytes": (b"\x80\x04\x8e" + struct.pack("<Q", 1 << 42) + b"abc", "4398046511104 bytes are announced where 3 are left"),
    "exabytes": (b"\x80\x04\x8e" + struct.pack("<Q", (1 << 64) - 1) + b"abc", "18446744073709551615 bytes are announced"),
    "four gigabytes": (b"\x80\x04B\xff\xff\xff\xff.", "4294967295 bytes are announced"),
    "a long text": (b"\x80\x04\x8d" + struct.pack("<Q", 1 << 42) + b"abc", "more than 64 MiB of text"),
    "a text of 1 MiB": (b"\x80\x04X" + struct.pack("<I", 1 << 20) + b"abc", "1048576 bytes are announced"),
    "a large frame": (b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b"N", "ends early"),
    "a far memo": (by_hand([], Raw(pickle.LONG_BINPUT + b"\xff\xff\xff\xff")), "a pickle without G_ema"),
    "a memo of nothing": (b"\x80\x04h\x07.", "refers to something that it never made"),
    "a mark of nothing": (b"\x80\x04t.", "ends a list that it never began"),
    "nothing": (b"\x80\x04.", "asks for something that it never made"),
    "no UTF-8": (b"\x80\x04X\x01\0\0\0\xff.", "not UTF-8"),
    "a name that is no UTF-8": (b"\x80\x04c\xff\n\n.", "not UTF-8"),
    "twenty thousand lists": (b"\x80\x04" + b"]" * 20_000 + b"a" * 19_999 + b".", "a pickle without G_ema"),
    "twenty thousand tuples": (b"\x80\x04)" + b"\x85" * 20_000 + b".", "a pickle without G_ema"),
    "too many operations": (b"\x80\x04" + b"N" * MAX_STEPS + b".", "takes more than 1000000 operations"),
    "a tuple of 2^60 tuples": (b"\x80\x04)\x94" + b"".join(b"h%c" % i * 2 + b"\x86\x94" for i in range(60)) + b".", "a pickle without G_ema"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_pickles(canary, attack):
    data, expected = ATTACKS[attack]
    sentence = refusal(canary.with_name("network.pkl"), data)
    assert re.search(expected, sentence), sentence
    assert not canary.exists()


@pytest.mark.parametrize("attack", ["terabytes", "exabytes", "four gigabytes", "a long text", "a far memo", "a tuple of 2^60 tuples"])
def test_what_is_claimed_takes_no_memory(canary, attack):
    path = canary.with_name("network.pkl")
    path.write_bytes(ATTACKS[attack][0])
    tracemalloc.start()
    with pytest.raises(ValueError):
        load_generator(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6


def test_source_code_in_a_file_stays_text(canary):
    source = "open('canary', 'w')\n" * 50
    path = nvidia_pickle(canary.with_name("network.pkl"), G_ema=persistent(networks()[0], source))
    assert source.encode() in path.read_bytes()
    load_generator(path)
    assert inspect(path)["loadable"] and not canary.exists()


@pytest.mark.parametrize("inner, expected", [
    (by_hand(call("os system", TOUCH)), "not what torch.save writes"),
    (MAGIC + by_hand(1001) + by_hand({"little_endian": True}) + by_hand(call("os system", TOUCH)), "names os.system"),
    (MAGIC + by_hand(1001) + by_hand(call("os system", TOUCH)), "names os.system"),
    (MAGIC + by_hand(1001) + by_hand({"little_endian": False}) + by_hand(None) + by_hand([]), "of a processor, that is not known"),
    (MAGIC + by_hand(1002) + by_hand({"little_endian": True}) + by_hand(None) + by_hand([]), "a version of torch.save"),
    (MAGIC + by_hand(1001) + by_hand({"little_endian": True}) + by_hand(call("torch.storage _load_from_bytes", b"")) + by_hand([]), "where a storage should be"),
    (MAGIC + by_hand(1001) + by_hand({"little_endian": True}) + by_hand(("module", name("os system"), "x", "y"), Raw(pickle.BINPERSID)), "names os.system"),
    (MAGIC + by_hand(1001) + by_hand({"little_endian": True}) + by_hand(("module", "x"), Raw(pickle.BINPERSID)), "a persistent id that is no storage"),
    (MAGIC + b"N" * 2000, "takes more than 1000 operations"),
    (MAGIC, "ends early"),
    (legacy_storage(torch.ones(64))[:-1], "256 bytes are announced where 255 are left"),
])
def test_a_storage_that_is_something_else(canary, inner, expected):
    """The small file around each of NVIDIA's tensors can be as hostile as the large one."""
    generator = persistent(networks()[0])
    hostile = tensor(call("torch.storage _load_from_bytes", inner), 0, (8, 4, 4), (16, 4, 1))
    at(generator, "synthesis.b4")["_parameters"]["const"] = hostile
    path = nvidia_pickle(canary.with_name("network.pkl"), G_ema=generator)
    with pytest.raises(ValueError, match=expected):
        load_generator(path)
    report = inspect(path)
    assert not report["loadable"] and re.search(expected, report["networks"]["G_ema"]["reason"])
    assert not canary.exists()


@pytest.mark.parametrize("arguments, expected", [
    ((storage(torch.ones(8)), 1, (8,), (1,)), "announced"),
    ((storage(torch.ones(8)), 1 << 60, (8,), (1,)), "announced"),
    ((storage(torch.ones(8)), -1, (8,), (1,)), "shape or strides are none"),
    ((storage(torch.ones(8)), 0, (8,), (0,)), "leave gaps or overlap"),
    ((storage(torch.ones(8)), 0, (4,), (2,)), "leave gaps or overlap"),
    ((storage(torch.ones(8)), 0, (2, 4), (1, 1)), "leave gaps or overlap"),
    ((storage(torch.ones(8)), 0, (8,), (-1,)), "shape or strides are none"),
    ((storage(torch.ones(8)), 0, (8, 1 << 40), (0, 0)), "no weight is like that"),
    ((storage(torch.ones(8)), 0, (0, 1 << 62), (1, 1)), "no weight is like that"),
    ((storage(torch.ones(8)), 0, (1,) * 100, (1,) * 100), "no weight is like that"),
    ((storage(torch.ones(8)), 0, (8,), (1, 1)), "no weight is like that"),
    ((storage(torch.ones(8)), 0, [8], (1,)), "shape or strides are none"),
    ((storage(torch.ones(8)), 0, (True,), (1,)), "shape or strides are none"),
    ((storage(torch.ones(8)), 0, ("8",), (1,)), "shape or strides are none"),
    ((b"12345678", 0, (8,), (1,)), "shape or strides are none"),
    ((), "shape or strides are none"),
    ((storage(torch.ones(8, dtype=torch.int64)), 0, (8,), (1,)), "as int64; accepted: floating point"),
    ((storage(torch.full((8,), torch.nan)), 0, (8,), (1,)), "not finite"),
    ((storage(torch.full((8,), -torch.inf)), 0, (8,), (1,)), "not finite"),
    ((storage(torch.full((8,), 1e300, dtype=torch.float64)), 0, (8,), (1,)), "not finite"),
    ((storage(torch.ones(9)), 0, (9,), (1,)), r"of shape \[9\]; accepted: \[8\]"),
])
def test_tensors_that_do_not_fit(canary, arguments, expected):
    generator = persistent(networks()[0])
    at(generator, "mapping")["_buffers"]["w_avg"] = call("torch._utils _rebuild_tensor_v2", *arguments, False, {})
    path = nvidia_pickle(canary.with_name("network.pkl"), G_ema=generator)
    with pytest.raises(ValueError, match=expected):
        load_generator(path)


def crowd() -> Raw:
    """Modules that share one table of ten thousand parameters that are none."""
    table = code(dict.fromkeys(map(str, range(10_000))))
    first = module("X", _parameters=Raw(table + pickle.BINPUT + b"\1"))
    return code({str(i): module("X", _parameters=Raw(pickle.BINGET + b"\1")) if i else first for i in range(1000)})


def doubled() -> Raw:
    """Modules of which each is twice the child of the next."""
    nested = module("X")
    for level in range(60):
        twice = Raw(nested + pickle.BINPUT + b"\1")
        nested = module("Generator", _modules=Raw(
            pickle.EMPTY_DICT + pickle.MARK + code("a") + twice + code("b") + pickle.BINGET + b"\1" + pickle.SETITEMS))
    return nested


@pytest.mark.parametrize("network, expected", [
    (module("Generator", _modules=[]), "contents have no names"),
    (module("Generator", _modules={1: None}), "contents have no names"),
    (module("Generator", _modules={"synthesis": {}}), "synthesis, which is no module"),
    (module("Generator", _parameters={"w\n": {}}), r"w\\n, which is no tensor"),
    (module("Generator", _modules={str(i): module("X") for i in range(7000)}), "more modules or tensors in G_ema"),
    (module("Generator", _modules=crowd()), "more modules or tensors in G_ema"),
    (doubled(), "more modules or tensors in G_ema"),
    (module("Generator"), "blocks at none pixels"),
    (module("AugmentPipe"), "has a AugmentPipe as G_ema"),
    (module("Gen\x1berator"), r"has a Gen\\x1berator as G_ema"),
    (call("torch_utils.persistence _reconstruct_persistent_obj"), "has no class or no state"),
    (call("torch_utils.persistence _reconstruct_persistent_obj", {"class_name": 1, "state": {}}), "has no class or no state"),
])
def test_modules_that_are_none(canary, network, expected):
    path = canary.with_name("network.pkl")
    path.write_bytes(by_hand({"G_ema": network}))
    with pytest.raises(ValueError, match=expected):
        load_generator(path)


def test_a_module_that_is_its_own_child(canary):
    path, children, itself = canary.with_name("network.pkl"), Raw(pickle.BINGET + b"\1"), Raw(pickle.BINGET + b"\2")
    first = Raw(module("Generator", _modules=Raw(pickle.EMPTY_DICT + pickle.BINPUT + b"\1")) + pickle.BINPUT + b"\2")
    path.write_bytes(by_hand({"made": [first, Raw(children + code("a") + itself + pickle.SETITEM)], "G_ema": itself}))
    with pytest.raises(ValueError, match="more modules or tensors in G_ema"):
        load_generator(path)
