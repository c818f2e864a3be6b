"""On random machines and networks: a step of the steady state is the second of two, and a first
step is the same step with loads, whose words are those that stay on the chip.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings

from accelsim.config.names import Schedule
from accelsim.errors import InputError
from accelsim.experiment.compile import compile_step
from accelsim.experiment.setting import Setting
from accelsim.rules.declaration import StepKind
from accelsim.rules.spelling import parse_rule
from accelsim.sim.ledger import Ledger
from accelsim.sim.planning.cold import Load
from accelsim.sim.run import Run
from accelsim.zeros.masks import MaskSource
from accelsim.zeros.trace import Trace
from tests.examples import examples
from tests.property.test_laws import Case, cases
from tests.random_machines import KINDS
from tests.unit.test_first_step import counted

pytestmark = pytest.mark.hypothesis


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_is_the_second_of_two(kind: str) -> None:
    @settings(
        max_examples=-(-examples(35, nightly=1_000) // len(KINDS)),
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(kind, str(Schedule.SERIAL)))
    def run(case: Case) -> None:
        check(case)

    run()


def check(case: Case) -> None:
    rule = parse_rule(case.rule)
    step_kind = rule.rule.step_kinds(rule)[-1]
    try:
        warm, second = run_of(case, step_kind, 1, True), run_of(case, step_kind, 2, True)
    except InputError as error:
        if "B to hold " not in str(error):
            raise
        assume(False)
    cold = run_of(case, step_kind, 2, False)
    expected = counted(warm, 0)
    assert counted(second, 0) == counted(second, 1) == expected
    assert counted(cold, 0) == counted(cold, 1) == expected
    loads = [record for record in cold.records if isinstance(record.op, Load)]
    words = sum(moved.transfer.words for record in loads for moved in record.plan.moved)
    assert words == sum(cold.resident_words.values())
    assert cold.resident_words == warm.resident_words


def run_of(case: Case, kind: StepKind, steps: int, warm: bool) -> Run:
    given = Setting(batch=case.batch, optimizer=case.optimizer, seed=case.seed, warm=warm)
    setting = given.of(case.network)
    program = compile_step(case.network, kind, case.architecture, setting).program
    trace = case.trace if isinstance(case.trace, Trace) else None
    masks = MaskSource(trace, case.network, case.batch, case.seed)
    return program.simulation(masks, steps).run([Ledger()])
