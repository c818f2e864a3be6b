"""What a notebook shows of the interface's objects: one line, HTML, and names to complete."""

from __future__ import annotations

import accelsim
from accelsim import Comparison, Result, Setting
from tests import synthetic


def test_names_to_complete_are_public() -> None:
    machine = accelsim.load_machine("near-memory")
    result = Result.parse(synthetic.result())
    compared = Comparison.parse(synthetic.comparison(synthetic.result(), synthetic.result("dfa")))
    assert dir(accelsim) == sorted(accelsim.__all__)
    for shown, present in (
        (machine, {"name", "pe_array", "replace"}),
        (machine.pe_array, {"lanes", "rows"}),
        (result, {"cycles", "ops", "save", "to_dataframe", "plot", "read", "to_json"}),
        (compared, {"results", "ratios", "save", "plot"}),
        (Setting(), {"batch", "trace", "replace"}),
    ):
        names = set(dir(shown))
        assert present <= names
        assert all(hasattr(shown, name) for name in names)
        assert not [name for name in names if name.startswith("_") or name.endswith("_")]
        assert not names & {"parse_obj", "model_dump", "copy", "of_step", "field_names", "parse"}


def test_a_network_is_one_line_and_a_table() -> None:
    network = accelsim.load_network("mnist-fc")
    assert repr(network) == str(network)
    assert repr(network).startswith("Network(mnist-fc: ")
    assert repr(network).endswith(" layers, 2 with weights, input 28 x 28 x 1, batch 1)")
    html = network._repr_html_()
    assert html.count("<tr>") == len(network.layers)
    assert "<td>fc1</td><td>fc</td><td>1 x 1 x " in html


def test_a_machine_is_a_table_of_its_keys() -> None:
    html = accelsim.load_machine("near-memory").replace(name="<b>")._repr_html_()
    assert "<td>pe_array</td><td>lanes</td><td>" in html
    assert "<td>name</td><td></td><td>&lt;b&gt;</td>" in html
