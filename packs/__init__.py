"""Packs: the models that belong together, in one folder, and the manners that every command line shares.

`packs.pack` reads and writes a pack, `packs.registry` knows where packs live, `packs.cli` is how all commands of this
project take arguments, report and fail. Importing this package loads none of them.
"""
