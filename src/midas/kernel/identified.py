"""A wrapper for what could name a person: it refuses to be printed, logged, formatted or pickled by accident."""

from typing import Generic, NoReturn, TypeVar

T = TypeVar("T")

_REFUSAL = "an identified value was about to leave its wrapper; call reveal() where that is meant"


class Identified(Generic[T]):
    """Hold an identified value; `reveal()` is the only way to it, and easy to search for in a review.

    `str`, `format`, `pickle`, `copy` and `json` refuse; `repr` (used by debuggers and tracebacks) shows no value.
    Equality and hashing work, so that identified values can be looked up.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        return self._value

    def __repr__(self) -> str:
        return "Identified(…)"

    def __str__(self) -> str:
        raise TypeError(_REFUSAL)

    def __format__(self, spec: str) -> str:
        raise TypeError(_REFUSAL)

    def __reduce__(self) -> NoReturn:
        raise TypeError(_REFUSAL)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identified) and bool(self._value == other._value)

    def __hash__(self) -> int:
        return hash(self._value)
