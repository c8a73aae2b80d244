# retrieve_lib.sh - sourced by the tests of encode, index and search, after
# lib.sh: a tiny random model "model", and passages of any number.
words='wing flow shock heat layer body plate jet drag lift mach wake gust slip'
{
    printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' - . a b c d e f
    for w in $words; do echo "$w"; done
    printf '##%s\n' s ing ed er a b c d e f
} >vocab.txt

# make_model DIR [options of simlm init]
make_model() {
    to=$1
    shift
    "$SIMLM" init -o "$to" --vocab vocab.txt --layers 2 --hidden 24 --heads 2 \
        --ffn 40 --max-positions 160 "$@" >/dev/null 2>&1
}

# make_corpus N: N passages of 1 to 60 words, a third of them without title.
make_corpus() {
    awk -v n="$1" -v list="$words" 'BEGIN {
        k = split(list, w, " ")
        s = 7
        for (i = 0; i < n; i++) {
            s = (s * 1103 + 12345) % 65521
            text = ""
            for (j = s % 60; j >= 0; j--) {
                s = (s * 1103 + 12345) % 65521
                text = text w[s % k + 1] (s % 3 ? " " : "s ")
            }
            title = i % 3 ? ",\"title\":\"" w[i % k + 1] " " i "\"" : ""
            printf "{\"id\":\"doc%d\",\"contents\":\"%s\"%s}\n", i, text, title
        }
    }'
}

# make_queries N
make_queries() {
    awk -v n="$1" -v list="$words" 'BEGIN {
        k = split(list, w, " ")
        for (i = 0; i < n; i++)
            printf "q%d\t%s %s %s\n", i, w[i % k + 1], w[(i * 5 + 2) % k + 1],
                w[(i * 3 + 1) % k + 1]
    }'
}

# npy_rows FILE: the rows' bytes of a matrix of 24 columns, one row a line.
npy_rows() { tail -c +129 "$1" | od -An -v -tx4 -w96; }
