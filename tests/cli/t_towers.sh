#!/bin/sh
# Retrievers with an encoder for either side, and with a pooler: finetune makes
# them, encode and search use them, each part is a model directory of its own, and
# what does not fit is refused.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"

t 'a world can be made' make_world

tune() { finetune_lists -s 6 "$@"; }
encode() { "$SIMLM" encode -q -t "${T:-1}" --model "$1" --side "$2" -o "$3" "$4"; }
# vectors MODEL MODEL SIDE INPUT: both make the same.
vectors_same() {
    encode "$1" "$3" va "$4" && encode "$2" "$3" vb "$4" || return 1
    cmp va/embeddings.npy vb/embeddings.npy
    code=$?
    rm -rf va vb
    return $code
}
# width DIR N: of its vectors.
width() {
    encode "$1" query vw queries.tsv || return 1
    head -c 128 vw/embeddings.npy | grep -aq "'shape': (60, $2)"
    code=$?
    rm -rf vw
    return $code
}

# ---- two encoders ------------------------------------------------------------------
t 'two encoders are trained' exits 0 tune -o two --untied
t 'each has its directory' test -s two/query_model/model.safetensors -a -s two/passage_model/config.json
t 'what they share is above' sh -c 'test -s two/simlm.json && test -s two/vocab.txt && ! test -e two/model.safetensors'
t 'they went different ways' sh -c '! cmp -s two/query_model/model.safetensors two/passage_model/model.safetensors'
t 'queries are encoded by one' vectors_same two two/query_model query queries.tsv
t 'passages by the other' vectors_same two two/passage_model passage corpus.jsonl
t 'passages are indexed' sh -c '"$SIMLM" encode -q -t 1 --model two --side passage -o pv corpus.jsonl && "$SIMLM" index -q -o flat pv'
t 'and found' exits 0 "$SIMLM" search -q -t 1 --model two --index flat --top 5 -o two.run queries.tsv
t 'without a warning' sh -c '[ ! -s err ] && [ "$(wc -l <two.run)" = 300 ]'
t 'which of them to inspect is said' complains "choose 'two/query_model' or 'two/passage_model'" "$SIMLM" inspect two
t 'and to pre-train from' complains "choose 'two/query_model' or 'two/passage_model'" "$SIMLM" pretrain -q -t 1 --objective mlm --model two -s 1 -o x corpus.jsonl
t 'and to make a re-ranker of' complains "choose 'two/query_model' or 'two/passage_model'" "$SIMLM" train-reranker -q -t 1 --model two --corpus corpus.jsonl \
    --queries queries.tsv --qrels qrels.txt --negatives run.tsv --max-length 24 -s 1 -o x
t 'each can be' exits 0 "$SIMLM" inspect two/passage_model
t 'other tools find them' sh -c 'grep -q "models.Router" two/modules.json && grep -q "\"passage_model\"" two/router_config.json'
t 'and how long texts are' sh -c 'grep -q "_length\": 8," two/query_model/sentence_bert_config.json &&
    grep -q "_length\": 24," two/passage_model/sentence_bert_config.json'
t 'their README says how' grep -q 'encode_document(\[("its title", "the text")\])' two/README.md
T=2
t 'two threads' exits 0 tune -o three --untied
T=1
t 'give the same bits' sh -c 'cmp two/query_model/model.safetensors three/query_model/model.safetensors &&
    cmp two/passage_model/model.safetensors three/passage_model/model.safetensors'
t 'lists for what follows' exits 0 tune -o ex -s 1 --save-examples ex.jsonl
t 'training goes on with two' exits 0 "$SIMLM" finetune -q -t 1 --model two --corpus corpus.jsonl --batch 4 \
    --passages 4 --query-max-length 8 --passage-max-length 24 --train ex.jsonl -s 2 -o four
t 'of its own accord' test -s four/passage_model/model.safetensors
t 'a run with one encoder in its place' exits 0 tune -o three --overwrite
t 'leaves nothing of the two' sh -c 'test -s three/model.safetensors && ! ls -d three/*_model three/router_config.json 2>/dev/null'

# ---- a pooler ------------------------------------------------------------------------
t 'a pooler is trained' exits 0 tune -o pool --pooler 6
t 'vectors have its width' width pool 6
t 'as its README says' grep -q '^Vectors: 6 numbers, the last layer.s \[CLS\] through a linear layer' pool/README.md
t 'other tools find it' sh -c 'grep -q "models.Dense" pool/modules.json && grep -q 3_Normalize pool/modules.json &&
    grep -q "\"out_features\": 6" pool/2_Dense/config.json'
t 'its directory without our file is encoded alike but for titles' sh -c 'cp -r pool foreign && rm foreign/simlm.json'
t 'queries are' vectors_same pool foreign query queries.tsv
t 'training goes on with it' exits 0 "$SIMLM" finetune -q -t 1 --model pool --corpus corpus.jsonl --batch 4 \
    --passages 4 --query-max-length 8 --passage-max-length 24 --train ex.jsonl -s 2 -o pool2
t 'and its width' width pool2 6
t 'another width is refused' complains "has a pooler of width 6, not 7" "$SIMLM" finetune -q -t 1 --model pool \
    --corpus corpus.jsonl --train ex.jsonl --query-max-length 8 --passage-max-length 24 --pooler 7 -o x
t 'both at once' exits 0 tune -o all --untied --pooler 20
t 'are encoded by both' width all 20
t 'either part has the pooler' vectors_same all all/passage_model passage corpus.jsonl
t 'in bf16' exits 0 tune -o all16 --untied --pooler 20 --precision bf16

# ---- a Router of others ------------------------------------------------------------------
# As sentence-transformers saves what it has loaded: no file of ours, other names,
# pooling in either route, the tokenizer with the encoders alone.
cp -r two router && rm router/simlm.json router/vocab.txt router/tokenizer* router/config.json
mv router/query_model router/query_0_Transformer && mv router/passage_model router/document_0_Transformer
cp -r router/1_Pooling router/query_1_Pooling && mv router/1_Pooling router/document_1_Pooling
echo '[{"path": "", "type": "a.Router"}, {"path": "1_Normalize", "type": "a.Normalize"}]' >router/modules.json
cat >router/router_config.json <<'END'
{"types": {"query_0_Transformer": "a.Transformer", "query_1_Pooling": "a.Pooling",
           "document_0_Transformer": "a.Transformer", "document_1_Pooling": "a.Pooling"},
 "structure": {"query": ["query_0_Transformer", "query_1_Pooling"],
               "document": ["document_0_Transformer", "document_1_Pooling"]}, "parameters": {}}
END
cp -r two/passage_model joined && rm joined/simlm.json
t 'a Router of others: queries' vectors_same two router query queries.tsv
t 'and passages, as that library joins them' vectors_same joined router passage corpus.jsonl
t 'training goes on with it' exits 0 "$SIMLM" finetune -q -t 1 --model router --corpus corpus.jsonl --batch 4 \
    --passages 4 --query-max-length 8 --passage-max-length 24 --train ex.jsonl -s 2 -o five
t 'and writes ours' test -s five/simlm.json -a -s five/vocab.txt -a -s five/passage_model/model.safetensors

# ---- rewritten ---------------------------------------------------------------------------
convert() { rm -rf new && "$SIMLM" convert --model "$1" -o new; }
t 'a pooler is rewritten' convert pool
t 'to the same vectors' vectors_same pool new query queries.tsv
t 'two encoders are' convert all
t 'queries are the same' vectors_same all new query queries.tsv
t 'passages are' vectors_same all new passage corpus.jsonl
t 'to other tools, too' sh -c 'rm new/simlm.json && test -s new/router_config.json && test -s new/2_Dense/config.json'
t 'without our file: queries' vectors_same all new query queries.tsv
t 'a Router of others becomes ours' convert router
t 'with the same vectors' vectors_same router new passage corpus.jsonl
t 'under our names' test -s new/query_model/model.safetensors -a -s new/vocab.txt
cp -r base torch && cp "$TEST_DATA/golden/retriever/pooler.pt" torch
t 'a pooler of torch is rewritten' convert torch
t 'with the names of a Dense' sh -c '"$SIMLM" inspect new/2_Dense/model.safetensors | grep -q "linear.weight" && ! test -e new/pooler.pt'
t 'and gives the same vectors' vectors_same torch new query queries.tsv

# ---- what cannot work ------------------------------------------------------------------
cp -r pool tanh && sed -i 's/linear.Identity/activation.Tanh/' tanh/2_Dense/config.json && rm tanh/simlm.json
t 'a pooler that bends is refused' complains 'torch'"'"'s Identity' encode tanh query x queries.tsv
cp -r two torn && rm torn/passage_model/model.safetensors
t 'half a pair is refused' complains 'torn/passage_model' encode torn passage x corpus.jsonl
cp -r two odd && cp pool/2_Dense/config.json odd/passage_model/config.json
t 'a config that is none is refused' sh -c '! "$SIMLM" encode -q -t 1 --model odd --side query -o x queries.tsv 2>err && [ "$(wc -l <err)" = 1 ]'
"$SIMLM" init -q --vocab vocab.txt -o wide --layers 2 --hidden 32 --heads 2 --ffn 32 --max-positions 40
cp -r two shapes && rm -rf shapes/passage_model && cp -r wide shapes/passage_model
t 'two shapes are refused' complains 'two shapes' encode shapes query x queries.tsv
# router SED TEXT: the Router with a change is refused with TEXT.
router() {
    rm -rf other && cp -r router other && sed "$1" router/router_config.json >other/router_config.json
    complains "$2" encode other "${3:-query}" x queries.tsv
}
t 'a Router without documents' router 's/"document":/"other":/' "'document': expected"
t 'a route of nothing' router 's/"query": \[[^]]*\]/"query": []/' "'query': expected a module"
t 'a route out of the directory' router 's|"query": \["query_0|"query": ["../router/query_0|' "'query': expected folders within the model"
t 'a module without a type' router 's/"query_1_Pooling": "a.Pooling",//' "'query_1_Pooling': expected a string"
t 'a module that is not supported' router 's/"query_1_Pooling": "a.Pooling"/"query_1_Pooling": "a.CNN"/' 'other modules are not supported'
t 'pooling of one side alone' router 's/, "document_1_Pooling"\]/]/' 'the same pooling for queries and documents'
t 'no configuration' router '1,$d' 'other/router_config.json'
rm -rf other && cp -r router other && rm other/router_config.json
t 'none at all' sh -c '! "$SIMLM" encode -q -t 1 --model other --side query -o x queries.tsv 2>err && [ "$(wc -l <err)" = 1 ]'
cp -r router words && sed -i 's/^babab*/zz&/;$s/$/x/' words/document_0_Transformer/vocab.txt && rm words/document_0_Transformer/tokenizer.json
t 'two vocabularies' complains 'two vocabularies' encode words query x queries.tsv
cp -r pool bad && cp base/model.safetensors bad/2_Dense/model.safetensors
t 'a pooler that is none is refused' complains "a pooler's 'weight'" encode bad query x queries.tsv
t 'nothing is left of what failed' absent x
finish
