/*
 * model/router.h - sentence-transformers' Router: an encoder for either side.
 *
 *   <dir>/modules.json         a Router at "", then the modules that both sides
 *                              go through
 *   <dir>/router_config.json   {"types": {<id>: <class>, ...},
 *                               "structure": {"query": [<id>, ...],
 *                                             "document": [<id>, ...]},
 *                               "parameters": {...}}
 *
 * An id is a folder within <dir>; the first of a route is the side's
 * Transformer, a model directory of its own.
 */
#ifndef SL_MODEL_ROUTER_H
#define SL_MODEL_ROUTER_H

#include "format/json.h"
#include "model/config.h"

/* *doc <- <dir>/router_config.json, or NULL if there is none. */
simlm_status sl_router_load(struct sl_json_doc **doc, const char *dir,
                            simlm_error *err);

/* *route <- the side's ids, at least one, each a path that stays in its folder.
 */
simlm_status sl_router_route(struct sl_json *route,
                             const struct sl_json_doc *doc, enum sl_side side,
                             simlm_error *err);

/* *path <- the folder of the side's Transformer, sl_free() it; NULL if dir has
 * no router. */
simlm_status sl_router_encoder(char **path, const char *dir, enum sl_side side,
                               simlm_error *err);

/* A router_config.json of query_model and passage_model. */
void sl_router_put(struct sl_json_writer *w);

#endif
