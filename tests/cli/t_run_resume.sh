#!/bin/sh
# A recipe that is killed in any stage, alone or with its stage, goes on there and
# ends with the report of a run that nothing disturbed.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"
. "$here/recipe_lib.sh"
# shellcheck disable=SC2086 # $long is a list
command -v pgrep >/dev/null || { echo 'skipped: no pgrep'; exit 77; }

make_world
make_recipe >tiny.yaml
long='--set steps=400 --set rounds=300'
run() { exec "$SIMLM" run -o "$1" $long tiny.yaml; }
t 'a recipe runs' exits 0 "$SIMLM" run -q -o whole $long tiny.yaml

# until_is FILE PID [FILE]: wait for a file, or for the process's end.
until_is() {
    until [ -e "$1" ] || [ -e "${3:-$1}" ] || ! kill -0 "$2" 2>/dev/null; do
        sleep 0.01
    done
}
# until_at STAGE PID: the stage is at work, or was; one that trains has logged
# something since.
until_at() {
    logged=$(cat "torn/$1/log.jsonl" 2>/dev/null | wc -l)
    until_is "torn/state/$1.begun" "$2" "torn/state/$1.done"
    case $1 in mlm | retriever)
        while [ "$(cat "torn/$1/log.jsonl" 2>/dev/null | wc -l)" -le "$logged" ] && kill -0 "$2" 2>/dev/null; do
            sleep 0.01
        done ;;
    esac
}
# killed_in STAGE [with]: start it, and kill it there, with the stage's process or
# without.  A stage of a moment may be over by then.
n_killed=0
killed_in() {
    (run torn) >out 2>err &
    pid=$!
    until_at "$1" $pid
    child=$(pgrep -P $pid)
    kill -9 $pid 2>/dev/null && n_killed=$((n_killed + 1))
    if [ -n "${2:-}" ] && [ -n "$child" ]; then
        kill -9 "$child" 2>/dev/null
    fi
    wait $pid 2>/dev/null
    rm -f torn/report.json
}
with=
for stage in words start mlm mlm bm25 hits retriever retriever vectors flat dense both row.1.1 difference.1 report.html; do
    killed_in $stage $with
    case $stage$with in mlm | mlmwith | retriever | retrieverwith)
        t "it is killed in $stage" [ -e "torn/state/$stage.begun" ] ;;
    esac
    if [ -n "$with" ]; then with=; else with=with; fi
done
t 'it was killed often' [ $n_killed -ge 10 ]
t 'it is continued' exits 0 "$SIMLM" run -o torn $long tiny.yaml
t 'and ends with the same report' same_report whole torn
t 'the same model' cmp whole/retriever/model.safetensors torn/retriever/model.safetensors
t 'and the same run' cmp whole/both torn/both
t 'then there is nothing to do' exits 0 "$SIMLM" run -o torn $long tiny.yaml
t 'and it says so' grep -q 'nothing to do' err
t 'nothing is left of those that were killed' sh -c '! ls -d torn/state/*.begun torn/*.tmp.* 2>/dev/null'

# A polite signal goes to the stage, which saves.
(run polite) >out 2>err &
pid=$!
until_is polite/state/mlm.begun $pid
until [ -s polite/mlm/log.jsonl ] || ! kill -0 $pid 2>/dev/null; do sleep 0.01; done
kill -TERM $pid
wait $pid
t 'SIGTERM ends it with code 1' [ $? = 1 ]
t 'the stage says where it stopped' grep -q 'stopped after step [0-9]* of 400' err
t 'and the run in which stage' grep -q "stopped in stage 'mlm'; the same command continues there" err
t 'it is continued' exits 0 "$SIMLM" run -o polite $long tiny.yaml
t 'from there' grep -q 'mlm: continued: simlm pretrain' err
t 'to the same report' same_report whole polite

# Killed when a stage that was changed has only just begun: what its former self
# made is in nobody's way.
changed='--set steps=200 --set rounds=150'
(exec "$SIMLM" run -q -o polite $changed tiny.yaml) >out 2>err &
pid=$!
until grep -q -e '--steps 200' polite/state/mlm.begun 2>/dev/null || ! kill -0 $pid 2>/dev/null; do sleep 0.01; done
child=$(pgrep -P $pid)
kill -9 $pid $child
wait $pid
t 'a changed stage is killed as it begins' [ -e polite/state/mlm.begun ]
t 'it is continued all the same' exits 0 "$SIMLM" run -o polite $changed tiny.yaml
t 'with its own steps' grep -q '"steps": 200' polite/mlm/train.json

(exec "$SIMLM" run -q -o busy --set steps=100000 tiny.yaml) >out 2>err &
pid=$!
until_is busy/state/mlm.begun $pid
t 'a folder where a run is at work is refused' complains "another run is at work in 'busy'" "$SIMLM" run -q -o busy tiny.yaml
kill -TERM $pid
wait $pid
finish
