"""`accelsim train`: training runs with a learning rule. Options are judged before anything is
read.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext

from accelsim.cli import delivery, values
from accelsim.cli.commands.training import options
from accelsim.cli.commands.training.defaults import recorded_command, usual_optimizer_and_rate
from accelsim.cli.commands.training.epochs import train_epochs
from accelsim.cli.commands.training.interruption import ended_like_ctrl_c
from accelsim.cli.options import Json, Network, Seed
from accelsim.errors import InputError

LARGEST_WIDTH = 16.0


@ended_like_ctrl_c()
def train(
    network: Network,
    rule: options.Rule = "bp",
    data: options.Data = None,
    epochs: options.Epochs = "1",
    width: options.Width = "1.0",
    vocabulary: options.Vocabulary = None,
    batch: options.Batch = "32",
    learning_rate: options.LearningRate = None,
    schedule: options.Schedule = "constant",
    optimizer: options.Optimizer = None,
    weight_decay: options.WeightDecay = "0",
    augment: options.Augment = False,
    held_out: options.HeldOut = "0",
    formats: options.Formats = "",
    trace_every: options.TraceEvery = "0",
    samples: options.Samples = "4",
    seed: Seed = "0",
    out: options.Out = None,
    resume: options.Resume = False,
    threads: options.Threads = None,
    as_json: Json = False,
) -> None:
    """Train a network with a learning rule.

    NETWORK is trained with real data in accelsim's own reference implementation; loss, accuracy and
    the angles between the rule's weight gradients and backpropagation's are measured after every
    epoch. The same options and seed give the same numbers, whatever the threads.
    """
    faults = values.Faults()
    epoch_count = faults.take(lambda: values.whole("--epochs", epochs, 1), 1)
    scale = faults.take(lambda: values.positive("--width", width, LARGEST_WIDTH), 1.0)
    words = (
        None
        if vocabulary is None
        else faults.take(lambda: values.whole("--vocabulary", vocabulary, 2), None)
    )
    size = faults.take(
        lambda: values.whole("--batch", batch, 1, values.LARGEST_BATCH), values.LARGEST_BATCH
    )
    rate = (
        None
        if learning_rate is None
        else faults.take(lambda: values.positive("--learning-rate", learning_rate), 1.0)
    )
    faults.take(lambda: values.one_of("--schedule", schedule, values.RATE_SCHEDULES), schedule)
    if optimizer is not None:
        faults.take(lambda: values.one_of("--optimizer", optimizer, values.OPTIMIZERS), optimizer)
    decay = faults.take(lambda: values.not_negative("--weight-decay", weight_decay), 0.0)
    held_out_fraction = faults.take(lambda: values.fraction("--held-out", held_out), 0.0)
    storage: dict[str, str] = faults.take(lambda: values.storage_formats("--formats", formats), {})
    interval = faults.take(lambda: values.whole("--trace-every", trace_every, 0), 0)
    sample_count = faults.take(lambda: values.whole("--samples", samples, 1), 1)
    faults.check(
        not interval or sample_count <= size,
        f"--samples must be at most the --batch of {size}, got {samples}",
    )
    seed_number = faults.take(lambda: values.whole("--seed", seed, 0), 0)
    thread_count = (
        None if threads is None else faults.take(lambda: values.whole("--threads", threads, 1), 1)
    )
    data_folder = faults.take(lambda: values.named_folder("--data", data), None)
    out_folder = faults.take(lambda: delivery.folder(out), None)
    faults.check(
        not resume or out is not None, "--resume must come with --out, the folder of the run"
    )
    from accelsim.rules.registry import check_rule, parse_rule, step_rules
    from accelsim.workload.loading import load_network
    from accelsim.workload.resize import resized

    parsed_rule = faults.take(lambda: parse_rule(rule), None)
    declared = faults.take(lambda: load_network(network), None)
    workload = (
        None if declared is None else faults.take(lambda: resized(declared, scale, words), None)
    )
    if workload is not None and parsed_rule is not None:
        optimizer_name = (
            optimizer if optimizer in values.OPTIMIZERS else usual_optimizer_and_rate(workload)[0]
        )
        faults.take(lambda: check_rule(workload, parsed_rule, optimizer_name), None)
    if interval and parsed_rule is not None and parsed_rule.rule.kinds:
        families = (
            f"whose steps are of two families: trace {step_rules(parsed_rule)}, each by itself"
        )
        faults.check(
            False,
            f"--trace-every must be left out with {parsed_rule.name}, {families}, got {interval}",
        )
    if out_folder is not None:
        from accelsim.cli.commands.training.run_folder import RunFolder

        folder = faults.take(lambda: RunFolder.opened(out_folder, resume, epoch_count), None)
    else:
        folder = None
    faults.refuse()
    assert parsed_rule is not None
    assert workload is not None
    from accelsim.numerics.formats import StorageFormats
    from accelsim.training.run import RunSpec, TrainingRun, published_task
    from accelsim.training.trainer import Recipe

    if thread_count is not None:
        _use_threads(thread_count)
    usual_optimizer, usual_rate = usual_optimizer_and_rate(workload)
    recipe = Recipe(
        epoch_count, rate or usual_rate, schedule, optimizer or usual_optimizer, decay, seed_number
    )
    spec = RunSpec(
        recipe,
        size,
        augment,
        held_out_fraction,
        StorageFormats(**storage),
        trace_every=interval,
        samples=sample_count,
    )
    with nullcontext() if folder is None else folder.held(resume):
        run = TrainingRun(
            workload,
            parsed_rule,
            spec,
            published_task(workload, spec, data_folder),
            recorded_command(),
        )
        if folder is not None and resume:
            run.resume(folder.checkpoint)
        train_epochs(run, spec, folder)
        document = run.record.to_json()
        if folder is not None:
            folder.finish(run)
    delivery.show(document, as_json, _print_tables)
    if folder is not None:
        print(
            f"wrote {folder.path / 'training.json'}, tables, plots and checkpoint", file=sys.stderr
        )
    run.trainer.refuse_explosion()


def _print_tables(document: delivery.Document) -> None:
    from accelsim.report import console
    from accelsim.report.training import print_training
    from accelsim.results.training import TrainingDocument

    print_training(TrainingDocument.parse(document), console.stdout())


def _use_threads(number: int) -> None:
    import numba

    most: int = getattr(numba.config, "NUMBA_NUM_THREADS")  # noqa: B009  # set while numba starts: types do not know it
    if number > most:
        raise InputError(
            f"--threads must be at most {most}, the cores of this computer, got {number}"
        )
    numba.set_num_threads(number)
