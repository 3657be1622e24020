"""Packs: the models that belong together, in one folder, and the manners that every command line shares.

`packs.pack` opens a pack, `packs.models` reads its files; `packs.registry` knows which packs there are, `packs.catalogue`
which can be had: `packs.fetch` downloads them, `packs.add` takes what is here already, `packs.store` is where they lie.
`packs.cli` is how all commands of this project take arguments, report and fail. Importing this package loads none of them.
"""

import stylegan2  # noqa: F401 - before PyTorch: how its threads wait
