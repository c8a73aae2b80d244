#!/bin/sh
# What text-embeddings-inference reads of a directory, by its source, is in ours:
# files, fields, names of tensors.  (There is no package of it to try.)
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"

t 'a world can be made' make_world
t 'a retriever with a pooler' exits 0 finetune_lists -s 2 -o pool --pooler 6
t 'one of two encoders' exits 0 finetune_lists -s 2 -o two --untied
t 'a re-ranker' exits 0 "$SIMLM" train-reranker -q -t 1 --model base --corpus corpus.jsonl --queries queries.tsv \
    --qrels qrels.txt --negatives run.tsv -s 2 --batch 2 --passages 2 --forward-factor 1 --max-length 24 -o reranker

# has FILE KEY...: it is an object with these members.
has() {
    file=$1
    shift
    for key; do "$JSON_CHECK" file "$file" "$key" >/dev/null || return 1; done
}
is() { [ "$("$JSON_CHECK" file "$1" "$2")" = "$3" ] || { "$JSON_CHECK" file "$1" "$2"; return 1; }; }
tensor() { "$SIMLM" inspect "$1" | grep -q "$2\$" || { "$SIMLM" inspect "$1"; return 1; }; }
for model in pool two/query_model two/passage_model reranker; do
    t "$model: the configuration" has $model/config.json architectures model_type vocab_size hidden_size num_hidden_layers \
        num_attention_heads intermediate_size hidden_act hidden_dropout_prob max_position_embeddings type_vocab_size \
        initializer_range layer_norm_eps pad_token_id
    t "$model: the tokenizer in one file" has $model/tokenizer.json model normalizer pre_tokenizer post_processor
    t "$model: the weights" tensor $model/model.safetensors 'embeddings.word_embeddings.weight'
done
for model in pool two/query_model two/passage_model; do
    t "$model: the pooling, mode by mode" has $model/1_Pooling/config.json pooling_mode_cls_token pooling_mode_mean_tokens \
        pooling_mode_max_tokens pooling_mode_mean_sqrt_len_tokens
    t "$model: the length of texts" has $model/sentence_bert_config.json max_seq_length
    t "$model: a class that is an encoder's" is $model/config.json architectures '["BertModel"]'
done
t 'modules have the names that it knows' sh -c '[ "$(grep -c "sentence_transformers.models.\(Transformer\|Pooling\|Dense\|Normalize\)\"" pool/modules.json)" = 4 ]'
t 'a pooler is a Dense' has pool/2_Dense/config.json in_features out_features bias
t 'without activation' is pool/2_Dense/config.json activation_function '"torch.nn.modules.linear.Identity"'
t 'by its names' tensor pool/2_Dense/model.safetensors 'linear.weight'
t 'a re-ranker is a classifier' is reranker/config.json architectures '["BertForSequenceClassification"]'
t 'of one label' is reranker/config.json id2label '{"0":"LABEL_0"}'
t 'both ways' is reranker/config.json label2id '{"LABEL_0":0}'
t 'with its head' tensor reranker/model.safetensors 'classifier.weight'
finish
