"""Texts of the study's report beside its tables: how the runs differ from those of the papers, and
how to read the numbers.
"""

from __future__ import annotations

from accelsim.studies.accuracy import published

HEAD = """\
# Accuracy of the learning rules, at a reduced scale

{conclusions}

Test accuracies, means over seeds; differences in points. Small networks, few epochs, few seeds: the
order of rules can be compared with the papers, the values cannot.
"""

ORIGIN = """\
## Origin

Written by `python -m accelsim.studies.accuracy report` from the results in `runs/`, one small file
per run; do not edit. The runs are listed in `accelsim/studies/accuracy/plan.py`; {finished} of its
{planned} runs are finished. `make study DATA=DIR` executes the missing runs (it can be stopped at
any time and then continues), and `make study-report` writes this page.

Every number comes from a run, except in columns headed *printed*, which come from the papers. A
dash means that there is no number: the run is missing, or the quantity is not defined, such as the
deviation of a single seed. Accuracies are percentages, differences are points. Test scores are
those of the last epoch, never of the best one.
"""

CONTROLS = """\
## Controls and confounds

**Controls.** `frozen` trains only the output layer, and is in every table except that of the
sweeps. `bp-only:p=..` takes a fraction p of backpropagation's steps and skips the others; a hybrid
must beat it. It is listed beside the hybrids of VGG16 at p = 0.3 and 0.1, see the orderings.

**Confounds.** The scale of the feedback also affects a rule's score, possibly as much as the choice
of the rule: see the column *spread* under [How options were chosen](#how-options-were-chosen).
Rules with more than one scale had more candidates than backpropagation, and on some networks fewer
learning rates. On images, `hdfa` uses its own optimizer with two momenta (Han et al. 2020,
algorithm 1), the other rules plain momentum.
"""

ORDERINGS = """\
The table lists the orderings that the papers, or a trial in another framework before this study,
lead us to expect, and whether the means over our seeds confirm them. Perplexities are better if
lower. *Source* is one of three. The trial: its points are not those of the papers (in table 1 of
Han et al. a hybrid loses less than 2 points to `bp` at p = 0.5, so a required margin of 3 points or
more exceeds the loss there). A table of a paper. A control that every claim must beat.

The margin of the nearest seeds compares the worst seed of one side with the best seed of the other.
Where it is below the required margin, the verdict rests on the means only. The 95 % interval of the
margin is a percentile bootstrap over the seeds, if every rule has at least three. With one or two
seeds, a margin near the required one is not conclusive. Where a seed diverged, means are those of
the other seeds, and there is no verdict.
"""

SCALE = """\
## Differences in scale from the papers

* **Images**: CIFAR-10 has 20,000 training images here (two of the five batches) and the 10,000
  images of the test set, all re-encoded once through JPEG. Han et al. train on 50,000. Random crops
  and flips are as in their section 4.
* **Widths**: VGG16 and ResNet-18 have 1/8 of their channels. One VGG16 at 1/4, trained by
  backpropagation, shows how much of the distance to the paper is due to the width. The network of
  the transfer part has 1/4 of its channels.
* **Epochs**: few, as listed below, with a cosine schedule to zero. Crafton's code trains for 100 to
  500 epochs. Han et al. state no number and reach 99.9 % on the training images. Fewer epochs are a
  disadvantage for rules that learn slowly.
* **Text**: a vocabulary of 2,001 including the unknown word. Models are trained on WikiText-2's
  *test* file and scored on its *validation* file. Perplexities can be compared between the rules
  here, but not with published ones.
* **Transformer**: bytes of the same two files, short epochs of 50 batches, and the first 64 batches
  of the validation file for scores.
* **Options** (learning rate; scale of the feedback, or mixing factor) were chosen on a held-out
  tenth of the training set, by short runs of one seed, never on the test set. Final runs train on
  the whole training set. In the column *chosen by*, *plan* means that no search was made for this
  rule, and *tuning of* that it uses the choice of another rule. Where the largest or smallest
  candidate was chosen, a better value may lie beyond. Short runs are poor predictors for scales:
  `dfa` on VGG16 at a scale of 10, outside the plan, had a slightly better held-out score after two
  epochs than at 3, and a final test accuracy 8 points lower.
* **Seeds**: up to five on small networks, three on the transformer, one or two on large ones.
  Deviations are those of a sample (n - 1). The columns *95 %, +-* are half the width of the
  confidence interval: of a mean by Student's t, of a difference to `bp` by Welch's t. With two
  seeds the intervals are wide (12.7 standard errors), because two seeds give little information.
"""

FC = """\
`digits-fc` is 64-100-100-10 on the digits of scikit-learn. `fashion-fc` is 784-400-10 and
`fashion-fc3` 784-400-400-400-10, both on Fashion-MNIST. They replace the MNIST and CIFAR networks
of Crafton et al. 2019. The values of that paper's Table 3 are not available, so there are no
printed numbers beside ours. Its text says that DFA comes close to backpropagation on fully
connected networks for MNIST and CIFAR-10.

On the two shallower networks the feedback rules lead `frozen` by less than 3 points because
`frozen` is strong there: two random layers of 100, or one of 400, already give 89 and 85 %, and
backpropagation adds only 3.9 and 3.4 points. With three random layers `frozen` falls behind, and
the lead appears.
"""

SWEEP = f"""\
Rank and sparsity of the feedback on `fashion-fc`, at one learning rate, at the default scale, and
over fewer epochs than above; compare only within this table. A sparse matrix of limited rank has
larger entries than one of unlimited rank, because it is scaled to its deviation including zeros, as
in the authors' code (1.7 times at k = 10, 3.9 times at k = 2). Compare different k within one rank,
and different ranks among dense matrices. The angle is that between B and the output layer's weights
as vectors, after the last epoch (Crafton et al. 2019, eq. 14). In the paper, the accuracy rises
with the rank and saturates (for MNIST at {published.CRAFTON_MNIST_SATURATION} %), while sparsity
has little effect at a given rank. The paper's points are means of 10 runs.
"""

CNN = """\
Printed numbers are those of full width, 50,000 training images and training to convergence (99.9 %
of the training images by `bp`). Gaps to `bp` are therefore more comparable than accuracies, though
still only roughly. Hybrids have binary feedback in the paper (`BP/BDFA`) and here; `revised`
without backpropagation has binary feedback only in the paper. `conv-dfa` has modules and is
compared with *+Modularization*. *Convolutional DFA*, which has none, is not run. `modular`, with
dense feedback from the end of a module, has no row in the paper.

Contrary to the printed order, `dfa` is above `conv-dfa` on VGG16 and above `revised` on ResNet-18.
The reason is not settled. Two observations: the modular rules' errors cross each module through a
separate random link, so those of the first layers have passed four or five links and those of `dfa`
one; and in most layers updates are still far from backpropagation's, around 90 degrees in the
second and third stage (see the angles below), so few epochs have produced little alignment.
"""

TEXT = """\
Perplexity and accuracy count only known words: the unknown word is left out as a label and as a
candidate. Separate columns include it as a word like any other. The paper prints no perplexity, and
does not say which vocabulary its accuracies refer to. `revised:init=bw` (powers of one matrix,
started from the forward weights) is compared with the row *+ BW Init*. Sparse binary feedback
without steps of backpropagation has no row in the paper. Hybrids have binary feedback and are
compared with *BP/BDFA*.

`per_step=true` has separate feedback for each of the 35 time steps, as Table 4 of the paper counts
conventional DFA; `dfa:per_step=true` is compared with *Original DFA*. `dfa` and `triangular`
without it have the same feedback at every time step. The weights, which are the same at every step,
can align with it; this has a larger effect than the triangular form. `triangular` is harder for the
embedding than `dfa`: its error passes through two random matrices, and the errors of later steps
are added.

The plain RNN learns poorly under every rule, most of all under backpropagation, because its state
saturates. A plain RNN of the same size in PyTorch, tried manually for one epoch, behaves alike
(after 60 steps at a rate of 0.002, 95 % of its states lie beyond +-0.95). Norms of our gradient
stayed below 3.4, and clipping them at 0.25 did not help. Errors that pass back through saturated
states are small, so feedback that skips time steps is not at a disadvantage. Orderings in which the
RNN differs from LSTM and GRU show this effect, and no more. They also depend on the learning rate.
All rules use that of `bp`, chosen by one held-out score of one seed (252 at 0.0005, 257 at 0.002).
Final runs at 0.002, made before smaller rates were tried, are listed with their scores at the end;
there `dfa` and the hybrid are far better and the powers far worse.
"""

TRANSFER = f"""\
Convolutions trained by backpropagation are frozen, and the fully connected layers after them are
trained from scratch on their features, as in Table 5 of Crafton et al. 2019. The values of that
table are not available. The text says that the largest loss relative to backpropagation is
{published.CRAFTON_LARGEST_TRANSFER_LOSS} %, for AlexNet on ImageNet. The convolutions were trained
on the whole training set, so they had already seen the tenth on which a head's options were chosen,
but not the test set. All heads use the same convolutions, from one seed; deviations are those of
the heads only.
"""

TRANSFORMER = """\
**No feedback rule pays here.** After 400 steps `bp` has a perplexity of 10.8 per byte, and the four
rules with direct feedback 18.3 to 19.8, all worse than the control `frozen`, which trains the last
matrix alone and has 16.4. Sublayers are slightly better than blocks. Signs (`ssdfa`), and a tenth
of the steps by backpropagation (`hdfa`), change little.

**Nor does it save energy.** A step of `dfa` costs 8 % more than one of `bp` on near-memory and 4 %
more on von-neumann with blocks, 3 and 1 % more with sublayers; its time is within 5 %. There are
two causes. First, the products of EP stay: in pre-norm blocks the scales of the norms need the
errors behind the products, so a step with blocks has 2.25 G MACs of EP, one of `bp` 2.21, and one
with sublayers 1.81
([docs/learning-rules.md](../../docs/learning-rules.md#blocks-of-attention-launay-et-al-2020)).
Second, feedback leaves fewer zeros: in the shipped traces 48 to 73 % of the outputs of ReLU are not
zero under `dfa` of blocks, 43 to 48 % under `bp`. With equally many zeros (*equal zeros*: half of
each tensor, at random) blocks cost 0 to 1 % more than `bp`, and sublayers 2 to 3 % less.

**This is the beginning of training, not its end.** Each run reads 400 batches of 8 passages of 128
bytes, 0.41 MB in all, drawn anew in each of 8 stretches of 50 steps; the training file has 1.26 MB.
Scores are those of the first 65,536 bytes of the validation file. For comparison, counted on the
training file, a table of single bytes has a perplexity of 25.5 on them (3.24 nats per byte) and one
of pairs 10.6 (2.36 nats): `bp` has learned about as much as pairs tell, the rules with feedback
less. The curves flatten because the learning rate falls to zero. The published results with
direct feedback of transformers are of far longer training (Launay et al. 2020); nothing here speaks
about that. Rates were chosen among three for `bp` and `dfa` of blocks and two for `frozen`, by 100
steps of one seed. The other rules use the rate of `dfa` of blocks, and all the default scale. The
rate of `frozen` is the largest tried.

`gpt-tiny` has 4 pre-norm blocks of width 128 with ReLU and 0.87 million weights. `hdfa` takes steps
of `bdfa`, with binary feedback, between those of backpropagation. Runs have batches of 8, simulated
steps those of 16 that the workload states. `python -m accelsim.studies.accuracy costs` simulates
them again, into [runs/costs.csv](runs/costs.csv).
"""

TUNING = """\
Scores of the tuning runs on the held-out tenth: one line per learning rate, one column per option.
*spread* is the best minus the worst score of a line, in which only the option changes; it shows the
effect of the option. *chosen* gives the chosen option, in the line of the chosen learning rate. If
that is the smallest or largest candidate, a better value may lie beyond.
"""
