"""The error tree is what its docstring draws."""

from __future__ import annotations

import inspect
import re

from deepstyle import errors


def test_tree_in_docstring_is_the_tree() -> None:
    """Every class stands in the docstring, indented under its base class."""
    drawn: dict[str, str] = {}
    stack: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"^([│├└─ ]*)([A-Z]\w+Error)\b", line):
            depth, name = len(match[1]), match[2]
            stack = [(d, n) for d, n in stack if d < depth]
            drawn[name] = stack[-1][1] if stack else "Exception"
            stack.append((depth, name))
    real = {
        name: cls.__bases__[0].__name__ for name, cls in inspect.getmembers(errors, inspect.isclass)
        if cls.__module__ == errors.__name__
    }  # fmt: skip

    assert drawn == real
