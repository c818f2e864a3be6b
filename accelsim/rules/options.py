"""Options of learning rules: one frozen model per rule. Each field has a type, a range, a default
and a description.

A field that rules share is a type in this file; each rule's model sets its default.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from accelsim.config.describe import Hint, describe

OptionValue = int | float | bool | str


class Options(BaseModel):
    """Options of a rule, in the order in which they are listed and written.

    ``listed_order`` gives the names if their order differs from that of the fields.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    listed_order: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return cls.listed_order or tuple(cls.model_fields)

    @classmethod
    def hint(cls, name: str) -> Hint:
        """Type of an option."""
        return Hint.of_field(cls.model_fields[name])

    @classmethod
    def default(cls, name: str) -> OptionValue | None:
        """Default of an option. None if it is the empty text, which means that the option is not
        set.
        """
        value: OptionValue = cls.model_fields[name].default
        return None if value == "" else value

    @classmethod
    def description(cls, name: str) -> str:
        return cls.model_fields[name].description or ""

    @classmethod
    def read(cls, name: str, text: str) -> OptionValue:
        """Value of an option, parsed from ``text``.

        Raises ValueError with the option's rule (``an integer >= 1``) if the text breaks it.
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
        """(name, value) of each option that was set explicitly."""
        return tuple(
            (name, getattr(self, name)) for name in self.names() if name in self.model_fields_set
        )


def _typed(text: str, annotation: Any) -> OptionValue | None:
    """``text`` converted to the option's type. Text that cannot be converted is returned unchanged,
    or as None if it is empty.
    """
    if annotation is bool and text in {"true", "false"}:
        return text == "true"
    if annotation in {int, float} and "_" not in text:  # Python would accept 1_0 as 10
        try:
            number: OptionValue = annotation(text)
        except ValueError:
            return text
        return number
    return text or None


class NoOptions(Options):
    """Options of a rule without options."""


def _above_zero(value: float) -> float:
    """Validator: raises ValueError unless the value is above 0."""
    if value <= 0:
        raise ValueError("a number > 0")
    return value


PerStep = Annotated[
    bool,
    Field(
        description="Sequence networks: separate feedback weights for each time step instead of "
        "shared ones."
    ),
]
Scale = Annotated[
    float,
    AfterValidator(_above_zero),
    Field(description="Factor of the feedback weights, above 0; changes no count."),
]


class Scaled(Options):
    """Options of rules with fixed feedback weights."""

    scale: Scale = 1.0
