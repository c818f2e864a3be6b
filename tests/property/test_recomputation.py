"""The laws on steps with checkpoints and microbatches, on random machines and networks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accelsim.experiment.compile import compile_step
from accelsim.experiment.setting import Setting
from accelsim.rules.declaration import StepKind
from accelsim.rules.spelling import parse_rule
from accelsim.step.copies import runs_again
from accelsim.step.ops import Op, Pass, TrainingStep
from tests.examples import examples
from tests.property.test_laws import SHARDS, Case, cases, check_step

pytestmark = pytest.mark.hypothesis


@st.composite
def recomputing(draw: st.DrawFn, kind: str, schedule: str) -> Case:
    case = draw(cases(kind, schedule))
    microbatch, count = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    every = draw(st.sampled_from([None, "every=1", "every=2"]))
    return replace(case, batch=microbatch * count, microbatch=microbatch, checkpoint=every)


@pytest.mark.parametrize(("kind", "schedule"), SHARDS)
def test_every_step_obeys_the_laws(kind: str, schedule: str) -> None:
    @settings(
        max_examples=-(-examples(70, nightly=1_000) // len(SHARDS)),
        suppress_health_check=list(HealthCheck),
    )
    @given(recomputing(kind, schedule))
    def run(case: Case) -> None:
        check_work_of_step(case)
        check_step(case)

    run()


def check_work_of_step(case: Case) -> None:
    """Microbatches have the MACs of the whole batch, and checkpoints add those that run again."""
    rule = parse_rule(case.rule)
    for kind in rule.rule.step_kinds(rule):
        given = Setting(batch=case.batch, optimizer=case.optimizer)
        whole = step_of(case, kind, given)
        given = given.replace(microbatch=case.microbatch, checkpoint=case.checkpoint)
        cut = step_of(case, kind, given)
        names = [op.name for op in cut.ops]
        assert len(set(names)) == len(names)
        for place, op in enumerate(cut.ops):
            assert set(op.depends_on) <= set(names[:place]), op.name
        once = [op for op in cut.ops if not runs_again(op)]
        assert macs(once) == macs(whole.ops)
        assert [op.name for op in once if op.pass_ is Pass.WU] == [
            op.name for op in whole.ops if op.pass_ is Pass.WU
        ]
        made = Counter(t.name for op in cut.ops for t in op.outputs if not t.persistent)
        before = Counter(t.name for op in whole.ops for t in op.outputs if not t.persistent)
        assert max(made.values()) <= max(before.values())


def step_of(case: Case, kind: StepKind, given: Setting) -> TrainingStep:
    setting = given.of(case.network)
    return compile_step(case.network, kind, case.architecture, setting).program.step


def macs(ops: Iterable[Op]) -> dict[Pass, int]:
    found: Counter[Pass] = Counter()
    for op in ops:
        found[op.pass_] += op.dense_macs
    return dict(found)
