#!/bin/sh
# --tensorboard: event files with what the log has, each step once, whatever
# happened to the run; of several trainings, each has a folder.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"

t 'a world can be made' make_world

# shown DIR TAG: the steps at which it has a value, in the order of the files.
shown() {
    "$EVENTS_DUMP" "$1" >shown.out || return 1
    echo $(awk -v tag="$2" '$1 == tag { print $2 }' shown.out)
}
shows() { got=$(shown "$1" "$2"); [ "$got" = "$3" ] || { echo "$2: $got"; return 1; }; }

t 'a pre-training is written' mlm -s 12 --log-every 4 --eval-every 6 \
    --tensorboard tb/mlm -o mlm
for tag in loss learning_rate grad_norm tokens_per_second epoch; do
    t "it has train/$tag" shows tb/mlm train/$tag '4 8 12'
done
t 'it has eval/loss' shows tb/mlm eval/loss '6 12'
# The numbers are the log's, as floats.
same_numbers() {
    sed -n 's/.*"event":"step".*"lr":[^,]*,"loss":\([^,]*\),.*/\1/p' mlm/log.jsonl |
        awk '{ printf "%.5g\n", $1 }' >a
    "$EVENTS_DUMP" tb/mlm | awk '$1 == "train/loss" { printf "%.5g\n", $3 }' >b
    [ -s a ] && cmp a b
}
t 'the losses are those of the log' same_numbers

t 'rlm has the parts of its loss' rlm -s 4 --log-every 2 --tensorboard tb/rlm -o rlm
for part in enc dec replace_ratio; do
    t "among them $part" sh -c "'$EVENTS_DUMP' tb/rlm | grep -q '^train/$part'"
done
t 'fine-tuning has its measures' finetune_lists -s 4 --log-every 2 \
    --tensorboard tb/ft -o ft
t 'of training' shows tb/ft train/mrr '2 4'
t 'and of the held-out queries' shows tb/ft eval/mrr 4

t 'a finished run adds nothing' sh -c "ls tb/mlm >before &&
    '$SIMLM' pretrain -q -t 1 --objective mlm --model base --max-length 24 --batch 8 \
        --lr 1e-2 -s 12 --log-every 4 --eval-every 6 --tensorboard tb/mlm -o mlm \
        corpus.jsonl && ls tb/mlm | cmp before -"

# ---- killed and resumed -----------------------------------------------------------
run_killed() {
    exec "$SIMLM" pretrain -q -t 1 --objective mlm --model base --max-length 24 \
        --batch 8 --lr 1e-2 -s 1500 --save-every 150 --log-every 1 --eval-every 500 \
        --tensorboard tb/killed -o killed corpus.jsonl
}
logged() {
    n=$(grep -c '"event":"step"' killed/log.jsonl 2>/dev/null)
    echo "${n:-0}"
}
killed_three_times() {
    n_killed=0
    for at in 5 200 500; do # before the first checkpoint, too
        (run_killed) &
        pid=$!
        while [ "$(logged)" -lt $at ] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
        kill -9 $pid 2>/dev/null
        wait $pid 2>/dev/null
        [ $? = 137 ] && n_killed=$((n_killed + 1))
    done
    [ $n_killed -ge 1 ] && (run_killed)
}
t 'a run is killed and resumed' killed_three_times
t 'each part of it has a file' sh -c '[ $(ls tb/killed | wc -l) -ge 2 ]'
t 'each step is shown once, in order' shows tb/killed train/loss "$(echo $(seq 1500))"
t 'and each evaluation' shows tb/killed eval/loss '500 1000 1500'
t 'a run that is overwritten makes void what was there' sh -c "
    '$SIMLM' pretrain -q -t 1 --objective mlm --model base --max-length 24 --batch 8 \
        -s 3 --lr 1e-2 --log-every 1 --tensorboard tb/killed -o killed --overwrite \
        corpus.jsonl"
t 'and only the new one is shown' shows tb/killed train/loss '1 2 3'

# ---- refused -----------------------------------------------------------------------
touch file
t 'what is no folder is refused' complains 'is a file' mlm -s 2 --tensorboard file -o refused
t 'before anything is done' absent refused
t 'one that cannot be made stops the run' complains 'is a file' \
    mlm -s 2 --log-every 1 --tensorboard file/tb -o stopped
t 'which continues' mlm -s 2 --log-every 1 --tensorboard stopped/tb -o stopped
t 'with a folder in its own' shows stopped/tb train/loss 2

# ---- recipes -------------------------------------------------------------------------
cat >two.yaml <<'YAML'
title: two trainings
defaults:
  pretrain: {objective: mlm, max-length: 24, batch: 8, lr: 1e-2, steps: 4, log-every: 2}
stages:
  one: {command: pretrain, model: base, inputs: corpus.jsonl}
  two: {command: pretrain, model: $one, inputs: corpus.jsonl}
YAML
t 'a recipe runs' "$SIMLM" run -q -t 1 -o runs --tensorboard tb/run two.yaml
t 'each of its trainings has its folder' sh -c 'ls tb/run | tr "\n" " " | grep -qx "one two "'
t 'with its steps' shows tb/run/two train/loss '2 4'
t 'where they go decides nothing' sh -c "
    '$SIMLM' run -t 1 -o runs two.yaml 2>&1 | grep 'nothing to do'"
finish
