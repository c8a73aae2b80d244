/*
 * encode.c - the model card's usage in C: one query, two passages with titles,
 * two scores.
 *
 *     cc encode.c -o encode $(pkg-config --cflags --libs simlm)
 *     ./encode models/simlm-base-msmarco-finetuned
 */
#include <stdio.h>
#include <stdlib.h>

#include <simlm/simlm.h>

int main(int argc, char **argv)
{
    const simlm_text query = {"how much protein should a female eat", NULL};
    const simlm_text passage[2] = {
        {"As a general guideline, the CDC's average requirement of protein "
         "for women ages 19 to 70 is 46 grams per day. But, as you can see "
         "from this chart, you'll need to increase that if you're expecting "
         "or training for a marathon. Check out the chart below to see how "
         "much protein you should be eating each day.",
         "The Daily Protein Needs of Women"},
        {"Definition of summit for English Language Learners. : 1 the highest "
         "point of a mountain : the top of a mountain. : 2 the highest level. "
         ": 3 a meeting or series of meetings between the leaders of two or "
         "more governments.",
         "Definition of summit"},
    };
    simlm_model *model = NULL;
    simlm_encoder *encoder = NULL;
    simlm_error err;
    float *q = NULL, *p = NULL;
    int status = EXIT_FAILURE;
    int32_t dim;

    if (argc != 2) {
        fprintf(stderr, "usage: encode <model directory>\n");
        return 2;
    }
    if (simlm_model_open(&model, argv[1], &err) != SIMLM_OK ||
        simlm_encoder_new(&encoder, model, 2, &err) != SIMLM_OK)
        goto failed;
    dim = simlm_model_dim(model);
    q = malloc((size_t)dim * sizeof *q);
    p = malloc((size_t)dim * sizeof *p * 2);
    if (!q || !p) {
        fprintf(stderr, "encode: out of memory\n");
        goto out;
    }
    if (simlm_encode(encoder, SIMLM_QUERY, &query, 1, q, &err) != SIMLM_OK ||
        simlm_encode(encoder, SIMLM_PASSAGE, passage, 2, p, &err) != SIMLM_OK)
        goto failed;

    /* The vectors have unit length: the score is their inner product. */
    for (int i = 0; i < 2; i++) {
        float score = 0;

        for (int32_t d = 0; d < dim; d++)
            score += q[d] * p[i * dim + d];
        printf("%.4f  %s\n", (double)score, passage[i].title);
    }
    status = EXIT_SUCCESS;
    goto out;
failed:
    fprintf(stderr, "encode: %s\n", err.msg);
out:
    free(q);
    free(p);
    simlm_encoder_free(encoder);
    simlm_model_close(model);
    return status;
}
