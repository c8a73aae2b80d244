#!/bin/sh
# simlm inspect and convert: checkpoints of others, looked into and rewritten.
. "$(dirname "$0")/lib.sh"
torch="$TEST_DATA/golden/torch"
model="$TEST_DATA/golden/model"

# A model directory in PyTorch's files, as others have it.
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' a b c '##a' '##b' '##c' \
    >vocab.txt
make_dir() { # name, config of, weights
    mkdir "$1" && cp "$model/$2/config.json" vocab.txt "$1" &&
        cp "$torch/$3" "$1/pytorch_model.bin"
}
inspect() { "$SIMLM" inspect "$@"; }
convert() { "$SIMLM" convert "$@"; }
says() { # model, a line
    inspect "$1" >t.text
    grep -x -- "$2" t.text || { tail -n 9 t.text; return 1; }
}
with_config() { # sed command: bert with another config.json
    sed "$1" "$model/bert/config.json" >bert/config.json
}
encode() { # model: the vectors of a text, as bytes
    printf '{"id":"1","contents":"a b c ab"}\n' >corpus.jsonl
    "$SIMLM" encode -q --side passage --model "$1" -o "$1.vectors" corpus.jsonl
}

make_dir bert bert bert_fp32.bin
make_dir half bert bert_fp16.bin
make_dir electra electra electra_fp32_legacy.bin
cp "$torch/decoder.pt" half

t 'a directory is inspected' exits 0 inspect bert
t 'its tensors are listed with what becomes of them' says bert \
    '  used     F32     60 x 16 *3840  bert.embeddings.word_embeddings.weight'
t 'tied copies are' \
    says bert '  tied     F32     60 *240  cls.predictions.decoder.bias'
t 'others are ignored' \
    says bert '  ignored  F32     1 x 24 *96  bert.embeddings.position_ids'
t 'the sums are right' \
    says bert 'tensors: 58 used, 2 tied, 0 misfit, 3 ignored, 0 missing'
make_dir extras bert bert_extras.bin
t 'what cannot be read is, with the reason' says extras \
    '  ignored  other   - *0  x.quantised (quantised)'
t 'and the model is read' encode extras
make_dir needed bert bert_needed.bin
t 'if the model needs it, that is an error' \
    complains "dense.weight' cannot be read: quantised" encode needed
t 'a decoder is part of the model' says half '.*; decoder of 2 layers; .*'
t 'an ELECTRA generator is known' says electra 'ELECTRA: .*masked-LM head.*'
with_config 's/"num_hidden_layers": 3/"num_hidden_layers": 4/'
t 'what is missing is named' \
    says bert '  missing  bert.encoder.layer.3.output.LayerNorm.bias'
with_config 's/"intermediate_size": 40/"intermediate_size": 48/'
t 'a misfit is' says bert '  misfit   F32     40 x 16 .*layer.0.intermediate.*'
with_config ''
t 'a file alone is inspected' exits 0 inspect "$torch/dict_legacy.bin"
t 'types are torch'"'"'s' grep 'BF16 *2 x 2 x 2 *16  bfloat' out
t 'shapes are' grep 'F32 *scalar *4  scalar' out
t 'as JSON' inspect --json -o x.json half
t 'which is JSON' "$JSON_CHECK" file x.json tensors
t 'an index lists its files' says "$torch/bert.index.json" \
    '.*bert-2.bin: torch, 29 tensors, .*'
t 'code is refused and named' complains "'posix.system'" inspect \
    "$torch/bad_code.bin"
t 'nothing was executed' absent /tmp/simlm-was-here
t 'a missing file is named' complains no-such inspect no-such
t 'one operand is needed' exits 2 inspect

t 'a model is rewritten' exits 0 convert --model bert -o ours
t 'as safetensors without copies' \
    says ours 'tensors: 58 used, 0 tied, 0 misfit, 2 ignored, 0 missing'
t 'both encode' encode bert
t 'and the other' encode ours
t 'to the same bits' \
    same bert.vectors/embeddings.npy ours.vectors/embeddings.npy
t 'a model that is there is not replaced' \
    complains "'ours' holds a model already" convert --model half -o ours
t 'unless that is asked for' convert --model half -o ours --overwrite
t 'its decoder comes along' says ours '.*; decoder of 2 layers; .*'
t 'old names become those of today' convert --model electra -o new
t 'all of them' sh -c '! grep -c gamma new/model.safetensors'
t 'and are read' says new 'tensors: .* used, 0 tied, 0 misfit, 0 ignored, 0 missing'
t 'halves stay halves' convert --model half --dtype fp16 -o fp16
t 'also through' convert --model half -o fp32
t 'fp32 and back' convert --model fp32 --dtype fp16 -o again
t 'to the bit' same fp16/model.safetensors again/model.safetensors
t 'the type is said' grep -q '"torch_dtype": "float16"' fp16/config.json
t 'bf16 is written' convert --model bert --dtype bf16 -o bf16
t 'and encodes' encode bf16
# Hugging Face's cache, as it lays it out.
commit=0123456789abcdef0123456789abcdef01234567
cached=hub/models--org--bert
HF_HUB_CACHE=$PWD/hub
export HF_HUB_CACHE
mkdir -p $cached/refs $cached/snapshots $cached/blobs
printf %s $commit >$cached/refs/main
cp -r bert $cached/snapshots/$commit
mv $cached/snapshots/$commit/pytorch_model.bin $cached/blobs/x
ln -s ../../blobs/x $cached/snapshots/$commit/pytorch_model.bin
t 'a model is found in the cache by its name' exits 0 inspect org/bert
t 'for its other commands, too' exits 0 \
    "$SIMLM" encode -q --side passage --model org/bert -o by-name corpus.jsonl
t 'with the same vectors' \
    same by-name/embeddings.npy bert.vectors/embeddings.npy
t 'another name is not, and offline not asked for' \
    complains 'HF_HUB_OFFLINE is set' inspect org/other
t 'a half-fetched model is none' sh -c "rm $cached/blobs/x && \
    ! $SIMLM inspect org/bert"

t 'a model without a tokenizer is refused' complains \
    'no vocab.txt or tokenizer.json' convert --model "$model/bert" -o bad
t 'nothing is written then' absent bad
t 'needs an output' exits 2 convert --model bert
finish
