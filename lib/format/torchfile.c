#include "format/torchfile.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strmap.h"
#include "format/pickle.h"
#include "format/zip.h"

struct known;

struct storage {
    const struct known *type;
    int64_t count;             /* elements */
    const unsigned char *data; /* NULL until it is found */
};

struct sl_torchfile {
    char *path;
    struct sl_map map;
    struct sl_pickle *dict;
    struct sl_strmap *keys; /* of storages, in the order of the list */
    struct storage *storage;
    struct sl_strmap *names; /* of tensors, in the order of the list */
    struct sl_tensor *list;
};

/* What a name in a file is for. */
enum role {
    PARAMETER, /* a call that makes a parameter of a tensor */
    VIEW,      /* a call that makes a tensor of a storage */
    TENSOR,    /* a call that makes a tensor of another kind: not read */
    STORAGE,
    VALUE /* anything else that may be in a dictionary: passed over */
};

/* All names that a file may have. */
static const struct known {
    const char *name;
    enum role role;
    enum sl_dtype dtype; /* of a storage */
    int64_t bytes;       /* of its elements */
    const char *why;     /* such tensors are not read; NULL: they are */
} names[] = {
#define CALL(name, role, why)                                                  \
    {                                                                          \
        "torch._utils._rebuild_" name, role, 0, 0, why                         \
    }
    CALL("parameter", PARAMETER, NULL),
    CALL("parameter_with_state", PARAMETER, NULL),
    CALL("tensor", VIEW, NULL),
    CALL("tensor_v2", VIEW, NULL),
    CALL("tensor_v3", TENSOR, "a type that is not read"),
    CALL("qtensor", TENSOR, "quantised"),
    CALL("sparse_tensor", TENSOR, "sparse"),
    CALL("nested_tensor", TENSOR, "nested"),
    CALL("meta_tensor_no_storage", TENSOR, "without numbers (on 'meta')"),
#undef CALL
#define READ(name, dtype, bytes)                                               \
    {                                                                          \
        "torch." name, STORAGE, dtype, bytes, NULL                             \
    }
    READ("FloatStorage", SL_DTYPE_F32, 4),
    READ("HalfStorage", SL_DTYPE_F16, 2),
    READ("BFloat16Storage", SL_DTYPE_BF16, 2),
    READ("DoubleStorage", SL_DTYPE_F64, 8),
    READ("LongStorage", SL_DTYPE_I64, 8),
    READ("IntStorage", SL_DTYPE_I32, 4),
    READ("ShortStorage", SL_DTYPE_I16, 2),
    READ("CharStorage", SL_DTYPE_I8, 1),
    READ("ByteStorage", SL_DTYPE_U8, 1),
    READ("BoolStorage", SL_DTYPE_BOOL, 1),
#undef READ
#define OTHER(name, bytes, why)                                                \
    {                                                                          \
        "torch." name, STORAGE, SL_DTYPE_OTHER, bytes, why                     \
    }
    OTHER("ComplexFloatStorage", 8, "complex"),
    OTHER("ComplexDoubleStorage", 16, "complex"),
    OTHER("QUInt8Storage", 1, "quantised"),
    OTHER("QInt8Storage", 1, "quantised"),
    OTHER("QInt32Storage", 4, "quantised"),
    OTHER("QUInt4x2Storage", 1, "quantised"),
    OTHER("QUInt2x4Storage", 1, "quantised"),
    OTHER("storage.UntypedStorage", 1, "bytes without a type"),
#undef OTHER
#define V(name)                                                                \
    {                                                                          \
        name, VALUE, 0, 0, NULL                                                \
    }
    V("torch.Size"),
    V("torch.device"),
    V("torch.serialization._get_layout"),
    V("torch.per_tensor_affine"),
    V("torch.per_channel_affine"),
    V("torch.float64"),
    V("torch.float32"),
    V("torch.float16"),
    V("torch.bfloat16"),
    V("torch.float8_e4m3fn"),
    V("torch.float8_e4m3fnuz"),
    V("torch.float8_e5m2"),
    V("torch.float8_e5m2fnuz"),
    V("torch.float8_e8m0fnu"),
    V("torch.float4_e2m1fn_x2"),
    V("torch.complex32"),
    V("torch.complex64"),
    V("torch.complex128"),
    V("torch.int64"),
    V("torch.int32"),
    V("torch.int16"),
    V("torch.int8"),
    V("torch.uint64"),
    V("torch.uint32"),
    V("torch.uint16"),
    V("torch.uint8"),
    V("torch.bool"),
    V("torch.quint8"),
    V("torch.qint8"),
    V("torch.qint32"),
    V("torch.quint4x2"),
    V("torch.quint2x4"),
    V("_codecs.encode"), /* bytes, in protocol 2 */
    V("__builtin__.bytes"),
    V("__builtin__.bytearray"),
    V("__builtin__.set"),
    V("__builtin__.frozenset"),
    V("__builtin__.complex"),
    V("builtins.bytes"),
    V("builtins.bytearray"),
    V("builtins.set"),
    V("builtins.frozenset"),
    V("builtins.complex"),
#undef V
};

static const struct known *find_known(const char *name)
{
    for (size_t i = 0; i < SL_LEN(names); i++)
        if (!strcmp(names[i].name, name))
            return &names[i];
    return NULL;
}

static bool is_known(const char *name)
{
    return find_known(name) != NULL;
}

/* What the value names; NULL: it is no name. */
static const struct known *known_of(const struct sl_pickled *v)
{
    return v->kind == SL_PICKLE_GLOBAL ? find_known(v->text) : NULL;
}

static simlm_status fail(const struct sl_torchfile *f, const char *what,
                         simlm_error *err)
{
    return sl_fail(err, SIMLM_E_FORMAT, "%s: %s", f->path, what);
}

static simlm_status no_memory(const struct sl_torchfile *f, simlm_error *err)
{
    return sl_fail_nomem(err, f->path);
}

/* ---- storages ------------------------------------------------------------ */

/* ("storage", torch.FloatStorage, key, device, count[, None]) */
static simlm_status read_storage(struct sl_torchfile *f,
                                 const struct sl_pickled *id, simlm_error *err)
{
    const struct sl_pickled *const *part =
        (const struct sl_pickled *const *)id->item;
    const struct known *type;
    struct storage *s;
    int64_t at;
    bool added;

    if (id->kind != SL_PICKLE_TUPLE || id->n < 5 || id->n > 6 ||
        !sl_pickle_is(part[0], SL_PICKLE_TEXT, "storage") ||
        part[2]->kind != SL_PICKLE_TEXT || part[4]->kind != SL_PICKLE_INT)
        return fail(f, "expected the id of a storage", err);
    if (id->n == 6 && part[5]->kind != SL_PICKLE_NONE)
        return fail(f, "a view of a storage, as torch 0.2 had them", err);
    type = known_of(part[1]);
    if (!type || type->role != STORAGE)
        return fail(f, "a storage of unknown type", err);
    if (part[4]->i < 0 || (uint64_t)part[4]->i > f->map.n)
        return fail(f, "a storage larger than the file (cut short?)", err);
    if (memchr(part[2]->text, '\0', (size_t)part[2]->n))
        return fail(f, "a storage's key holds a NUL", err);
    at = sl_strmap_add(f->keys, part[2]->text, (size_t)part[2]->n, 0, &added);
    if (at < 0)
        return no_memory(f, err);
    s = &f->storage[at];
    if (!added && (s->type != type || s->count != part[4]->i))
        return fail(f, "a storage of two types or sizes", err);
    s->type = type;
    s->count = part[4]->i;
    return SIMLM_OK;
}

static simlm_status read_storages(struct sl_torchfile *f, simlm_error *err)
{
    int64_t n = sl_pickle_persistent_count(f->dict);

    f->keys = sl_strmap_new();
    f->storage = SL_NEW_ARRAY(struct storage, n + 1);
    if (!f->keys || !f->storage)
        return no_memory(f, err);
    for (int64_t i = 0; i < n; i++)
        SL_TRY(read_storage(f, sl_pickle_persistent(f->dict, i)->item[0], err));
    return SIMLM_OK;
}

/* Storage i lies at `bytes`, if they are as long as it says. */
static simlm_status place(struct sl_torchfile *f, int64_t i,
                          struct sl_map bytes, simlm_error *err)
{
    struct storage *s = &f->storage[i];
    int64_t size = s->type->bytes;

    if ((uint64_t)s->count > bytes.n / (uint64_t)size)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: storage '%.60s' has %zu bytes, %" PRId64
                       " elements need %" PRId64 " (cut short?)",
                       f->path, sl_strmap_key(f->keys, i), bytes.n, s->count,
                       s->count * size);
    s->data = bytes.p;
    return SIMLM_OK;
}

/* ---- tensors ------------------------------------------------------------- */

/* The integers of a tuple, as many as there is room for; its length, -1 if it
 * is no such tuple. */
static int64_t read_ints(int64_t out[SL_TENSOR_MAX_DIMS],
                         const struct sl_pickled *v)
{
    if (v->kind != SL_PICKLE_TUPLE)
        return -1;
    for (int64_t i = 0; i < v->n; i++) {
        if (v->item[i]->kind != SL_PICKLE_INT)
            return -1;
        if (i < SL_TENSOR_MAX_DIMS)
            out[i] = v->item[i]->i;
    }
    return v->n;
}

/* The view's last element lies within `count` ones from its first.  Strides may
 * be anything where nothing is strided over. */
static bool view_fits(struct sl_tensor *t, int64_t count)
{
    int64_t last = 0, dense = 1;

    if (t->count && !count)
        return false;
    t->strided = false;
    for (int32_t d = t->n_dims - 1; d >= 0 && t->count; d--) {
        int64_t steps = t->shape[d] - 1, far;

        if (!steps)
            t->stride[d] = 0;
        if (t->stride[d] < 0 ||
            __builtin_mul_overflow(steps, t->stride[d], &far) ||
            far > count - 1 - last)
            return false;
        last += far;
        t->strided = t->strided || (steps && t->stride[d] != dense);
        dense *= t->shape[d];
    }
    return true;
}

/*
 * (storage, offset, shape, stride, requires_grad, hooks[, metadata]): torch has
 * metadata for views that turn what lies in the storage into its negative or
 * its conjugate.
 */
static bool is_as_stored(const struct sl_pickled *args)
{
    return args->n < 7 || args->item[6]->kind == SL_PICKLE_NONE ||
           (args->item[6]->kind == SL_PICKLE_DICT && !args->item[6]->n);
}

/* An entry of the dictionary that is listed by its name alone. */
static void pass_over(struct sl_tensor *t, const char *why)
{
    *t = (struct sl_tensor){
        .name = t->name, .dtype = SL_DTYPE_OTHER, .why = why};
}

static simlm_status read_view(const struct sl_torchfile *f, struct sl_tensor *t,
                              const struct sl_pickled *args, simlm_error *err)
{
    int64_t shape[SL_TENSOR_MAX_DIMS], offset, n;
    const struct storage *s;
    const struct sl_pickled *key;

    if (args->n < 4 || args->item[0]->kind != SL_PICKLE_PERSISTENT ||
        args->item[1]->kind != SL_PICKLE_INT)
        goto bad;
    key = args->item[0]->item[0]->item[2]; /* read_storage() has seen it */
    s = &f->storage[sl_strmap_find(f->keys, key->text, (size_t)key->n)];
    offset = args->item[1]->i;
    n = read_ints(shape, args->item[2]);
    if (n < 0 || read_ints(t->stride, args->item[3]) != n)
        goto bad;
    if (s->type->why || n > SL_TENSOR_MAX_DIMS) {
        pass_over(t, s->type->why ? s->type->why : "more than 8 dimensions");
        return SIMLM_OK;
    }
    t->dtype = s->type->dtype;
    if (!sl_tensor_set_shape(t, shape, n))
        goto bad;
    if (offset < 0 || offset > s->count || !view_fits(t, s->count - offset))
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: tensor '%.100s' reaches beyond its storage",
                       f->path, t->name);
    if (t->count > s->count - offset)
        pass_over(t, "expanded: it has more elements than are stored");
    else if (!is_as_stored(args))
        pass_over(t, "a negative or conjugate view of what is stored");
    else
        t->data = s->data + offset * s->type->bytes;
    return SIMLM_OK;
bad:
    return sl_fail(err, SIMLM_E_FORMAT,
                   "%s: tensor '%.100s': expected storage, offset, shape and "
                   "strides",
                   f->path, t->name);
}

static const struct known *called(const struct sl_pickled *v)
{
    return v->kind == SL_PICKLE_CALL ? known_of(v->item[0]) : NULL;
}

/* Why a tensor that such a call makes is not read: a new type has a name. */
static const char *why_not(const struct known *call,
                           const struct sl_pickled *args)
{
    return args->n >= 7 && args->item[6]->kind == SL_PICKLE_GLOBAL
               ? args->item[6]->text
               : call->why;
}

static simlm_status read_value(const struct sl_torchfile *f,
                               struct sl_tensor *t, const struct sl_pickled *v,
                               simlm_error *err)
{
    const struct known *call = called(v);

    if (call && call->role == PARAMETER && v->item[1]->n) {
        v = v->item[1]->item[0];
        call = called(v);
    }
    if (call && call->role == VIEW)
        return read_view(f, t, v->item[1], err);
    pass_over(t, call && call->role == TENSOR ? why_not(call, v->item[1])
                                              : "no tensor");
    return SIMLM_OK;
}

static bool is_name(const struct sl_pickled *key)
{
    return key->kind == SL_PICKLE_TEXT && key->n &&
           !memchr(key->text, '\0', (size_t)key->n);
}

/* Entry i of the dictionary.  One whose key is no text has a name of ours. */
static simlm_status read_entry(struct sl_torchfile *f, int64_t i,
                               const struct sl_pickled *key,
                               const struct sl_pickled *value, simlm_error *err)
{
    struct sl_tensor *t;
    char own[40];
    bool named = is_name(key), added;
    int n = snprintf(own, sizeof own, "entry %" PRId64, i);
    int64_t at = sl_strmap_add(f->names, named ? key->text : own,
                               named ? (size_t)key->n : (size_t)n, 0, &added);

    if (at < 0)
        return no_memory(f, err);
    if (!added)
        return sl_fail(err, SIMLM_E_FORMAT, "%s: tensor '%.100s' twice",
                       f->path, sl_strmap_key(f->names, at));
    t = &f->list[at];
    t->name = sl_strmap_key(f->names, at);
    if (named)
        return read_value(f, t, value, err);
    pass_over(t, "its key is no name");
    return SIMLM_OK;
}

static simlm_status check_sharing(const struct sl_torchfile *f,
                                  simlm_error *err)
{
    uint64_t left = f->map.n;

    for (int64_t i = 0; i < sl_strmap_count(f->names); i++) {
        uint64_t bytes = (uint64_t)f->list[i].bytes / SL_TORCH_SHARING;

        if (bytes > left)
            return fail(f, "its tensors share their bytes too often", err);
        left -= bytes;
    }
    return SIMLM_OK;
}

/* No tensors.  Training programs save the state_dict within another. */
static simlm_status refuse_empty(const struct sl_torchfile *f, simlm_error *err)
{
    const struct sl_pickled *dict = sl_pickle_root(f->dict);

    for (int64_t i = 0; i < dict->n; i += 2) {
        const struct sl_pickled *key = dict->item[i];

        if (key->kind == SL_PICKLE_TEXT &&
            dict->item[i + 1]->kind == SL_PICKLE_DICT)
            return sl_fail(err, SIMLM_E_FORMAT,
                           "%s: no tensors in it, but a dictionary '%.*s': if "
                           "that is the state_dict, save it alone",
                           f->path, key->n < 60 ? (int)key->n : 60, key->text);
    }
    if (!dict->n)
        return fail(f, "no tensors in it", err);
    return sl_fail(err, SIMLM_E_FORMAT,
                   "%s: no tensors in it that can be read; '%.100s': %s",
                   f->path, f->list[0].name, f->list[0].why);
}

/* The map's keys move while it grows: names are pointed to when all are in. */
static bool point_to_names(struct sl_torchfile *f)
{
    bool any = false;

    for (int64_t i = 0; i < sl_strmap_count(f->names); i++) {
        f->list[i].name = sl_strmap_key(f->names, i);
        any = any || !f->list[i].why;
    }
    return any;
}

static simlm_status read_tensors(struct sl_torchfile *f, simlm_error *err)
{
    const struct sl_pickled *dict = sl_pickle_root(f->dict);

    if (dict->kind != SL_PICKLE_DICT)
        return fail(f, "expected a dictionary of tensors", err);
    if (dict->n / 2 > SL_TORCH_ENTRIES)
        return fail(f, "a dictionary of over 65536 entries", err);
    f->names = sl_strmap_new();
    f->list = SL_NEW_ARRAY(struct sl_tensor, dict->n / 2 + 1);
    if (!f->names || !f->list)
        return no_memory(f, err);
    for (int64_t i = 0; i < dict->n; i += 2)
        SL_TRY(read_entry(f, i / 2, dict->item[i], dict->item[i + 1], err));
    return point_to_names(f) ? check_sharing(f, err) : refuse_empty(f, err);
}

/* ---- the zip format ------------------------------------------------------ */

/* *prefix <- the folder of data.pkl, with its slash. */
static simlm_status find_folder(const struct sl_torchfile *f,
                                struct sl_str *prefix, const struct sl_zip *z,
                                simlm_error *err)
{
    static const char tail[] = "/data.pkl";

    for (int64_t i = 0; i < sl_zip_count(z); i++) {
        const char *name = sl_zip_name(z, i);
        size_t n = strlen(name);

        if (n < sizeof tail || strcmp(name + n - (sizeof tail - 1), tail))
            continue;
        sl_str_add(prefix, name, n - (sizeof tail - 2));
        return sl_str_ok(prefix) ? SIMLM_OK : no_memory(f, err);
    }
    return fail(f, "a zip file, but not one of torch.save()", err);
}

/* *entry <- the number of "<prefix><a><b>", -1: there is none. */
static simlm_status find_entry(const struct sl_torchfile *f, int64_t *entry,
                               const struct sl_zip *z,
                               const struct sl_str *prefix, const char *a,
                               const char *b, simlm_error *err)
{
    struct sl_str name = {0};

    sl_str_printf(&name, "%s%s%s", sl_str_c(prefix), a, b);
    if (!sl_str_ok(&name)) {
        sl_str_free(&name);
        return no_memory(f, err);
    }
    *entry = sl_zip_find(z, sl_str_c(&name));
    sl_str_free(&name);
    return SIMLM_OK;
}

static simlm_status check_archive(const struct sl_torchfile *f,
                                  const struct sl_zip *z,
                                  const struct sl_str *prefix, simlm_error *err)
{
    struct sl_map order;
    int64_t entry;

    SL_TRY(find_entry(f, &entry, z, prefix, "constants.pkl", "", err));
    if (entry >= 0)
        return fail(f, "a TorchScript archive, not a state_dict", err);
    SL_TRY(find_entry(f, &entry, z, prefix, "byteorder", "", err));
    if (entry < 0)
        return SIMLM_OK;
    SL_TRY(sl_zip_data(z, &order, entry, err));
    return order.n == 6 && !memcmp(order.p, "little", 6)
               ? SIMLM_OK
               : fail(f, "written on a big-endian machine", err);
}

static simlm_status place_entries(struct sl_torchfile *f,
                                  const struct sl_zip *z,
                                  const struct sl_str *prefix, simlm_error *err)
{
    for (int64_t i = 0; i < sl_strmap_count(f->keys); i++) {
        const char *key = sl_strmap_key(f->keys, i);
        struct sl_map bytes;
        int64_t entry;

        SL_TRY(find_entry(f, &entry, z, prefix, "data/", key, err));
        if (entry < 0)
            return sl_fail(err, SIMLM_E_FORMAT, "%s: no storage '%.60s'",
                           f->path, key);
        SL_TRY(sl_zip_data(z, &bytes, entry, err));
        SL_TRY(place(f, i, bytes, err));
    }
    return SIMLM_OK;
}

static simlm_status read_archive(struct sl_torchfile *f, const struct sl_zip *z,
                                 struct sl_str *prefix, simlm_error *err)
{
    struct sl_map pkl;
    int64_t entry;
    size_t used;

    SL_TRY(find_folder(f, prefix, z, err));
    SL_TRY(check_archive(f, z, prefix, err));
    SL_TRY(find_entry(f, &entry, z, prefix, "data.pkl", "", err));
    SL_TRY(sl_zip_data(z, &pkl, entry, err));
    SL_TRY(
        sl_pickle_read(&f->dict, &used, pkl.p, pkl.n, is_known, f->path, err));
    SL_TRY(read_storages(f, err));
    SL_TRY(place_entries(f, z, prefix, err));
    return read_tensors(f, err);
}

static simlm_status read_zip(struct sl_torchfile *f, simlm_error *err)
{
    struct sl_str prefix = {0};
    struct sl_zip *z = NULL;
    simlm_status st;

    SL_TRY(sl_zip_open(&z, f->map, f->path, err));
    st = read_archive(f, z, &prefix, err);
    sl_str_free(&prefix);
    sl_zip_close(z);
    return st;
}

/* ---- the older format ---------------------------------------------------- */

static const char magic[] = "l\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

/* Read a pickle off the front of *rest. */
static simlm_status next_pickle(const struct sl_torchfile *f,
                                struct sl_pickle **out, struct sl_map *rest,
                                simlm_error *err)
{
    size_t used;

    SL_TRY(
        sl_pickle_read(out, &used, rest->p, rest->n, is_known, f->path, err));
    rest->p += used;
    rest->n -= used;
    return SIMLM_OK;
}

static bool is_little_endian(const struct sl_pickled *info)
{
    for (int64_t i = 0; info->kind == SL_PICKLE_DICT && i < info->n; i += 2)
        if (sl_pickle_is(info->item[i], SL_PICKLE_TEXT, "little_endian"))
            return info->item[i + 1]->kind == SL_PICKLE_BOOL &&
                   info->item[i + 1]->i;
    return false;
}

static simlm_status read_preamble(const struct sl_torchfile *f,
                                  struct sl_map *rest, simlm_error *err)
{
    for (int i = 0; i < 3; i++) {
        struct sl_pickle *p = NULL;
        const struct sl_pickled *v;
        bool right;

        SL_TRY(next_pickle(f, &p, rest, err));
        v = sl_pickle_root(p);
        right = i == 0   ? sl_pickle_is(v, SL_PICKLE_LONG, magic)
                : i == 1 ? v->kind == SL_PICKLE_INT && v->i == 1001
                         : is_little_endian(v);
        sl_pickle_free(p);
        if (!right)
            return fail(f,
                        i == 2 ? "written on a big-endian machine"
                               : "not a file of torch.save()",
                        err);
    }
    return SIMLM_OK;
}

/* One of the storages at the end of the file: 8 bytes of length, elements. */
static simlm_status next_storage(struct sl_torchfile *f,
                                 const struct sl_pickled *key,
                                 struct sl_map *rest, simlm_error *err)
{
    uint64_t n = 0, bytes;
    int64_t i;

    if (key->kind != SL_PICKLE_TEXT)
        return fail(f, "expected a list of storages", err);
    i = sl_strmap_find(f->keys, key->text, (size_t)key->n);
    if (i < 0)
        return fail(f, "a storage that no tensor has", err);
    if (rest->n < 8)
        return fail(f, "ends before its storages (cut short?)", err);
    for (int k = 7; k >= 0; k--)
        n = n << 8 | rest->p[k];
    if (n != (uint64_t)f->storage[i].count)
        return fail(f, "a storage of another size than its tensors say", err);
    rest->p += 8;
    rest->n -= 8;
    SL_TRY(place(f, i, *rest, err));
    bytes = n * (uint64_t)f->storage[i].type->bytes;
    rest->p += bytes;
    rest->n -= (size_t)bytes;
    return SIMLM_OK;
}

static simlm_status place_in_turn(struct sl_torchfile *f,
                                  const struct sl_pickled *keys,
                                  struct sl_map rest, simlm_error *err)
{
    if (keys->kind != SL_PICKLE_LIST)
        return fail(f, "expected a list of storages", err);
    for (int64_t i = 0; i < keys->n; i++)
        SL_TRY(next_storage(f, keys->item[i], &rest, err));
    for (int64_t i = 0; i < sl_strmap_count(f->keys); i++)
        if (!f->storage[i].data)
            return sl_fail(err, SIMLM_E_FORMAT, "%s: no storage '%.60s'",
                           f->path, sl_strmap_key(f->keys, i));
    return SIMLM_OK;
}

static simlm_status read_legacy(struct sl_torchfile *f, simlm_error *err)
{
    struct sl_map rest = f->map;
    struct sl_pickle *keys = NULL;
    simlm_status st;

    SL_TRY(read_preamble(f, &rest, err));
    SL_TRY(next_pickle(f, &f->dict, &rest, err));
    SL_TRY(read_storages(f, err));
    SL_TRY(next_pickle(f, &keys, &rest, err));
    st = place_in_turn(f, sl_pickle_root(keys), rest, err);
    sl_pickle_free(keys);
    SL_TRY(st);
    return read_tensors(f, err);
}

/* ---- opening ------------------------------------------------------------- */

/* The magic number of the first pickle, behind its protocol and, from protocol
 * 4 on, a frame.  (The first two bytes are a safetensors file's, too, if its
 * header is as long as that.) */
static bool is_legacy(struct sl_map map)
{
    static const size_t places[] = {4, 13};
    size_t n = sizeof magic - 1;

    for (size_t i = 0; i < SL_LEN(places); i++)
        if (map.n > places[i] + n && map.p[0] == 0x80 &&
            !memcmp(map.p + places[i], magic, n))
            return true;
    return false;
}

bool sl_torchfile_is(struct sl_map map)
{
    return sl_zip_is(map) || is_legacy(map);
}

simlm_status sl_torchfile_open(struct sl_torchfile **out, const char *path,
                               simlm_error *err)
{
    struct sl_torchfile *f = SL_NEW(struct sl_torchfile);
    simlm_status st;

    if (!f || !(f->path = sl_strdup(path))) {
        sl_free(f);
        return sl_fail_nomem(err, path);
    }
    st = sl_map_open(&f->map, path, err);
    if (st == SIMLM_OK)
        st = sl_zip_is(f->map)   ? read_zip(f, err)
             : is_legacy(f->map) ? read_legacy(f, err)
                                 : fail(f, "not a file of torch.save()", err);
    if (st < 0)
        sl_torchfile_close(f);
    else
        *out = f;
    return st;
}

void sl_torchfile_close(struct sl_torchfile *f)
{
    if (!f)
        return;
    sl_pickle_free(f->dict);
    sl_strmap_free(f->keys);
    sl_free(f->storage);
    sl_strmap_free(f->names);
    sl_free(f->list);
    sl_map_close(&f->map);
    sl_free(f->path);
    sl_free(f);
}

int64_t sl_torchfile_count(const struct sl_torchfile *f)
{
    return sl_strmap_count(f->names);
}

const struct sl_tensor *sl_torchfile_at(const struct sl_torchfile *f, int64_t i)
{
    return &f->list[i];
}
