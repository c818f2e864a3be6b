"""CSV files of requests: what is read, and how their faults are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelsim.dram.requests import Requests, read_requests
from accelsim.errors import InputError

CAPACITY = 1 << 20


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "r.csv"
    path.write_text(text, encoding="utf-8")
    return path


def read(tmp_path: Path, text: str) -> list[tuple[int, int, bool]]:
    found: Requests = read_requests(written(tmp_path, text), CAPACITY)
    return list(
        zip(found.cycles.tolist(), found.addresses.tolist(), found.writes.tolist(), strict=True)
    )


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_requests(written(tmp_path, text), CAPACITY)
    return [str(fault).removeprefix(f"{tmp_path}/") for fault in caught.value.faults]


@pytest.mark.parametrize(
    "text",
    [
        "cycle,address,kind\n0,64,R\n5,128,W\n",
        "cycle,address,kind\r\n0,64,R\r\n5,128,W",
        "0,64,R\n5,128,W\n",
        "\n\ncycle,address,kind\n\n0,64,R\n\n5,128,W\n\n",
        " cycle , address,kind\n 0 ,0x40 , R\n5,0X80,W\n",
        'kind,cycle,address\n"R","0","64"\nW,5,128\n',
        "\ufeffcycle,address,kind\n0,64,R\n5,128,W\n",
        "cycle,address,kind,channel,tensor\n0,64,R,0,conv1\n5,128,W,1,\n",
        ",tensor,kind,2nd,cycle,address\n0,é,R,,0,64\n1,b,W,x,5,0x80\n",
        'tensor,cycle,address,kind\n"a,b",0,64,R\n"say ""R"", twice",5,128,W\n',
    ],
)
def test_what_is_read(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == [(0, 64, False), (5, 128, True)]


def test_cycles_need_not_grow(tmp_path: Path) -> None:
    assert read(tmp_path, "9,0,R\n3,1048575,R\n") == [(9, 0, False), (3, CAPACITY - 1, False)]


CYCLE = "cycle must be a whole number from 0 to 68719476736, got"
ADDRESS = "address must be a whole number from 0 to 1048575, the last byte of the DRAM, got"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1:1: the file must hold at least one request (cycle,address,kind), got nothing"]),
        (
            " \n\n",
            ["1:1: the file must hold at least one request (cycle,address,kind), got nothing"],
        ),
        (
            "\ncycle,address,kind\n",
            [("2:1: the file must hold at least one request below its header line, got none")],
        ),
        (
            "cycle,adress,kind\n0,0,R\n",
            [
                (
                    "1:7: the columns must include cycle,address,kind, got adress; did you mean "
                    "address?"
                )
            ],
        ),
        (
            "cycle,address\n0,0\n",
            [
                "1:1: the columns must include cycle,address,kind, got no kind",
                "2:4: a request must be 3 fields (cycle,address,kind), got 2",
            ],
        ),
        ("cycle,cycle,kind\n0,0,R\n", ["1:7: the column cycle must appear once, got it again"]),
        (
            "channel,address,tensor,done\n0,x,a,7\n",
            ["1:1: the columns must include cycle,address,kind, got no cycle, no kind"],
        ),
        (
            "kind,tensor,address,cycle\nR,a,0\nR,a,b,0,0\nx,a,0,y\n",
            [
                "2:6: a request must be 4 fields, as the header line, got 3",
                "3:9: a request must be 4 fields, as the header line, got 5",
                "4:1: kind must be R or W, got x",
                f"4:7: {CYCLE} y",
            ],
        ),
        (
            'tensor,cycle,address,kind\n"a,0,0,R\n"a,b",0,R\n',
            ["3:10: a request must be 4 fields, as the header line, got 3"],
        ),
        ("0,0,R\n-1,0,R\n", [f"2:1: {CYCLE} -1"]),
        ("0,0,R\n1.5,0,R\n", [f"2:1: {CYCLE} 1.5"]),
        ("68719476737,0,R\n", [f"1:1: {CYCLE} 68719476737"]),
        ("0,1048576,R\n", [f"1:3: {ADDRESS} 1048576"]),
        ("0,0xffffffff,R\n", [f"1:3: {ADDRESS} 0xffffffff"]),
        ("0,0xg,R\n", [f"1:3: {ADDRESS} 0xg"]),
        ("0,0x_1,R\n", [f"1:3: {ADDRESS} 0x_1"]),
        ("0,٣,R\n", [f"1:3: {ADDRESS} ٣"]),
        ("0,,R\n", [f"1:3: {ADDRESS} nothing"]),
        ("0,0,r\n", ["1:5: kind must be R or W, got r"]),
        ("0, 0,\n", ["1:6: kind must be R or W, got nothing"]),
        ("0,0,R,7\n", ["1:7: a request must be 3 fields (cycle,address,kind), got 4"]),
        ("0\n", ["1:2: a request must be 3 fields (cycle,address,kind), got 1"]),
        (
            "0,0,R\nx,y,z\n",
            [f"2:1: {CYCLE} x", f"2:3: {ADDRESS} y", "2:5: kind must be R or W, got z"],
        ),
        (
            "kind,address,cycle\nz,y,x\n",
            ["2:1: kind must be R or W, got z", f"2:3: {ADDRESS} y", f"2:5: {CYCLE} x"],
        ),
        (f"{'9' * 5000},0,R\n", [f"1:1: {CYCLE} {'9' * 5000}"]),
    ],
)
def test_faults(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert faults(tmp_path, text) == [f"r.csv:{each}" for each in expected]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, said in (
        (tmp_path / "none.csv", "no such file"),
        (tmp_path, "must be a file, got a directory"),
    ):
        with pytest.raises(InputError) as caught:
            read_requests(path, CAPACITY)
        assert [fault.message for fault in caught.value.faults] == [said]
