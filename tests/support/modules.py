"""Modules made of source texts, as a reader of code meets them in files."""

import itertools
import linecache
import types

COUNTER = itertools.count()


def module(source):
    """The source as a module whose lines Python can find."""
    made = types.ModuleType(f"source_{next(COUNTER)}")
    name = f"<{made.__name__}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    exec(compile(source, name, "exec"), made.__dict__)
    return made
