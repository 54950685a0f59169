"""What the program says when it refuses, collected from its source: what each exception and each refusal begins with.

What a text takes from variables is `…`. Resolved are literals, f-strings, either branch of a choice, local variables,
and calls of the program's own functions by what these return.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

GAP = "…"
_REFUSALS = frozenset({"Refusal", "Unclear"})
_RULES = ("_problem", "_problems", "_contradiction", "_contradictions")
"""How functions end that give what is wrong, not by raising it; some methods that raise it end so as well."""

_MORE_RULES = frozenset(
    {
        ("release/config.py", "_what"),
        ("release/status_check.py", "_seen"),
        ("release/tables.py", "_told"),
    }
)

_DEPTH = 4
_FEWEST_LETTERS = 10
"""A text with fewer of its own is made of another one, which is collected where it is written."""


@dataclass(frozen=True)
class Refused:
    text: str
    where: str


@dataclass
class Sources:
    """Modules, and all functions and classes in them by name."""

    modules: dict[str, ast.Module]
    functions: dict[str, list[ast.FunctionDef]] = field(default_factory=dict)
    errors: set[str] = field(default_factory=set)
    makers: set[int] = field(default_factory=set)
    """The functions of error classes, by id: what these hand to `__init__` is a text."""

    @classmethod
    def of(cls, root: Path, *places: str) -> Sources:
        paths = [
            path
            for place in places
            for path in ([root / place] if place.endswith(".py") else (root / place).rglob("*.py"))
        ]
        found = cls({str(path.relative_to(root)): ast.parse(path.read_text()) for path in sorted(paths)})
        for module in found.modules.values():
            for node in ast.walk(module):
                if isinstance(node, ast.FunctionDef):
                    found.functions.setdefault(node.name, []).append(node)
                elif isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                    found.errors.add(node.name)
                    found.makers.update(id(made) for made in node.body)
        return found

    def refusals(self) -> list[Refused]:
        """Each text once, with the first place that it is found in."""
        found: dict[str, str] = {}
        for name, module in self.modules.items():
            for scope in ast.walk(module):
                if isinstance(scope, ast.FunctionDef):
                    for text in self._in(name, scope):
                        if _says_enough(text):
                            found.setdefault(text, f"{name}, {scope.name}")
        return [Refused(text, where) for text, where in found.items()]

    def _in(self, module: str, scope: ast.FunctionDef) -> Iterator[str]:
        if scope.name.endswith(_RULES) or (module, scope.name) in _MORE_RULES:
            yield from self._returned(scope, 0)
        for node in _own(scope):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                yield from self._begun(node.exc, scope, 0)
            elif isinstance(node, ast.Call) and self._refuses(node, scope):
                yield from self._begun(node, scope, 0)

    def _refuses(self, call: ast.Call, scope: ast.FunctionDef) -> bool:
        name = _name(call)
        return (
            name in self.errors | _REFUSALS
            or (isinstance(call.func, ast.Attribute) and name.endswith(_RULES))
            or (name == "__init__" and id(scope) in self.makers)
        )

    def _begun(self, call: ast.Call, scope: ast.FunctionDef, depth: int) -> Iterator[str]:
        """What a refusal that is made by a call begins with."""
        name = _name(call)
        if (
            name in self.functions
            and name not in self.errors
            and not name.startswith("_problem")
            and name != "__init__"
        ):
            yield from self._texts(call, scope, depth)
            return
        for argument in call.args:
            texts = list(self._texts(argument, scope, depth))
            if any(map(_says_enough, texts)):
                yield from texts
                return

    def _returned(self, function: ast.FunctionDef, depth: int) -> Iterator[str]:
        for node in _own(function):
            if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
                yield from self._texts(node.value, function, depth)
            elif (isinstance(node, ast.Call) and _name(node) == "append") or isinstance(node, ast.AugAssign):
                values = node.args if isinstance(node, ast.Call) else [node.value]
                for value in values:
                    yield from self._texts(value, function, depth)

    def _texts(self, node: ast.expr, scope: ast.FunctionDef, depth: int) -> Iterator[str]:
        if depth > _DEPTH:
            return
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=parts):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in parts)
            case ast.IfExp(body=one, orelse=other):
                yield from self._texts(one, scope, depth)
                yield from self._texts(other, scope, depth)
            case ast.Tuple(elts=[first, second, *_]):
                # Either what was seen and what to do, or a key and what is wrong with it.
                seen = list(self._texts(first, scope, depth))
                yield from seen if any(" " in text for text in seen) else self._texts(second, scope, depth)
            case ast.List(elts=items):
                for item in items:
                    yield from self._texts(item, scope, depth)
            case ast.ListComp(elt=item) | ast.GeneratorExp(elt=item):
                yield from self._texts(item, scope, depth)
            case ast.Name(id=name):
                for value in _assigned(scope, name):
                    yield from self._texts(value, scope, depth + 1)
            case ast.Call():
                for function in self.functions.get(_name(node), []):
                    yield from self._returned(function, depth + 1)


def _says_enough(text: str) -> bool:
    return " " in text and sum(char.isalpha() for char in text) >= _FEWEST_LETTERS


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _own(scope: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions in it."""
    waiting: list[ast.AST] = list(scope.body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef):
            waiting.extend(ast.iter_child_nodes(node))


def _assigned(scope: ast.FunctionDef, name: str) -> Iterable[ast.expr]:
    for node in _own(scope):
        match node:
            case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                yield value
            case ast.NamedExpr(target=ast.Name(id=found), value=value) if found == name:
                yield value
