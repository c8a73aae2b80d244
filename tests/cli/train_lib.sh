# train_lib.sh - sourced behind lib.sh by the tests of training: a vocabulary of
# made-up words, a corpus of 60 passages, two tiny models.
#
#   make_world   vocab.txt corpus.jsonl base/ gen/ queries.tsv qrels.txt run.tsv
make_world() {
    {
        printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n-\n'
        for a in ba be bi bo da de di do; do
            for b in la le li lo; do printf '%s%s\n##%s%s\n' $a $b $a $b; done
        done
    } >vocab.txt
    awk 'BEGIN {
        split("ba be bi bo da de di do", A, " "); split("la le li lo", B, " ")
        s = 12345
        for (i = 0; i < 60; i++) {
            text = ""
            n = 5 + i % 20
            for (j = 0; j < n; j++) {
                s = (s * 1103515245 + 12345) % 2147483648
                a = int(s / 65536) % 8 + 1
                # The second syllable follows from the first: learnable.
                text = text A[a] B[a % 4 + 1] (s % 3 ? " " : "")
            }
            title = i % 7 ? "\"title\": \"" A[i % 8 + 1] B[i % 4 + 1] "\", " : ""
            printf "{\"id\": \"%d\", %s\"contents\": \"%s\"}\n", i, title, text
            split(text, W, " ")
            printf "q%d\t%s %s\n", i, W[1], W[2] >"queries.tsv"
            printf "q%d\t0\t%d\t1\n", i, i >"qrels.txt"
            for (r = 1; r <= 12; r++)
                printf "q%d\t%d\t%d\t%d\n", i, (i + 3 * r) % 60, r, 100 - r >"run.tsv"
        }
    }' >corpus.jsonl
    "$SIMLM" init -q --vocab vocab.txt -o base --layers 2 --hidden 16 --heads 2 \
        --ffn 32 --max-positions 40 --seed 1 &&
        "$SIMLM" init -q --vocab vocab.txt -o gen --layers 1 --hidden 8 --heads 1 \
            --ffn 16 --embedding 16 --generator --max-positions 40 --seed 2
}

# Options under which a tiny run takes a second.  One thread unless a test sets T:
# on a busy machine two that wait for each other take a hundred times as long.
mlm() {
    "$SIMLM" pretrain -q -t "${T:-1}" --objective mlm --model base --max-length 24 \
        --batch 8 --lr 1e-2 "$@" corpus.jsonl
}
rlm() {
    "$SIMLM" pretrain -q -t "${T:-1}" --objective rlm --model base --generator gen \
        --max-length 24 --batch 8 --lr 1e-2 --decoder-layers 1 "$@" corpus.jsonl
}
finetune() {
    "$SIMLM" finetune -q -t "${T:-1}" --model base --corpus corpus.jsonl --batch 4 \
        --passages 4 --query-max-length 8 --passage-max-length 24 --lr 1e-3 "$@"
}
finetune_lists() {
    finetune --queries queries.tsv --qrels qrels.txt --negatives run.tsv "$@"
}
