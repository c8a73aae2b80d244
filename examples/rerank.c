/*
 * rerank.c - the re-ranker's model card in C: one query, three passages, best
 * first.  A passage without a title has the title "-", as the card gives it.
 *
 *     cc rerank.c -o rerank $(pkg-config --cflags --libs simlm)
 *     ./rerank models/simlm-msmarco-reranker
 */
#include <stdio.h>
#include <stdlib.h>

#include <simlm/reranker.h>

enum { N = 3 };

static const char query[] = "how long is super bowl game";

static const simlm_text passage[N] = {
    {"The game itself takes about four hours from the first whistle to the "
     "last; an hour of that is play, the rest breaks, reviews and the show at "
     "half-time.",
     "How long the game lasts"},
    {"A regular season has seventeen games for each team and one week without "
     "any.",
     "-"},
    {"Kick-off is at half past six in the evening, eastern time.", "-"},
};

struct ranked {
    float score;
    int at;
};

static int best_first(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;

    return (a->score < b->score) - (a->score > b->score);
}

static void print_ranking(const float *score)
{
    struct ranked list[N];

    for (int i = 0; i < N; i++) {
        list[i].score = score[i];
        list[i].at = i;
    }
    qsort(list, N, sizeof *list, best_first);
    for (int i = 0; i < N; i++)
        printf("%8.4f  %s: %.50s...\n", (double)list[i].score,
               passage[list[i].at].title, passage[list[i].at].text);
}

int main(int argc, char **argv)
{
    simlm_reranker *reranker = NULL;
    simlm_scorer *scorer = NULL;
    simlm_error err;
    float score[N];
    int status = EXIT_FAILURE;

    if (argc != 2) {
        fprintf(stderr, "usage: rerank <model directory>\n");
        return 2;
    }
    if (simlm_reranker_open(&reranker, argv[1], SIMLM_FP32, &err) == SIMLM_OK &&
        simlm_scorer_new(&scorer, reranker, N, &err) == SIMLM_OK &&
        simlm_score(scorer, score, query, passage, N, &err) == SIMLM_OK) {
        print_ranking(score);
        status = EXIT_SUCCESS;
    } else {
        fprintf(stderr, "rerank: %s\n", err.msg);
    }
    simlm_scorer_free(scorer);
    simlm_reranker_close(reranker);
    return status;
}
