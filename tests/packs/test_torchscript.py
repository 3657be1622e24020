"""Archives of torch.jit read as data: the same tensors as torch itself finds, and nothing of what is in them ever runs."""

from __future__ import annotations

import io
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from packs.torchscript import read_torchscript

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning", "ignore:.*torch.jit.*:DeprecationWarning")


class Block(nn.Module):
    """Like those of CLIP: a parameter of its own, a child, a tensor that is no parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 2, bias=False)
        self.proj = nn.Parameter(torch.randn(5, 4).t())  # not contiguous
        self.register_buffer("input_resolution", torch.tensor(224))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv1(x).mean(dim=(2, 3)) @ self.proj


class Whole(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.visual, self.norm = Block(), nn.LayerNorm(5)
        self.logit_scale = nn.Parameter(torch.tensor(2.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.visual(x)) * self.logit_scale


def save(module: nn.Module, path: Path, trace: bool = True) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = torch.randn(1, 3, 4, 4, dtype=next(module.parameters()).dtype)
        made = torch.jit.trace(module, example) if trace else torch.jit.script(module)
        torch.jit.save(made, str(path))
    return path


@pytest.mark.parametrize("trace", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_the_tensors_are_those_of_the_module(trace: bool, dtype: torch.dtype, tmp_path: Path) -> None:
    module = Whole().to(dtype)
    found = read_torchscript(save(module, tmp_path / "clip.pt", trace))
    assert found.keys() == module.state_dict().keys()
    for name, tensor in module.state_dict().items():
        assert torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype, name
    assert found["visual.proj"].shape == (4, 5)


def rewrite(source: Path, target: Path, change: Callable[[dict[str, bytes]], None], **options: int) -> Path:
    """A copy of an archive with other entries."""
    with zipfile.ZipFile(source) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(target, "w", **options) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return target


def described(source: Path, target: Path, pickled: bytes, numbers: bytes = b"") -> Path:
    """A copy of an archive with another description of its objects, and other numbers in its first storage."""
    return rewrite(source, target, lambda entries: entries.update({"clip/data.pkl": pickled, "clip/data/0": numbers}))


def plain(value: object) -> bytes:
    """The pickle of a text, number or tuple, without its beginning and end."""
    return pickle.dumps(value, 2)[2:-1]


def module_of(**attributes: object) -> bytes:
    """The pickle of a module with these attributes, written by hand."""
    body = b"".join(plain(name) + (value if isinstance(value, bytes) else plain(value)) for name, value in attributes.items())
    return b"\x80\x02c__torch__\nWhole\n)\x81}(" + body + b"ub."


def tensor(key="0", length=1, offset=0, shape=(1,), stride=(1,), dtype=b"FloatStorage") -> bytes:
    """The pickle of a tensor, written by hand."""
    storage = b"(" + plain("storage") + b"ctorch\n" + dtype + b"\n" + plain(key) + plain("cpu") + plain(length) + b"tQ"
    view = plain(offset) + plain(shape) + plain(stride) + b"\x89ccollections\nOrderedDict\n)R"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + view + b"tR"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return save(Whole(), tmp_path / "clip.pt")


def refusal(path: Path) -> str:
    with pytest.raises(ValueError) as caught:
        read_torchscript(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_description_written_by_hand_is_read(archive: Path, tmp_path: Path) -> None:
    pickled = module_of(scale=tensor(length=1, shape=(), stride=()), other=3, name="x", none=None)
    path = described(archive, tmp_path / "hand.pt", pickled, b"\0\0\x20\x41")
    assert {name: value.item() for name, value in read_torchscript(path).items()} == {"scale": 10.0}


class Touch:
    """Writes a file when it is unpickled by an unpickler that trusts it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def hostile(tmp_path: Path) -> dict[str, bytes]:
    """Descriptions that would run something, by what they use."""
    return {
        "reduce": pickle.dumps(Touch(tmp_path / "ran"), 2),
        "system": b"\x80\x02cos\nsystem\nX\x05\x00\x00\x00false\x85R.",
        "eval": b"\x80\x02cbuiltins\neval\nX\x03\x00\x00\x001+1\x85R.",
        "torch": b"\x80\x02ctorch\nload\nX\x01\x00\x00\x00x\x85R.",
        "attribute": module_of(scale=b"c__builtin__\ngetattr\n(c__torch__\nWhole\nX\x07\x00\x00\x00__new__tR"),
        "jit": b"\x80\x02ctorch.jit._pickle\nrestore_type_tag\n)R.",
        "nested": module_of(child=b"cposix\nsystem\nX\x05\x00\x00\x00false\x85R"),
    }


@pytest.mark.parametrize("use", hostile(Path()))
def test_nothing_that_a_description_asks_for_is_run(use: str, archive: Path, tmp_path: Path) -> None:
    refusal(described(archive, tmp_path / "bad.pt", hostile(tmp_path)[use]))
    assert not (tmp_path / "ran").exists()


def test_the_code_of_an_archive_is_never_opened(archive: Path, tmp_path: Path) -> None:
    def change(entries: dict[str, bytes]) -> None:
        entries.update({name: b"import os; os.abort()" for name in entries if "/code/" in name})

    path = rewrite(archive, tmp_path / "code.pt", change)
    assert read_torchscript(path).keys() == Whole().state_dict().keys()


@pytest.mark.parametrize(
    "claim",
    [
        {"shape": (10,)}, {"offset": 5}, {"offset": -1}, {"shape": (-1,)}, {"stride": (-1,), "shape": (2,), "offset": 1}, {"shape": (1, 1)},
        {"length": 10**12, "shape": (10**12,)}, {"key": "9"}, {"key": "../version"}, {"length": 2}, {"dtype": b"DoubleStorage"},
        {"shape": (2**62, 2**62), "stride": (1, 1)},
    ],
)  # fmt: skip
def test_tensors_that_claim_what_is_not_there(claim: dict, archive: Path, tmp_path: Path) -> None:
    refusal(described(archive, tmp_path / "bad.pt", module_of(scale=tensor(**claim)), b"\0\0\x20\x41"))


def test_endless_descriptions(archive: Path, tmp_path: Path) -> None:
    deep = b"N"
    for _ in range(400):
        deep = b"c__torch__\nM\n)\x81}X\x01\x00\x00\x00a" + deep + b"sb"
    refusal(described(archive, tmp_path / "deep.pt", b"\x80\x02" + deep + b"."))
    twice = b"c__torch__\nM\n)\x81q\x00"  # a module that holds one twice, which holds one twice ...
    for level in range(40):
        inner = bytes([level])
        twice += b"c__torch__\nM\n)\x81}(X\x01\x00\x00\x00ah" + inner + b"X\x01\x00\x00\x00bh" + inner + b"ubq" + bytes([level + 1])
    refusal(described(archive, tmp_path / "twice.pt", b"\x80\x02" + twice + b"."))
    refusal(described(archive, tmp_path / "memo.pt", b"\x80\x02Nr\xff\xff\xff\xff."))
    itself = b"\x80\x02c__torch__\nM\n)\x81q\x00}X\x01\x00\x00\x00ah\x00sb."
    refusal(described(archive, tmp_path / "itself.pt", itself))


def test_what_is_no_archive(archive: Path, tmp_path: Path) -> None:
    data = archive.read_bytes()
    plain = io.BytesIO()
    torch.save({"a": torch.ones(1)}, plain)
    contents = {"empty": b"", "text": b"hello", "cut": data[: len(data) // 2], "flipped": data.replace(b"PK\x01\x02", b"PK\x01\x03")}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        refusal(tmp_path / name)
    refusal(rewrite(archive, tmp_path / "none.pt", lambda entries: entries.pop("clip/data.pkl")))
    refusal(rewrite(archive, tmp_path / "missing.pt", lambda entries: entries.pop("clip/data/0")))
    refusal(rewrite(archive, tmp_path / "packed.pt", lambda entries: None, compression=zipfile.ZIP_DEFLATED))
    refusal(described(archive, tmp_path / "stops.pt", module_of(scale=tensor())[:-20]))
    damaged = bytearray(data)
    with zipfile.ZipFile(archive) as opened:
        header = opened.getinfo("clip/data/0").header_offset
    name_length, extra_length = struct.unpack_from("<HH", data, header + 26)
    damaged[header + 30 + name_length + extra_length] ^= 1
    (tmp_path / "bit").write_bytes(damaged)
    assert "CRC" in refusal(tmp_path / "bit")
