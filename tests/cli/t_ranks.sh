#!/bin/sh
# mpirun simlm: ranks share a job.  Training follows the loss curve of a single
# process and is resumed to the bit; vectors, runs and scores are its bits; a
# rank that fails or dies ends the job.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"
: "${SIMLM_BUILD:?}"
command -v mpirun >/dev/null || { echo 'skipped: no mpirun'; exit 77; }
[ -e "$SIMLM_BUILD/simlm-mpi.so" ] || { echo 'skipped: built without MPI'; exit 77; }
case ${SIMLM_SANITIZE:-} in
*thread*) echo 'skipped: MPI itself has races'; exit 77 ;;
esac

# More ranks than cores, all on this machine, and whoever the tests run as; what
# MPI leaks is not ours.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
    OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none \
    OMPI_MCA_btl=self,vader OMPI_MCA_btl_vader_single_copy_mechanism=none \
    ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
for n in 2 3 4; do
    printf '#!/bin/sh\nexec mpirun -np %s "%s" "$@"\n' $n "$SIMLM" >np$n
    chmod +x np$n
done
alone=$SIMLM

# on N command...: as N processes.
on() {
    SIMLM=$tmp/np$1
    shift
    "$@"
    code=$?
    SIMLM=$alone
    return $code
}
losses() {
    sed -n 's/.*"event":"step".*"lr":[^,]*,"loss":\([^,]*\),.*/\1/p' "$1/log.jsonl"
}
evals() { grep '"event":"eval"' "$1/log.jsonl" | grep -o '"[a-z0-9_]*":[-0-9][-0-9.e+]*' | sed 's/.*://'; }
# Within 1e-5 of each other, number by number, and there are some.
near() {
    paste "$1" "$2" | awk '
        $1 - $2 > 1e-5 || $2 - $1 > 1e-5 || NF != 2 { print; bad = 1 }
        END { exit bad || !NR }'
}
same_curve() {
    losses "$1" >a && losses "$2" >b && near a b && evals "$1" >a && evals "$2" >b && near a b
}
# Rounding may turn a near tie of two passages around, which the rank measures of so
# small an evaluation show and its loss does not.
same_losses() {
    losses "$1" >a && losses "$2" >b && near a b || return 1
    for x in "$1" "$2"; do
        sed -n 's/.*"event":"eval".*"loss":\([^,}]*\).*/\1/p' "$x/log.jsonl" >eval-$x
    done
    near "eval-$1" "eval-$2"
}
same_model() { cmp "$1/model.safetensors" "$2/model.safetensors"; }

t 'a world can be made' make_world
short='-s 12 --log-every 1 --eval-samples 8 --eval-every 6 --lr 1e-3'

# ---- training -----------------------------------------------------------------
t 'one process pre-trains' mlm $short -o mlm1
t 'two do' on 2 mlm $short --tensorboard tb -o mlm2
t 'the first alone writes for TensorBoard' sh -c '[ $(ls tb | wc -l) = 1 ] &&
    [ $("$EVENTS_DUMP" tb | grep -c "^train/loss ") = 12 ]'
t 'with the same losses and measures' same_curve mlm1 mlm2
t 'one process trains through the bottleneck' rlm $short --batch-tokens 60 -o rlm1
t 'three do' on 3 rlm $short --batch-tokens 60 -o rlm3
t 'with the same losses and measures' same_curve rlm1 rlm3
t 'means of micro-batches are of all ranks' on 2 rlm $short --batch-tokens 60 --loss-mean micro -o micro2
spans() { mlm --objective cocondenser --decoder-layers 1 --early-layers 1 --batch-tokens 60 $short "$@"; }
t 'one process contrasts spans' spans -o co1
t 'three do' on 3 spans -o co3
t 'with the same losses: spans of all ranks are told apart' same_curve co1 co3
t 'one process fine-tunes' finetune_lists $short -o ft1
t 'two do' on 2 finetune_lists $short -o ft2
t 'with the same losses and measures: negatives cross processes' same_curve ft1 ft2
t 'four do, on however many cores' on 4 finetune_lists $short -o ft4
t 'with the same losses' same_losses ft1 ft4
t 'one process fine-tunes with gradient caching' finetune_lists $short --grad-cache 3 -o gc1
t 'with the same losses' same_losses ft1 gc1
t 'two do' on 2 finetune_lists $short --grad-cache 3 -o gc2
t 'with the same losses' same_losses ft1 gc2
reranker() {
    "$SIMLM" train-reranker -q -t 1 --model base --corpus corpus.jsonl --batch 5 --passages 6 \
        --forward-factor 3 --max-length 32 --queries queries.tsv \
        --qrels qrels.txt --negatives run.tsv "$@"
}
t 'one process trains a re-ranker with the hardest of its negatives' reranker $short -o rr1
t 'two do' on 2 reranker $short -o rr2
t 'with the same losses and measures' same_curve rr1 rr2
awk -F '\t' '{ print $1 "\t" $2 "\t" $3 "\t" ($2 * 7 % 60) / 20 }' run.tsv >scored.tsv
t 'lists with a teacher' "$SIMLM" mine -q -t 1 --corpus corpus.jsonl --queries queries.tsv \
    --qrels qrels.txt --negatives scored.tsv -o kd.jsonl
towers() { finetune --teacher kd.jsonl --untied --pooler 6 --batch-tokens 60 $short "$@"; }
t 'one process trains two encoders and a pooler from a teacher' towers -o towers1
t 'two do' on 2 towers -o towers2
t 'with the same losses' same_losses towers1 towers2

# ---- bits ---------------------------------------------------------------------
encode() { "$SIMLM" encode -q -t 1 --model ft1 --side passage "$@" corpus.jsonl; }
t 'one process encodes' encode -o vec1
t 'three do' on 3 encode -o vec3 --save-every 7
t 'the same bits' cmp vec1/embeddings.npy vec3/embeddings.npy
t 'and ids' cmp vec1/ids.txt vec3/ids.txt
t 'an index' "$SIMLM" index -q -o flat vec1
search() { "$SIMLM" search -q -t 1 --model ft1 --index flat "$@" queries.tsv; }
t 'one process searches' search --top 9 -o run1
t 'three do' on 3 search --top 9 -o run3
t 'and find the same' cmp run1 run3
t 'of every passage, too' search --top 100 -o run1
t 'by two' on 2 search --top 100 -o run2
t 'the same' cmp run1 run2
t 'hard negatives' "$SIMLM" mine -q --corpus corpus.jsonl --queries queries.tsv \
    --qrels qrels.txt --negatives run.tsv -o train.jsonl
score() {
    "$SIMLM" score -q -t 1 --model rr1 --corpus corpus.jsonl "$@" train.jsonl
}
t 'one process scores' score -o kd1.jsonl
t 'two do' on 2 score -o kd2.jsonl
t 'the same scores' cmp kd1.jsonl kd2.jsonl
rerank() {
    "$SIMLM" rerank -q -t 1 --model rr1 --corpus corpus.jsonl --queries queries.tsv "$@" run.tsv
}
t 'one process re-ranks' rerank --depth 7 -o reranked1
t 'three do' on 3 rerank --depth 7 -o reranked3
t 'the same run' cmp reranked1 reranked3

# ---- and in the end -------------------------------------------------------------
# Measures of a model on the whole collection, all from 0 to 1.  (This small a model
# takes its passages for almost one, so that rounding turns near ties around.)
measures() {
    "$SIMLM" encode -q -t 1 --model "$1" --side passage -o "$1.vec" corpus.jsonl &&
        "$SIMLM" index -q -o "$1.flat" "$1.vec" &&
        "$SIMLM" search -q -t 1 --model "$1" --index "$1.flat" --top 20 -o "$1.run" queries.tsv &&
        "$SIMLM" eval -q -m rr@10 -m ndcg@10 -m recall@20 qrels.txt "$1.run" |
        awk '{ print $NF }' >"$1.measures"
}
alike() {
    paste "$1" "$2" | awk '$1 - $2 > 0.02 || $2 - $1 > 0.02 { bad = 1 } END { exit bad || NR < 3 }'
}
t 'what one process has fine-tuned is measured' measures ft1
t 'what two have' measures ft2
t 'the same, but for near ties' alike ft1.measures ft2.measures

# ---- failures -------------------------------------------------------------------
t 'what all find wrong ends the job' sh -c '! ./np2 encode -q --model nowhere --side passage -o x corpus.jsonl >said 2>&1'
t 'with its message' grep -q "^simlm: .*nowhere" said
t 'a command for one process' sh -c '! ./np2 index -q -o y vec1 >said 2>&1'
t 'says so' grep -q "'index' is not for several processes" said

# unlike TEXT A B command...: rank 0 runs it with --model A, rank 1 with B (and
# with the environment variable in `other`), and the job ends saying TEXT.
other=NONE=1
unlike() {
    text=$1 a=$2 b=$3
    shift 3
    ! mpirun -np 1 "$SIMLM" "$@" --model "$a" : -np 1 env "$other" "$SIMLM" "$@" --model "$b" \
        >said 2>&1 && grep -q "rank 1: .*$text" said || { cat said; return 1; }
}
files='options or files are not those of rank 0'
t 'vectors of two models are not mixed' unlike "$files" ft1 ft2 \
    encode -q -t 1 --side passage -o mixed corpus.jsonl
t 'nor runs' unlike "$files" ft1 ft2 search -q -t 1 --index flat -o mixed.run queries.tsv
t 'nor scores' unlike "$files" rr1 rr2 score -q -t 1 --corpus corpus.jsonl -o mixed.jsonl train.jsonl
t 'nor those of a run' unlike "$files" rr1 rr2 \
    rerank -q -t 1 --corpus corpus.jsonl --queries queries.tsv -o mixed.reranked run.tsv
other=SIMLM_CPU=ref
t 'nor what two instruction sets make' unlike 'computes otherwise' ft1 ft1 \
    encode -q -t 1 --side passage -o mixed corpus.jsonl
t 'nothing was written' test ! -e mixed/embeddings.npy -a ! -e mixed.run -a ! -e mixed.jsonl -a ! -e mixed.reranked

# ---- models by name ---------------------------------------------------------------
commit=0123456789abcdef0123456789abcdef01234567
mkdir -p hub/models--us--base/refs hub/models--us--base/snapshots
cp -r ft1 hub/models--us--base/snapshots/$commit
printf %s $commit >hub/models--us--base/refs/main
# Of two ranks the first has that cache, the other an empty one.
by_name() {
    model=$1
    shift
    set -- "$SIMLM" encode -q -t 1 --model "$model" --side passage "$@" corpus.jsonl
    mpirun -np 1 env HF_HUB_CACHE="$tmp/hub" "$@" : -np 1 env HF_HUB_CACHE="$tmp/nothing" "$@"
}
t 'rank 0 finds a model by name for all' by_name us/base -o named
t 'and it is that model' cmp vec1/embeddings.npy named/embeddings.npy
by_no_name() { ! by_name us/other -o unnamed >said 2>&1; }
t 'a model that it does not find ends the job' by_no_name
t 'with its message' grep -q "^simlm: 'us/other'.*$tmp/hub.*HF_HUB_OFFLINE" said
t 'nobody else looks' sh -c '! grep /nothing said'

run_long() {
    exec "${3:-./np2}" pretrain -q -t 1 --objective mlm --model base --max-length 24 --batch 8 \
        --lr 1e-3 --save-every 5 --log-every 2 -s "$1" -o "$2" corpus.jsonl
}
logged() {
    n=$(grep -c '"event":"step"' "$1/log.jsonl" 2>/dev/null)
    echo "${n:-0}"
}
until_logged() {
    while [ "$(logged "$1")" -lt "$2" ] && kill -0 "$3" 2>/dev/null; do sleep 0.05; done
}
sub() { ("$@"); }
t 'a run that nothing disturbs' sub run_long 300 whole
(run_long 300 torn 2>said) &
pid=$!
until_logged torn 8 $pid
rank=$(pgrep -P $pid -f 'simlm pretrain' | tail -1)
kill -9 "$rank"
wait $pid
t 'a rank that dies ends the others' test $? != 0
t 'with a message' grep -q 'signal 9' said
t 'the run had not finished' absent torn/config.json
cp -r torn other
t 'the same command goes on' sub run_long 300 torn
t 'to the same bits' same_model whole torn
t 'one process goes on, too' sub run_long 300 other "$SIMLM"
t 'to the same losses but for rounding' same_losses whole other
(run_long 100000 polite 2>said) &
pid=$!
until_logged polite 3 $pid
kill -USR1 $pid
wait $pid
t 'asked to stop, all do' test $? = 1
t 'one of them says so' test "$(grep -c stopped said)" = 1
t 'and how to go on' grep -q 'stopped after step [0-9]* of 100000; the same command continues' said
t 'from a checkpoint' sh -c 'ls -d polite/checkpoint-*'
finish
