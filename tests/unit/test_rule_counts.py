"""A rule's ops against its numbers: the multiplications that the numeric code makes, and the weights that it holds, are the ops' own."""

from __future__ import annotations

from math import prod

import pytest

from accelsim.ops import Op, OpKind, Pass, Role
from accelsim.reference import products
from accelsim.reference.learning_rules import RULES, rule_numerics
from accelsim.reference.model import Model, softmax_loss
from accelsim.rules import lower, parse_rule
from tests.reference_networks import CLASSES, SAMPLES, Builder, batch_of

SPELLINGS = ("bp", "dfa", "sdfa:k=2", "sdfa:k=2,rank=2", "ssdfa")


def network():
    """Maps keep their size through convolutions, so that EP has no stride zeros: those are dense MACs of its op, but nobody's multiplications."""
    builder = Builder("counted").conv(4).add("batch_norm").add("relu").conv(6, groups=2).add("relu").add("max_pool", kernel=(2, 2), stride=(2, 2))
    builder.conv(6, side=1).add("relu").conv(6, side=1, inputs=("max_pool5",)).add("add", inputs=("relu7", "conv8")).add("relu")
    return builder.add("fc", 5).add("tanh").add("fc", CLASSES).network()


class Multiplications:
    """Counts what goes through the products of the numbers."""

    def __init__(self, monkeypatch):
        self.count = 0
        product, gathered = products.product, products.gathered_product

        def counted_product(left, right, out=None):
            self.count += left.shape[0] * left.shape[1] * right.shape[1]
            return product(left, right, out)

        def counted_gathered(error, classes_read, values):
            self.count += len(error) * values.size
            return gathered(error, classes_read, values)

        monkeypatch.setattr(products, "product", counted_product)
        monkeypatch.setattr(products, "gathered_product", counted_gathered)


def macs(ops: list[Op]) -> int:
    return sum(op.dense_macs for op in ops)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_ops_have_the_multiplications_of_the_numbers(monkeypatch, spelling):
    rule = parse_rule(spelling)
    step = lower(network(), rule, SAMPLES)
    model = Model(network())
    numbers = rule_numerics(rule, model, seed=0)
    images, labels = batch_of(network())
    counted = Multiplications(monkeypatch)
    logits = model.forward(images)
    assert counted.count == macs([op for op in step.ops if op.pass_ is Pass.FF])
    counted.count = 0
    numbers.propagate(softmax_loss(logits, labels)[1])
    assert counted.count == macs([op for op in step.ops if op.pass_ in (Pass.EP, Pass.WG)])


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_ops_have_the_words_of_the_numbers(spelling):
    rule = parse_rule(spelling)
    step = lower(network(), rule, SAMPLES)
    tensors = {operand.tensor.name: operand.tensor for op in step.ops for operand in op.operands}
    words = {role: sum(tensor.elements for tensor in tensors.values() if tensor.role is role) for role in (Role.WEIGHT, Role.FEEDBACK)}
    model = Model(network())
    numbers = rule_numerics(rule, model, seed=0)
    assert words[Role.WEIGHT] == sum(prod(array.shape) for array in model.parameters().values())
    assert words[Role.FEEDBACK] == sum(matrix.size for matrix in getattr(numbers, "matrices", {}).values())


def test_every_rule_with_numbers_is_counted():
    assert {parse_rule(spelling).name for spelling in SPELLINGS} == set(RULES)
    feedback = [op for op in lower(network(), "dfa", SAMPLES).ops if op.kind is OpKind.FEEDBACK]
    assert feedback, "the networks' feedback is counted as ops of its own"
