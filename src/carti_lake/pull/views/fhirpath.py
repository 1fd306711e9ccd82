"""FHIRPath as a tree: the part of it that SQL on FHIR asks of every runner of shareable views."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: A token: a number, a text, a name (plain or between backticks), a constant, a mark.
TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>'(?:[^'\\]|\\.)*')|(?P<constant>%(?:[A-Za-z_]\w*|`[^`]+`))"
    r"|(?P<name>[A-Za-z_]\w*|`[^`]+`)|(?P<mark>\$this|!=|<=|>=|[=<>+\-*/().,\[\]{}&|~@$])|(?P<end>$))",
    re.DOTALL,
)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
#: Operators between two values, those that bind least first.
LEVELS = (("or",), ("and",), ("=", "!="), ("<=", "<", ">=", ">"), ("+", "-"), ("*", "/"))
#: Operators of FHIRPath that no shareable view has.
FOREIGN = ("|", "&", "~", "in", "contains", "is", "as", "implies", "xor", "div", "mod")


class PathError(ValueError):
    """What is wrong with a path, or not supported in it."""


@dataclass(frozen=True)
class Literal:
    """A value as it is written."""

    value: Any


@dataclass(frozen=True)
class Constant:
    """A constant of the view."""

    name: str


@dataclass(frozen=True)
class This:
    """The element that the path starts from."""


@dataclass(frozen=True)
class Member:
    """An element's child."""

    base: "Node"
    name: str


@dataclass(frozen=True)
class Call:
    """A function of what comes before it."""

    base: "Node"
    name: str
    arguments: "tuple[Node, ...]"


@dataclass(frozen=True)
class Index:
    """One of several."""

    base: "Node"
    place: "Node"


@dataclass(frozen=True)
class Operation:
    """Two values with an operator between them."""

    operator: str
    left: "Node"
    right: "Node"


Node = Literal | Constant | This | Member | Call | Index | Operation


def parse_path(text: str) -> Node:
    """The tree of a path.

    Raises
    ------
    PathError
        It is no FHIRPath, or has an operator or literal that no shareable view has.
    """
    tokens = _Tokens(text)
    tree = _operation(tokens, 0)
    tokens.expect("end", "")
    return tree


def names_in(node: Node) -> Iterator[str]:
    """The names of all elements that a path asks for, and of those that stand for one of them in JSON."""
    match node:
        case Member(base, name):
            yield name
            yield from names_in(base)
        case Call(Member(base, name), "ofType", (kind,)):
            yield choice(name, type_named(kind))
            yield from names_in(base)
        case Call(base, name, arguments):
            yield from {
                "extension": ("extension", "url"),
                "getResourceKey": ("id",),
                "getReferenceKey": ("reference",),
            }.get(name, ())
            yield from names_in(base)
            for argument in arguments:
                yield from names_in(argument)
        case Index(base, place):
            yield from names_in(base)
            yield from names_in(place)
        case Operation(_, left, right):
            yield from names_in(left)
            yield from names_in(right)


def choice(name: str, kind: str) -> str:
    """What JSON calls an element that may be of several types: ``value`` as a Quantity is ``valueQuantity``."""
    return name + kind[:1].upper() + kind[1:]


def type_named(node: Node) -> str:
    """The type that an argument names: ``Quantity``, ``FHIR.Quantity``."""
    if not isinstance(node, Member):
        raise PathError("a type is named by its name, as in ofType(Quantity)")
    return node.name


class _Tokens:
    def __init__(self, text: str) -> None:
        self.text, self.place = text, 0
        self.kind, self.word = "", ""
        self.step()

    def step(self) -> str:
        word = self.word
        match = TOKEN.match(self.text, self.place)
        if match is None:
            raise PathError(f"no FHIRPath from character {self.place + 1} on")
        self.kind = str(match.lastgroup)
        self.word, self.place = match[self.kind], match.end()
        return word

    def take(self, *words: str) -> str | None:
        if self.kind in ("mark", "name") and self.word in words:
            return self.step()
        return None

    def expect(self, kind: str, word: str) -> str:
        if self.word in FOREIGN and kind == "end":
            raise PathError(f"the operator {self.word} is not supported")
        if self.kind != kind or (word and self.word != word):
            what = word or ("its end" if kind == "end" else f"a {kind}")
            raise PathError(f"no FHIRPath: {what} is expected at character {self.place - len(self.word) + 1}")
        return self.step()


def _operation(tokens: _Tokens, level: int) -> Node:
    if level == len(LEVELS):
        return _unary(tokens)
    left = _operation(tokens, level + 1)
    while (operator := tokens.take(*LEVELS[level])) is not None:
        left = Operation(operator, left, _operation(tokens, level + 1))
    return left


def _unary(tokens: _Tokens) -> Node:
    if tokens.take("-"):
        return Operation("-", Literal(0), _unary(tokens))
    return _steps(tokens, _term(tokens))


def _term(tokens: _Tokens) -> Node:
    if tokens.kind == "number":
        number = tokens.step()
        return Literal(float(number) if "." in number else int(number))
    if tokens.kind == "text":
        return Literal(re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), tokens.step()[1:-1]))
    if tokens.kind == "constant":
        return Constant(_bare(tokens.step()[1:]))
    if tokens.take("$this"):
        return This()
    if tokens.take("("):
        inner = _operation(tokens, 0)
        tokens.expect("mark", ")")
        return inner
    if tokens.kind == "mark" and tokens.word in ("@", "{", "$"):
        what = {"@": "a date as a literal", "{": "the empty collection {}", "$": "a variable other than $this"}
        raise PathError(f"{what[tokens.word]} is not supported")
    if tokens.word in ("true", "false"):
        return Literal(tokens.step() == "true")
    return _invocation(tokens, This())


def _steps(tokens: _Tokens, base: Node) -> Node:
    while True:
        if tokens.take("."):
            base = base if tokens.take("$this") else _invocation(tokens, base)
        elif tokens.take("["):
            base = Index(base, _operation(tokens, 0))
            tokens.expect("mark", "]")
        else:
            return base


def _invocation(tokens: _Tokens, base: Node) -> Node:
    name = _bare(tokens.expect("name", ""))
    if not tokens.take("("):
        return Member(base, name)
    arguments: list[Node] = []
    if not tokens.take(")"):
        arguments.append(_operation(tokens, 0))
        while tokens.take(","):
            arguments.append(_operation(tokens, 0))
        tokens.expect("mark", ")")
    return Call(base, name, tuple(arguments))


def _bare(name: str) -> str:
    return name.strip("`")
