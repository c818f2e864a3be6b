"""The text of docs/dram.md above its tables of keys."""

HEAD = """# DRAM files

A DRAM standard (`arch_configs/dram/*.yaml`, `dram.standard` of a machine, first argument of
`accelsim dram`): its timings, what it consists of, its controller and its energies. Written by
`python -m accelsim.cli.pages.documentation` from `accelsim/cli/pages/dram.py` and the models of
`accelsim/dram/standard.py`; `accelsim schema dram` prints the JSON Schema, `accelsim check FILE`
names every fault.

Built in: `ddr4-2400`, `ddr4-3200`, `lpddr4-3200`, `hbm2` (one pseudo channel). Start from a copy of
one of them; in a machine, name the file as `dram: {standard: my-dram.yaml}`, a path from the
machine's own file. Each timing has its source beside it, each energy in `source`.

Two models use a standard. Both keep every timing rule below and leave rows open:

* inside a machine, transfers are served first come, first served, burst by burst, whatever
  `policy.scheduler` says: the transfer is the unit that waits, and rows, not bursts, determine what
  a transfer costs;
* `accelsim dram` serves single requests with queues, a scheduler, write drain and refresh, as a
  memory controller does.

## `accelsim dram`

    accelsim dram STANDARD REQUESTS.csv [--max-outstanding N] [--json]

`REQUESTS.csv` has a request a line: the clock from which it is there, its address in bytes, R or W.

```csv
cycle,address,kind
0,0,R
0,64,R
0,131072,R
40,128,W
40,192,R
```

All cycles are clocks of the memory (tCK). Requests are handed to the controller in the order of the
file, at most one a clock, none before its cycle: one that finds its queue full holds back all
behind it. A request handed over in clock t can see its first command in t + 1. A read is done when
its last data has come, RD + CL + BL/2, and a write likewise, WR + CWL + BL/2. An address inside a
burst moves that burst. With `--max-outstanding N` the driver hands over a read only while fewer
than N are handed over and not done.

`--json` prints one document, `accelsim.dram/1` (`accelsim schema dram-result`, `accelsim check`):

| key | meaning |
|---|---|
| `total_cycles`, `seconds` | the largest of `done_cycles`, and the same in seconds |
| `done_cycles`, `accept_cycles` | by request, in the order of the file: clock of its last data, \
and of its hand-over |
| `mean_read_latency_cycles`, `read_latency_cycles` | from hand-over to last data: mean, least, \
percentiles, most; null without reads |
| `row_hits`, `row_misses`, `row_conflicts` | requests by how they found their row: open, closed, \
or another one open |
| `commands` | ACT, PRE (of one bank), PREA (of a rank, before its refresh), RD, WR, REF |
| `requests` | reads, writes, and those that take no command: reads that a waiting write answered, \
writes that joined a waiting one |
| `bandwidth_bytes_per_second`, `utilization` | bytes moved a second; share of the time in which \
the data bus is busy |
| `active_cycles`, `precharged_cycles` | clocks, summed over ranks, with a row open and with none |
| `energy_pj`, `energy_by_part_pj` | the sum, and its parts as in `energy` below; null where the \
standard states none |
| `unverified_energies` | actions whose energy has no verified source; the tables star them |
| `standard`, `policy`, `max_outstanding`, `version` | what it was computed with |

## The controller

Each channel has a queue of reads and one of writes. In every clock, on every command bus (one; HBM
has one for rows and one for columns), the first of these that may go goes:

1. the RD or WR of a request for whose own sake a row was opened, the oldest first;
2. where a refresh is due, its next command, and nothing else: a PREA if the rank has an open row,
   then the REF, rank after rank. One is due every tREFI;
3. the next command (PRE, ACT, RD or WR) of a queued request: of a write while writes are drained,
   else of a read.

Which request that is, `policy.scheduler` says. `frfcfs`: of those whose next command may go now,
the oldest. `frfcfs_rowhit`: the same, but no PRE closes a row that an older request of the queue
still wants. `fcfs`: the oldest or none. A row that a request of the first kind waits for is never
closed. A drain of writes begins when the write queue is fuller than `drain_high` or no read waits,
and ends when it is emptier than `drain_low` and a read waits. A read of a burst that a waiting
write holds is answered from there, in the next clock; a write of it joins that one, needs no room
in the queue and is done with it, by one WR. Requests of one burst have no order otherwise: data are
not simulated.

The built-in standards all have the same policy, which is the default: `frfcfs_rowhit`, 32 reads, 32
writes, drains from 0.8 to 0.2, all-bank refresh.

## Address mapping

`address_mapping` names the fields of an address from the top bit down, above the offset inside a
burst: `ro` row, `ch` channel, `ra` rank, `ba` bank, `bg` bank group, `co` column. `rochrababgco`
keeps a row at consecutive addresses: a stream opens few rows, and its bursts come tCCD_L apart.
`rochrabacobg` has the bank group below the column: consecutive bursts go to different groups,
tCCD_S apart, which fills the data bus of DDR4. Fields need not be powers of two.

## Energy

Counts times the table: `ACT` for each row opened, its PRE included, `RD`, `WR`, `REF`, and standby
by the clock and rank, with a row open or with none, up to the last data. PRE has no energy of its
own. Given DRAMsim3's counts and its energies an event, the sum is DRAMsim3's to the last digit.

## How far from other simulators

The controller is held against DRAMsim3 (umd-memsys, commit 2981759) and Ramulator 2.1 (CMU-SAFARI,
commit c5b1c3a) on five configurations and thirteen streams
(`accelsim/studies/validation/simulators/dram.py`, data and configurations in
`accelsim/studies/validation/data/dram`), with the one policy above. With the same scheduler every
clock of the last data and every count of commands is Ramulator's, in all 65 cases; without row-hit
protection too, but for one clock in one stream, because here a PREA keeps tPPD to the PRE before
it. From DRAMsim3 the time to the last data differs by, in %:

| stream | DDR4-2400 | bank groups interleaved | no refresh | HBM2 | LPDDR4-3200 |
|---|---:|---:|---:|---:|---:|
| `trickle` | 0.0 | 0.0 | 0.0 | 0.0 | 0.0 |
| `row_conflict` | -0.2 | -0.2 | 0.0 | -0.7 | -0.5 |
| `seq_read_w32` | -0.1 | -0.1 | 0.0 | -0.5 | -0.3 |
| `rand_read_w32` | +0.9 | +0.3 | +0.5 | -0.9 | -1.0 |
| `rand_read_paced` | 0.0 | 0.0 | 0.0 | 0.0 | -2.1 |
| `mix_dma_paced` | -0.4 | 0.0 | -0.1 | -0.1 | -0.6 |
| `tiles` | 0.0 | 0.0 | 0.0 | +0.1 | 0.0 |
| `seq_read` | +4.3 | -0.1 | +4.8 | +26.6 | -0.3 |
| `seq_write` | +4.4 | -0.2 | +4.7 | +26.5 | 0.0 |
| `rand_read` | -2.5 | -4.5 | +0.2 | -2.0 | -0.6 |
| `rand_write` | -3.1 | -2.8 | -4.1 | -1.2 | -3.3 |
| `mix_dma` | -6.7 | -0.9 | -6.9 | +1.8 | -8.5 |
| `mix_dma_w32` | -10.2 | -1.6 | -10.5 | -2.4 | -10.6 |

Requests of `_paced` streams, `tiles` and `trickle` come with time between them, `_w32` streams have
at most 32 reads outstanding, the others are all there at clock 0. Where the load is given, all
three agree to 1 %, but for `rand_read_paced` on LPDDR4, which cannot keep up with it. Where the
controller may take as much as it can, they differ by how far it looks ahead: behind its 32 reads
DRAMsim3 has queues of 8 for each bank, so that of a sequential stream it sees two rows at once and
takes them in turn, tCCD_S apart, where Ramulator and accelsim take one after the other, tCCD_L
apart. It precharges bank by bank before a refresh, and drains writes at other times. Energies
differ from DRAMsim3's by less than 3 % wherever the simulators open as many rows, but for
`seq_read` of HBM2: 5.9 % more, all of it standby during the time that DRAMsim3 saves.

On other timings, channels, mappings and queues the controller is Ramulator's too
(`tests/validation/test_dram_variations.py`); from DRAMsim3 it differs where the time depends on
what a controller chooses, and in standby energy with the time. With several ranks Ramulator lets a
write follow another rank's read by BL/2 + tRTRS, when CL > CWL before the data of the read are
through; here, as in DRAMsim3, data never meet on the bus, and mixed streams differ from both,
mostly by less than 5 %. Refreshes of all ranks are due together, as in Ramulator; DRAMsim3 spreads
them over tREFI. Of a burst that is read again while it waits, DRAMsim3 answers all reads with one
RD.

Not modelled, here and there: refresh bank by bank, power-down and self-refresh, all-bank tRP,
commands of two or four clocks (LPDDR4, HBM's ACT), tDQSCK.

## Rules between keys

* Timings are in clocks of the memory (tCK), tCK in ns; data moves twice a clock, so a burst holds
  the data bus for BL / 2 clocks. Where it moves faster (protocol GDDR5, GDDR5X, GDDR6, LPDDR5,
  HBM3), `burst_clk` says for how many.
* The time from RD to WR follows: CL + burst_clk - CWL + tRTRS.
* Keys of `organisation` that follow from others may be left out; when they are given they agree.
  `bursts_per_row` or `columns` is given.
* `address_mapping` has each of ro, ch, ra, ba, bg, co once: row, channel, rank, bank, bank group,
  column.
* With `refresh: all_bank`, `tREFI` is longer than a refresh can take.
* The energy of an event is a number in pJ, or a mapping that also names its source. Without
  `verified: true` it is starred in every table and plot.
"""
