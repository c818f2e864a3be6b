#!/usr/bin/env bash
# Makes the shipped traces, one a workload and family of learning rules (about an hour on two cores); those that exist are left alone.
#   bash workloads/traces/make.sh DATA     DATA: a folder with cifar10/, wikitext2/ and, unless Debian's package is installed, fashion-mnist/
# Networks with GELU alone (vit-small, gpt2-small) have no zeros to trace.
# `modular` on the wide convolutional networks and `conv-dfa` on ResNet-50 are left out: they would take gigabytes. There are no data for the CIFAR-100 and
# ImageNet workloads here.
set -euo pipefail
data=${1:?usage: make.sh DATA}
here=$(cd "$(dirname "$0")" && pwd)
data=$(cd "$data" && pwd)
accelsim=${ACCELSIM:-accelsim}
# A trace records the command that made it: data sets go by their names alone.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for set in cifar10 wikitext2 fashion-mnist; do
  [[ -d $data/$set ]] && ln -s "$data/$set" "$work/$set" || ln -s "/usr/share/datasets/$set" "$work/$set"
done

failed=()

trace() { # WORKLOAD "RULES" OPTION...
  local workload=$1 rules=$2 rule file
  shift 2
  for rule in $rules; do
    file=$workload.${rule%%:*}.npz
    [[ -e $here/$file ]] && continue
    if (cd "$work" && $accelsim trace "$workload" --rule "$rule" "$@" --output "$file" && mv "$file" "$here/$file"); then continue; fi
    failed+=("$workload.$rule")
  done
}

dense="bp fa dfa ssdfa frozen modular conv-dfa dilated revised"
sequence="bp fa dfa ssdfa triangular revised frozen"

trace digits-fc "$dense" --steps 200 --samples 4 --learning-rate 0.01
trace mnist-fc "$dense" --data fashion-mnist --steps 200 --samples 4 --learning-rate 0.001
for workload in fashion-fc fashion-fc3; do
  trace $workload "$dense" --data fashion-mnist --steps 200 --samples 4 --learning-rate 0.01
done
trace vgg16-cifar10 "fa frozen dilated revised conv-dfa" --data cifar10 --steps 60 --samples 2 --learning-rate 0.003
for cell in rnn lstm gru; do
  trace $cell-wikitext2 "$sequence" --data wikitext2 --steps 50 --batch 20 --samples 1 --optimizer adam --learning-rate 0.002
done
trace resnet18-cifar10 "fa frozen dilated revised" --data cifar10 --steps 60 --samples 2 --learning-rate 0.001
# Without batch norm the feedback rules need small steps.
trace vgg16-cifar10-nobn "dilated" --data cifar10 --steps 160 --samples 2 --optimizer adam --learning-rate 5e-5
trace vgg16-cifar10-nobn "revised conv-dfa" --data cifar10 --steps 160 --batch 16 --samples 2 --optimizer adam --learning-rate 5e-5
trace vgg16-cifar10-nobn "frozen" --data cifar10 --steps 120 --samples 2 --optimizer adam --learning-rate 5e-4
trace mnist-conv "$dense" --data fashion-mnist --steps 60 --samples 2 --optimizer adam --learning-rate 1e-4
trace cifar10-fc "$dense" --data cifar10 --steps 100 --samples 4 --optimizer adam --learning-rate 1e-4
trace cifar10-conv "bp fa dfa ssdfa frozen conv-dfa dilated revised" --data cifar10 --steps 60 --batch 16 --samples 2 --optimizer adam --learning-rate 1e-4
trace resnet18-cifar10 "conv-dfa" --data cifar10 --steps 60 --batch 16 --samples 2 --optimizer adam --learning-rate 5e-5
trace vgg16-cifar10-nobn "fa" --data cifar10 --steps 160 --samples 2 --optimizer adam --learning-rate 5e-5
trace resnet50-cifar10 "bp dfa ssdfa frozen" --data cifar10 --steps 60 --batch 16 --samples 1 --optimizer adam --learning-rate 3e-4
trace resnet50-cifar10 "fa" --data cifar10 --steps 60 --batch 16 --samples 1 --optimizer adam --learning-rate 5e-5
# The feedback of the modular rules has up to 2048 channels on both sides here: without groups a step takes a minute.
trace resnet50-cifar10 "revised:groups=8" --data cifar10 --steps 60 --batch 16 --samples 1 --optimizer adam --learning-rate 3e-5
trace resnet50-cifar10 "dilated" --data cifar10 --steps 100 --batch 8 --samples 1 --optimizer adam --learning-rate 1e-4
trace gpt-tiny "bp fa dfa:granularity=block ssdfa:granularity=block frozen" --data wikitext2 --steps 60 --batch 8 --samples 1 --optimizer adam --learning-rate 0.001
[[ ${#failed[@]} -eq 0 ]] || { echo "not made: ${failed[*]}" >&2; exit 1; }
