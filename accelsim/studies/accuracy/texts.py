"""Texts of the study's report beside its tables: how the runs differ from the papers', and how to
read the numbers.
"""

from __future__ import annotations

from accelsim.studies.accuracy import published

HEAD = """\
# Accuracy of the learning rules, at a reduced scale

Written by `python -m accelsim.studies.accuracy report` from the results under `runs/`, one small
file a run; do not edit. `accelsim/studies/accuracy/plan.py` says which runs there are, and
{finished} of its {planned} are there. `make study DATA=DIR` makes the missing ones (it may be
stopped at any time and goes on where it was), `make study-report` writes this page.

Every number is one that a run gave, but those in columns headed *printed*, which are the papers'. A
dash stands where there is no number: not run, or nothing to say, as the deviation of one seed.
Accuracies are percentages, differences points; test scores are the last epoch's, never the best
one's.
"""

ORDERINGS = """\
What the papers, or a trial in another framework before this study, lead one to expect, and whether
the means over our seeds show it; of perplexity less is better. *Who says so*: the trial, whose
points are not the papers' (in the paper's table 1 a hybrid loses less than 2 points to `bp` at p =
0.5, so that a margin of 3 or more is more than it loses there); a table of a paper; or a control
that every claim must beat. The margin of the nearest seeds sets the worst seed of one side against
the best of the other: where it misses what is needed, the verdict rests on the means alone. The
95 % interval of the margin is a percentile bootstrap over the seeds, where every rule has three or
more. With one or two seeds a margin near the one that is needed says little either way. Where a
seed diverged, means are those of the others, and there is no verdict.
"""

SCALE = """\
## What is smaller than in the papers

* **Images**: CIFAR-10 is 20,000 training images here (two of the five batches), and the 10,000 of
  the test set, all re-encoded once through JPEG; Han et al. train on 50,000. Random crops and flips
  as in their section 4.
* **Widths**: VGG16 and ResNet-18 have 1/8 of their channels. One VGG16 at 1/4, by backpropagation,
  shows how much of the distance to the paper is width. The network of the transfer part has 1/4 of
  its channels.
* **Epochs**: few, as listed below, with a cosine schedule to zero; Crafton's code trains for 100 to
  500, Han et al. name no number and reach 99.9 % on the training images. Rules that learn slower
  lose more by it.
* **Text**: a vocabulary of 2,001, the unknown word among them; trained on WikiText-2's *test* file
  and scored on its *validation* file. The perplexities compare among the rules here, and with
  nothing published.
* **Options** (learning rate; scale of the feedback, or mixing factor) were chosen on a held-out
  tenth of the training set, by short runs of one seed, never on the test set. Final runs train on
  the whole training set. *plan* in the column *chosen by* means that nothing was searched for this
  rule, *tuning of* another that it took over that one's choice. Where the largest or smallest scale
  tried was chosen, a better one may lie beyond. Short runs judge scales badly, though: `dfa` on
  VGG16 at a scale of 10, outside the plan, had a slightly better held-out score after two epochs
  than at 3, and a test accuracy 8 points lower in the end.
* **Seeds**: up to five on small networks, one or two on large ones. Deviations are those of a
  sample (n - 1). The columns *95 %, +-* are half the confidence interval: of a mean by Student's t,
  of a difference to `bp` by Welch's t. With two seeds they are wide (12.7 standard errors), and
  say how little two seeds tell.

**Controls.** `frozen` trains the output layer alone, and stands in every table but that of the
sweeps; `bp-only:p=..` takes a fraction p of backpropagation's steps and leaves the others out,
which is what a hybrid must beat, and stands beside the hybrids of VGG16 at p = 0.3 and 0.1: see the
orderings.

**Confounds.** The scale of the feedback moves a rule's score too, and may do so as much as the
choice of the rule: see the column *spread* under [How options were
chosen](#how-options-were-chosen). Rules with several scales had more to choose from than
backpropagation, and on some networks fewer learning rates. On images `hdfa` learns by its own
optimizer of two momenta (Han et al. 2020, algorithm 1), the others by plain momentum.
"""

FC = """\
`digits-fc` is 64-100-100-10 on the digits of scikit-learn, `fashion-fc` 784-400-10 and
`fashion-fc3` 784-400-400-400-10 on Fashion-MNIST; they stand in for the MNIST and CIFAR networks of
Crafton et al. 2019. The values of their Table 3 are not recovered, so that there is nothing to
print beside ours; their text says that DFA comes close to backpropagation on fully connected
networks for MNIST and CIFAR-10.

That the feedback rules lead `frozen` by less than 3 points on the two shallower networks is
`frozen`'s doing: two random layers of 100, or one of 400, alone give 89 and 85 %, and
backpropagation itself adds 3.9 and 3.4 points to that. Behind three random layers `frozen` falls
back, and the lead is there.
"""

SWEEP = f"""\
Rank and sparsity of the feedback on `fashion-fc`, at one learning rate, at the default scale, and
over fewer epochs than above: compare inside this table only. A matrix of limited rank is larger
than one without: it is scaled to its deviation with its zeros counted in, as the authors' code does
(1.7 times at k = 10, 3.9 times at k = 2), so that k compares within a rank, and ranks among dense
matrices. The angle is that between B and the output layer's weights as vectors, after the last
epoch (Crafton et al. 2019, eq. 14). In the paper the accuracy rises with the rank and saturates (of
MNIST at {published.CRAFTON_MNIST_SATURATION} %), while sparsity changes little at a given rank; its
points are means of 10 runs.
"""

CNN = """\
Printed numbers are those of full width, 50,000 training images and a training to the end (99.9 % of
the training images by `bp`): gaps to `bp` say more than accuracies, and not much even so. Hybrids
have binary feedback there (`BP/BDFA`) and here, `revised` alone does not here. `conv-dfa` has
modules and is set beside *+Modularization*; *Convolutional DFA*, which has none, is not run, and
`modular`, whose feedback from the end of a module is dense, has no row there.

That `dfa` comes out above `conv-dfa` on VGG16 and above `revised` on ResNet-18, the other way round
than printed, has no settled reason. What the runs show: the modular rules' errors cross each module
by a random link of its own, so that those of the first layers have met four or five, `dfa`'s one;
and updates are still far from backpropagation's in most layers, around 90 degrees in the second and
third stage (the angles below), so that few epochs have aligned little.
"""

TEXT = """\
Perplexity and accuracy count the known words alone: the unknown one is neither asked for nor
offered. With it, taken as a word like any other, they stand in columns of their own. The paper
prints no perplexity, and does not say what vocabulary its accuracies are on. `revised:init=bw`
(powers of one matrix, started from the forward weights) is set beside the row *+ BW Init*; sparse
binary feedback without steps of backpropagation has no row there. Hybrids have binary feedback, and
are set beside *BP/BDFA*.

`per_step=true` has feedback of its own at each of the 35 time steps, as Table 4 of the paper counts
conventional DFA: `dfa:per_step=true` is what stands beside *Original DFA*. `dfa` and `triangular`
without it have one feedback through time, with which the weights, the same at every step, can
align; that makes more difference than the triangular form does. `triangular` asks more of the
embedding than `dfa`: its error comes through two random matrices, with the errors of later steps
added.

The plain RNN learns badly by every rule, backpropagation first: its state saturates. A plain RNN of
the same size in PyTorch, tried by hand for one epoch, does so too (after 60 steps at a rate of
0.002, 95 % of its states lie beyond +-0.95). Norms of our gradient stayed below 3.4, and clipping
them at 0.25 did not help. What passes back through saturated states is small, so that feedback
which skips time steps is not at a disadvantage: orderings in which the RNN differs from LSTM and
GRU say this, and no more. They also turn with the learning rate, which all rules take over from
`bp`, on one held-out score of one seed (252 at 0.0005, 257 at 0.002): final runs at 0.002, made
before smaller rates were tried, are listed with their scores at the end, and there `dfa` and the
hybrid do far better and the powers far worse.
"""

TRANSFER = f"""\
Convolutions that backpropagation trained are frozen, and the fully connected layers behind them are
trained anew on their features. Crafton et al. 2019 do so in their Table 5; its values are not
recovered. Their text says that the largest loss to backpropagation is
{published.CRAFTON_LARGEST_TRANSFER_LOSS} %, of AlexNet on ImageNet. The convolutions were trained
on the whole training set, so that the tenth on which a head's options were chosen was not new to
them; the test set was. All heads stand on the same convolutions, of one seed: deviations are those
of the heads alone.
"""

TUNING = """\
Scores of the tuning runs on the held-out tenth: a line a learning rate, a column an option.
*spread* is the best less the worst of a line, where only the option changes: how far it alone moves
the rule. *chosen* names the option taken, in the line of the learning rate taken. Where that is the
least or the largest of those tried, a better one may lie beyond.
"""
