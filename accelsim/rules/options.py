"""Options of learning rules: one frozen model per rule, each field with its type, range, default
and description.

A field shared by several rules is a type here; a rule's model gives it a default.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from accelsim.config.describe import Hint, describe

OptionValue = int | float | bool | str


class Options(BaseModel):
    """Options of a rule, in the order in which they are listed and written.

    ``listed_order``: the names, where their order is not that of the fields.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    listed_order: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return cls.listed_order or tuple(cls.model_fields)

    @classmethod
    def hint(cls, name: str) -> Hint:
        """The type of an option."""
        return Hint.of_field(cls.model_fields[name])

    @classmethod
    def default(cls, name: str) -> OptionValue | None:
        """The default, None for an empty text: the rule does without it."""
        value: OptionValue = cls.model_fields[name].default
        return None if value == "" else value

    @classmethod
    def description(cls, name: str) -> str:
        return cls.model_fields[name].description or ""

    @classmethod
    def read(cls, name: str, text: str) -> OptionValue:
        """The value that ``text`` spells for an option. ValueError with the option's rule (``an
        integer >= 1``) when it breaks that rule.
        """
        hint = cls.hint(name)
        value = _typed(text, hint.annotation)
        try:
            cls.model_validate({name: value})
        except ValidationError as error:
            cause = error.errors()[0].get("ctx", {}).get("error")
            raise ValueError(str(cause or describe(hint))) from None
        assert value is not None
        return value

    @property
    def given(self) -> tuple[tuple[str, OptionValue], ...]:
        """Options that were set, as opposed to left at their defaults, with their values."""
        return tuple(
            (name, getattr(self, name)) for name in self.names() if name in self.model_fields_set
        )


def _typed(text: str, annotation: Any) -> OptionValue | None:
    """``text`` as a value of the option's type; as it is, or None when empty, where it spells
    none.
    """
    if annotation is bool and text in {"true", "false"}:
        return text == "true"
    if annotation in {int, float} and "_" not in text:  # Python reads 1_0 as 10; people do not
        try:
            number: OptionValue = annotation(text)
        except ValueError:
            return text
        return number
    return text or None


class NoOptions(Options):
    """Options of a rule that has none."""


def _above_zero(value: float) -> float:
    if value <= 0:
        raise ValueError("a number > 0")
    return value


PerStep = Annotated[
    bool,
    Field(
        description="On sequences, distinct feedback weights at each time step instead of shared "
        "ones."
    ),
]
Scale = Annotated[
    float,
    AfterValidator(_above_zero),
    Field(description="Multiplies the feedback weights; changes no count. Above 0."),
]


class Scaled(Options):
    """Fixed feedback weights."""

    scale: Scale = 1.0
