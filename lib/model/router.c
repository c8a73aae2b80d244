#include "model/router.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "model/modeldir.h"

static const char *const route_names[2] = {"query", "document"}; /* by side */

simlm_status sl_router_load(struct sl_json_doc **doc, const char *dir,
                            simlm_error *err)
{
    char *path = sl_path_join(dir, "router_config.json");
    simlm_status st = path ? SIMLM_OK : sl_fail_nomem(err, dir);

    *doc = NULL;
    if (path && sl_file_exists(path))
        st = sl_json_load(doc, path, err);
    sl_free(path);
    return st;
}

static bool stays_inside(const char *path, size_t len)
{
    return len && strlen(path) == len && *path != '/' && !strstr(path, "..");
}

simlm_status sl_router_route(struct sl_json *route,
                             const struct sl_json_doc *doc, enum sl_side side,
                             simlm_error *err)
{
    struct sl_json structure;

    SL_TRY(sl_json_need(sl_json_root(doc), "structure", SL_JSON_OBJECT,
                        &structure, err));
    SL_TRY(
        sl_json_need(structure, route_names[side], SL_JSON_ARRAY, route, err));
    if (!sl_json_count(*route))
        return sl_json_fail(structure, route_names[side], "a module", err);
    for (int64_t i = 0; i < sl_json_count(*route); i++) {
        size_t len = 0;
        const char *id = sl_json_is_text(sl_json_item(*route, i), &len);

        if (!id || !stays_inside(id, len))
            return sl_json_fail(structure, route_names[side],
                                "folders within the model", err);
    }
    return SIMLM_OK;
}

simlm_status sl_router_encoder(char **path, const char *dir, enum sl_side side,
                               simlm_error *err)
{
    struct sl_json_doc *doc = NULL;
    struct sl_json route;
    simlm_status st = sl_router_load(&doc, dir, err);

    *path = NULL;
    if (st == SIMLM_OK && doc) {
        st = sl_router_route(&route, doc, side, err);
        if (st == SIMLM_OK) {
            *path = sl_path_join(dir,
                                 sl_json_is_text(sl_json_item(route, 0), NULL));
            st = *path ? SIMLM_OK : sl_fail_nomem(err, dir);
        }
    }
    sl_json_free(doc);
    return st;
}

void sl_router_put(struct sl_json_writer *w)
{
    sl_json_begin(w, NULL, '{');
    sl_json_begin(w, "types", '{');
    for (int side = 0; side < 2; side++)
        sl_json_add_text(w, sl_tower_names[side],
                         "sentence_transformers.models.Transformer");
    sl_json_end(w);
    sl_json_begin(w, "structure", '{');
    for (int side = 0; side < 2; side++) {
        sl_json_begin(w, route_names[side], '[');
        sl_json_add_text(w, NULL, sl_tower_names[side]);
        sl_json_end(w);
    }
    sl_json_end(w);
    sl_json_begin(w, "parameters", '{');
    sl_json_add_null(w, "default_route");
    sl_json_add_bool(w, "allow_empty_key", false);
    sl_json_end(w);
    sl_json_end(w);
}
