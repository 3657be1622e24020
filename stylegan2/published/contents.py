"""What is inside the published network files, in our names: NVIDIA's pickles and rosinality's state dicts.

Our parameters are called as NVIDIA's are. rosinality's are turned into them in `rosinality.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from stylegan2.config import GeneratorConfig
from stylegan2.published import rosinality
from stylegan2.published.extents import Extent, Reader, shown
from stylegan2.published.torch_files import ADMITTED, MAGIC, StoredTensor, new_dict, read_legacy, read_zip
from stylegan2.published.unpickle import Machine, Record, UnknownName

MAX_PARTS = 20_000  # modules and tensors of one network; at 1024 pixels G has 500
MAX_PATH = 300  # characters of a module's full name
ROLES = ("G_ema", "G", "D")  # the averaged generator, the one in training, and the discriminator
PERSISTENT = "torch_utils.persistence._reconstruct_persistent_obj"
CONVERT = ("convert it with NVIDIA's own legacy.py (in NVlabs/stylegan2-ada-pytorch: python legacy.py --source=OLD.pkl --dest=NEW.pkl),"
           " which does run what is in it")
SIGNATURES = {
    b"\x89PNG": "a PNG picture", b"\xff\xd8\xff": "a JPEG picture", b"\x89HDF": "an HDF5 file", b"\x1f\x8b": "a gzip file, to be unpacked first",
    b"\x93NUMPY": "a NumPy array", b"version https://git-lfs": "a Git LFS pointer, not the file that it points to",
    b"<": "a web page or other markup, perhaps an error message saved under this name",
}
ACCEPTED = "accepted: NVIDIA's StyleGAN2 .pkl, rosinality's .pt, our .safetensors"


@dataclass
class Network:
    """One network of a file: its tensors under our names, unread, and what the file says of its modules.

    tensors: each has a `shape` and `read()`.
    modules: attributes by module path; empty where a file holds tensors only.
    name: the class of the whole, where the file says it.
    config: where a file says it; else it follows from the shapes.
    filter_sum: what the numbers of a resampling filter add up to in this kind of file.
    missing: how the names end that this kind of file may lack.
    """

    role: str
    tensors: dict[str, StoredTensor]
    modules: dict[str, dict[str, Any]] = field(default_factory=dict)
    name: str | None = None
    config: GeneratorConfig | None = None
    filter_sum: float = 1.0
    missing: tuple[str, ...] = ()


@dataclass
class Contents:
    """A published file: what kind it is, and a way to each network, by role."""

    kind: str
    networks: dict[str, Callable[[], Network]]


def read_contents(file: BinaryIO) -> Contents:
    """Recognise an open file and find the networks in it; weights are not read yet.

    Raises: ValueError: a sentence that goes on from the file's name, "is ..." or "holds ...".
    """
    extent = Extent(file, 0, file.seek(0, 2))
    start = extent.part(0, min(64, extent.length)).read()
    if not start:
        raise ValueError(f"is empty; {ACCEPTED}")
    if start.startswith(b"PK\3\4"):
        return _state_dicts("rosinality's, in PyTorch's zip format", read_zip(extent))
    if start.startswith(MAGIC):
        return _state_dicts("rosinality's, in PyTorch's legacy format", read_legacy(extent))
    if start.startswith(b"\x80"):
        return _nvidia(extent)
    what = next((name for signature, name in SIGNATURES.items() if start.lstrip().startswith(signature)), "no network file")
    raise ValueError(f"is {what}; {ACCEPTED}")


class Module(Record):
    """A module of NVIDIA's: the class's name and the attributes. The source code that came with it is left where it is."""

    def __init__(self, arguments: tuple) -> None:
        meta = arguments[0] if arguments and type(arguments[0]) is dict else {}
        self.name, self.state = meta.get("class_name"), meta.get("state")
        if type(self.name) is not str or type(self.state) is not dict:
            raise ValueError("is damaged: a module in it has no class or no state")


def _nvidia(extent: Extent) -> Contents:
    """A pickle of stylegan2-ada-pytorch or of the stylegan3 repository."""
    admitted = {**ADMITTED, "dnnlib.util.EasyDict": new_dict, PERSISTENT: Module}
    try:
        value = Machine(Reader(extent), admitted).run()
    except UnknownName as error:
        if error.name.startswith(("dnnlib.tflib", "tfutil", "network.")):
            raise ValueError(f"holds TensorFlow networks of NVIDIA's ({shown(error.name)}); {CONVERT}") from None
        raise
    value = {"G_ema": value} if type(value) is Module else value
    found = {role: value[role] for role in ROLES if type(value.get(role)) is Module} if type(value) is dict else {}
    if not found:
        raise ValueError("is a pickle without G_ema, G or D, so none of NVIDIA's networks")
    networks = {role: lambda role=role, module=module: _walk(role, module) for role, module in found.items()}
    return Contents("NVIDIA's pickle", networks)


def _walk(role: str, root: Module) -> Network:
    """All tensors and modules below a module, by their full names. A module may be its own child in a hostile file."""
    network, waiting, seen = Network(role, {}, name=root.name), [("", root)], 0
    while waiting:
        path, module = waiting.pop()
        network.modules[path] = module.state
        prefix = f"{path}." if path else ""
        for group, kind in (("_parameters", StoredTensor), ("_buffers", StoredTensor), ("_modules", Module)):
            table = _named(module.state.get(group, {}))
            seen += 1 + len(table)
            if seen > MAX_PARTS or len(path) > MAX_PATH:
                raise ValueError(f"has more modules or tensors in {role} than a network has")
            found = {prefix + name: value for name, value in table.items() if value is not None}
            wrong = next((name for name, value in found.items() if type(value) is not kind), None)
            if wrong is not None:
                raise ValueError(f"has {shown(wrong)}, which is no {'module' if kind is Module else 'tensor'} of NVIDIA's")
            if kind is Module:
                waiting.extend(found.items())
            else:
                network.tensors |= found
    return network


def _named(value: Any) -> dict[str, Any]:
    """A dict whose keys are text, and not too many. Raises ValueError for anything else."""
    if type(value) is not dict or len(value) > MAX_PARTS or any(type(key) is not str for key in value):
        raise ValueError("is damaged: a module's contents have no names, or too many")
    return value


def _state_dicts(kind: str, value: Any) -> Contents:
    """A training checkpoint or converted file of rosinality's, or just a state dict."""
    if type(value) is not dict:
        raise ValueError("holds no state dict, so none of rosinality's networks")
    found = {role: value[key] for role in ROLES if type(value.get(key := role.lower())) is dict}
    if not found and any(type(tensor) is StoredTensor for tensor in value.values()):
        found = {"G_ema": value}
    if not found:
        raise ValueError("holds neither g_ema, g or d nor a state dict, so none of rosinality's networks")
    average = {"latent_avg": value["latent_avg"]} if type(value.get("latent_avg")) is StoredTensor else {}
    return Contents(kind, {role: lambda role=role: _state_dict(role, found[role], average) for role in found})


def _state_dict(role: str, values: dict, average: dict[str, StoredTensor]) -> Network:
    """A network of which there are only tensors, in rosinality's names or NVIDIA's."""
    tensors = _named(values)
    if any(type(tensor) is not StoredTensor for tensor in tensors.values()):
        raise ValueError(f"has something else than tensors in {role}")
    if "synthesis.b4.const" in tensors or "b4.conv.weight" in tensors:
        return Network(role, tensors)
    if role == "D":
        return Network(role, rosinality.discriminator(tensors), missing=("resample_filter",))
    renamed = rosinality.generator(average | tensors)
    return Network(role, renamed, filter_sum=rosinality.FILTER_SUM, missing=("resample_filter", "noise_const", "w_avg"))
