/*
 * search.c - encode the lines of a file, keep them in an index in memory, and
 * answer the questions of standard input.
 *
 *     cc search.c -o search $(pkg-config --cflags --libs simlm)
 *     echo "who wrote faust" | ./search models/simlm-base lines.txt
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <simlm/simlm.h>

enum { MAX_LINES = 10000, MAX_LINE = 4096, BATCH = 64, TOP = 3 };

static char *lines[MAX_LINES];
static int64_t n_lines;

/* A copy of the next line without its end; NULL if there is none. */
static char *read_line(FILE *f)
{
    static char buf[MAX_LINE];
    char *copy;

    if (!fgets(buf, sizeof buf, f))
        return NULL;
    buf[strcspn(buf, "\r\n")] = '\0';
    copy = malloc(strlen(buf) + 1);
    return copy ? strcpy(copy, buf) : NULL;
}

/* vec [n_lines, dim] <- the lines as passages, BATCH at a time. */
static simlm_status encode_lines(simlm_encoder *e, float *vec, int32_t dim,
                                 simlm_error *err)
{
    simlm_status st = SIMLM_OK;

    for (int64_t at = 0; at < n_lines && st == SIMLM_OK; at += BATCH) {
        int32_t n = (int32_t)(n_lines - at < BATCH ? n_lines - at : BATCH);
        simlm_text text[BATCH];

        for (int32_t i = 0; i < n; i++) {
            text[i].text = lines[at + i];
            text[i].title = NULL;
        }
        st = simlm_encode(e, SIMLM_PASSAGE, text, n, vec + at * dim, err);
    }
    return st;
}

static simlm_status answer(simlm_encoder *e, simlm_searcher *s, float *q,
                           const char *question, simlm_error *err)
{
    simlm_text text = {question, NULL};
    simlm_hit hit[TOP];
    simlm_status st = simlm_encode(e, SIMLM_QUERY, &text, 1, q, err);

    if (st == SIMLM_OK)
        st = simlm_search(s, hit, q, 1, TOP, err);
    for (int i = 0; st == SIMLM_OK && i < TOP && hit[i].row >= 0; i++)
        printf("%.4f  %s\n", (double)hit[i].score, lines[hit[i].row]);
    return st;
}

int main(int argc, char **argv)
{
    simlm_model *model = NULL;
    simlm_encoder *encoder = NULL;
    simlm_index *index = NULL;
    simlm_searcher *searcher = NULL;
    simlm_error err = {SIMLM_OK, ""};
    simlm_status st;
    char(*id)[24] = NULL, *line;
    const char **ids = NULL;
    float *vec = NULL;
    int status = EXIT_FAILURE;
    int32_t dim = 0;
    FILE *f;

    if (argc != 3 || !(f = fopen(argv[2], "r"))) {
        fprintf(stderr, "usage: search <model directory> <file of lines>\n");
        return 2;
    }
    while (n_lines < MAX_LINES && (lines[n_lines] = read_line(f)))
        n_lines++;
    fclose(f);

    st = simlm_model_open(&model, argv[1], &err);
    if (st == SIMLM_OK)
        st = simlm_encoder_new(&encoder, model, BATCH, &err);
    if (st != SIMLM_OK)
        goto out;
    dim = simlm_model_dim(model);
    /* One row more: it holds the question. */
    vec = calloc((size_t)(n_lines + 1) * (size_t)dim, sizeof *vec);
    id = calloc((size_t)n_lines + 1, sizeof *id);
    ids = calloc((size_t)n_lines + 1, sizeof *ids);
    if (!vec || !id || !ids) {
        fprintf(stderr, "search: out of memory\n");
        goto out;
    }
    for (int64_t i = 0; i < n_lines; i++) {
        snprintf(id[i], sizeof id[i], "%lld", (long long)i);
        ids[i] = id[i];
    }
    st = encode_lines(encoder, vec, dim, &err);
    if (st == SIMLM_OK)
        st = simlm_index_new(&index, vec, ids, n_lines, dim, &err);
    if (st == SIMLM_OK)
        st = simlm_searcher_new(&searcher, index, 1, TOP, &err);
    while (st == SIMLM_OK && (line = read_line(stdin))) {
        st = answer(encoder, searcher, vec + n_lines * dim, line, &err);
        free(line);
    }
    if (st == SIMLM_OK)
        status = EXIT_SUCCESS;
out:
    if (st != SIMLM_OK)
        fprintf(stderr, "search: %s\n", err.msg);
    simlm_searcher_free(searcher);
    simlm_index_close(index);
    simlm_encoder_free(encoder);
    simlm_model_close(model);
    while (n_lines > 0)
        free(lines[--n_lines]);
    free(ids);
    free(id);
    free(vec);
    return status;
}
