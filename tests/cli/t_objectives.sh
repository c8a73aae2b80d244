#!/bin/sh
# simlm pretrain --objective: each learns, in fp32 and bf16, gives the same bits
# whatever disturbs it, and refuses options that it has no use for.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"

t 'a world can be made' make_world
cp gen/model.safetensors gen.before

# pre NAME OBJECTIVE ... : a run of it into the directory NAME.
pre() {
    out=$1 objective=$2
    shift 2
    "$SIMLM" pretrain -q -t "${T:-1}" --objective "$objective" --model base -o "$out" \
        --max-length 24 --batch 8 --lr 1e-2 "$@" corpus.jsonl
}
# What an objective cannot do without, and what makes it small.
needs() {
    case $1 in
    mlm) ;;
    rlm|encdec-rtd) echo "--decoder-layers 1 --generator gen" ;;
    *) echo "--decoder-layers 1" ;;
    esac
}
# field DIR NAME: of its step records; first, last: of the first, the last.
field() { sed -n "s/.*\"event\":\"step\".*\"$2\":\([-0-9.e+]*\).*/\1/p" "$1/log.jsonl"; }
first() { field "$1" "$2" | head -1; }
last() { field "$1" "$2" | tail -1; }
falls() {
    awk -v a="$(first "$1" loss)" -v b="$(last "$1" loss)" -v f="$2" \
        'BEGIN { exit !(b > 0 && b < f * a) }' ||
        { echo "$(first "$1" loss) to $(last "$1" loss)"; return 1; }
}
logs() { grep -q "\"epoch_mean\":{.*\"$2\":[0-9]" "$1/log.jsonl"; }
model_same() { cmp "$1/model.safetensors" "$2/model.safetensors"; }
# It is stopped in the middle, and continued by the same command.
torn() {
    name=$1 objective=$2
    shift 2
    (exec "$SIMLM" pretrain -q -t 1 --objective "$objective" --model base -o "$name" \
        --max-length 24 --batch 8 --lr 1e-2 -s 40 --save-every 3 --log-every 1 "$@" \
        corpus.jsonl 2>/dev/null) &
    pid=$!
    while [ "$(grep -c '"event":"step"' "$name/log.jsonl" 2>/dev/null || true)" -lt 5 ] 2>/dev/null &&
        kill -0 $pid 2>/dev/null; do sleep 0.01; done
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    pre "$name" "$objective" -s 40 --save-every 3 --log-every 1 "$@"
}

for objective in rlm encdec-mlm condenser encdec-rtd autoencoder cocondenser; do
    with=$(needs $objective)
    # A share of the passages is hidden anew in each epoch: what falls is learning.
    t "$objective trains" exits 0 pre $objective $objective $with -s 160 --log-every 20 --eval-samples 4
    t 'its loss falls' falls $objective 0.97
    t 'it saves the decoder' test -s $objective/decoder.safetensors
    t 'it trains in bf16' exits 0 pre half-$objective $objective $with -s 160 --log-every 20 --eval-samples 4 --precision bf16
    t 'as well' falls half-$objective 0.97
    t 'a run' exits 0 pre whole-$objective $objective $with -s 40 --log-every 1
    T=2
    t 'in pieces on two threads, recomputing' exits 0 pre cut-$objective $objective $with -s 40 --log-every 1 --checkpointing
    T=1
    t 'gives the same bits' model_same whole-$objective cut-$objective
    t 'killed and resumed' torn torn-$objective $objective $with
    t 'it ends with the same bits' model_same whole-$objective torn-$objective
    t 'in the decoder, too' cmp whole-$objective/decoder.safetensors torn-$objective/decoder.safetensors
    # How a step is cut changes the order of sums, nothing else.
    t 'in pieces of 50 tokens' exits 0 pre small-$objective $objective $with -s 40 --log-every 1 --batch-tokens 50
    field whole-$objective loss | head -8 >1.txt
    field small-$objective loss | head -8 >2.txt
    t 'it has the same losses' sh -c "paste 1.txt 2.txt | awk '{ n++; d = (\$1 - \$2) / \$1; if (d * d > 1e-10) exit 1 } END { exit n < 8 }'"
done

t 'rlm logs both losses' logs rlm 'enc_mlm_loss.*dec_mlm_loss'
t 'and what was replaced' logs rlm replace_ratio
t 'Condenser logs late and head' logs condenser 'late_mlm_loss.*head_mlm_loss'
t 'coCondenser the contrast, too' logs cocondenser co_loss
t 'replaced-token detection its two' logs encdec-rtd 'enc_rtd_loss.*dec_rtd_loss'
t 'what an encoder-decoder made can be fine-tuned' exits 0 finetune_lists -m encdec-rtd -o ft -s 2
t 'coCondenser goes on from Condenser' exits 0 "$SIMLM" pretrain -q -t 1 --objective cocondenser -m condenser \
    -o more --decoder-layers 1 -s 2 -b 4 --max-length 24 corpus.jsonl

# ---- generators -------------------------------------------------------------------
joint="--decoder-layers 1 --generator gen --generator-training joint"
t 'a generator can learn along' exits 0 pre joint rlm $joint -s 160 --log-every 20 --eval-samples 4
t 'its loss is logged' logs joint g_mlm_loss
t 'and falls' sh -c "awk -v a=$(first joint g_mlm_loss) -v b=$(last joint g_mlm_loss) 'BEGIN { exit !(b < 0.97 * a) }'"
t 'a run' exits 0 pre whole-joint rlm $joint -s 40 --log-every 1
t 'killed and resumed' torn torn-joint rlm $joint
t 'it ends with the same bits' model_same whole-joint torn-joint
t 'a frozen one gives others' exits 0 pre frozen rlm --decoder-layers 1 --generator gen -s 40 --log-every 1
t 'indeed' sh -c '! cmp -s whole-joint/model.safetensors frozen/model.safetensors'
t 'the given directory is left alone' cmp gen/model.safetensors gen.before
t 'a new one of its shape' exits 0 pre fresh rlm $joint --generator-init random -s 40 --log-every 1
t 'gives others again' sh -c '! cmp -s whole-joint/model.safetensors fresh/model.safetensors'
t 'joint in bf16' exits 0 pre half-joint encdec-rtd $joint -s 20 --precision bf16
t 'a decoder can start random' exits 0 pre random rlm --decoder-layers 1 --generator gen --decoder-init random -s 2

# ---- rates ------------------------------------------------------------------------
for rates in '0.15 0.15' '0.15 0.3' '0.3 0.3' '0.4 0.6' '0.3 1' '0.5 0.3' '0 0'; do
    set -- $rates
    t "rates $1 and $2" exits 0 pre rates rlm --decoder-layers 1 --generator gen -s 2 --overwrite \
        --encoder-rate "$1" --decoder-rate "$2"
done

# ---- what does not fit ----------------------------------------------------------------
refused() { # OBJECTIVE OPTION VALUE
    t "$1 has no use for --$2" complains "the objective '$1' has no use for $2" \
        pre no "$1" $(needs "$1") "--$2" "$3"
}
refused mlm decoder-layers 3
refused mlm encoder-rate 0.2
refused mlm generator gen
refused rlm mask-rate 0.2
refused rlm early-layers 1
refused encdec-mlm generator-training joint
refused condenser decoder-rate 0.4
refused condenser generator-dropout off
refused autoencoder mask-rate 0.2
refused autoencoder mask-form all
refused autoencoder encoder-rate 0.2
refused cocondenser generator-init random
t 'a weight of a frozen generator' complains 'no generator that is trained' \
    pre no rlm --generator gen --generator-weight 1
t 'as many early layers as layers' complains '2 early layers of 2' \
    pre late condenser --decoder-layers 1 --early-layers 2
t 'replaced-token detection needs a generator' exits 2 pre no encdec-rtd
t 'an objective that is none' exits 2 pre no nonesuch
t 'nothing is left of what failed' absent no
finish
