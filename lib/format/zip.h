/*
 * format/zip.h - the entries of a zip file in memory, as PyTorch writes it.
 * (Compressed ones, of texts: format/zip_stream.h.)
 *
 *     [local header][data] ...      each entry; the data as they are ("stored")
 *     [central directory]           a header an entry: name, sizes, place
 *     [zip64 end, its locator]      if a number does not fit below
 *     [end of central directory]    22 bytes and a comment
 *
 * torch.save() never compresses, so sl_zip_data() knows stored entries alone.
 * (APPNOTE 6.3, sections 4.3 and 4.5.)
 *
 * Why not libzip or minizip: both read an entry as a stream of their own
 * buffers.  Here an entry is the very bytes of the map that the file was opened
 * with, so that a checkpoint's weights are read once, from the page cache, by
 * strided views, too; what is left of the format for that is two headers.
 *
 * The file is hostile: every offset and size is checked against its length, and
 * the entries' number against the directory's length before memory is taken for
 * them.  Checksums are not computed (safetensors has none either).
 */
#ifndef SL_FORMAT_ZIP_H
#define SL_FORMAT_ZIP_H

#include "base/file.h"

struct sl_zip;

/* Does it begin like a zip file? */
bool sl_zip_is(struct sl_map map);

/*
 * The map is borrowed and outlives the result.  `path` is for messages.
 *
 *   E_FORMAT  no directory (cut short?), one that lies, a name twice
 *   E_NOMEM
 */
simlm_status sl_zip_open(struct sl_zip **out, struct sl_map map,
                         const char *path, simlm_error *err);
void sl_zip_close(struct sl_zip *z); /* accepts NULL */

int64_t sl_zip_count(const struct sl_zip *z);
const char *sl_zip_name(const struct sl_zip *z, int64_t i);

/* The entry of that name, or -1. */
int64_t sl_zip_find(const struct sl_zip *z, const char *name);

/* How an entry is stored. */
struct sl_zip_entry {
    struct sl_map packed; /* its bytes in the map */
    uint64_t size;        /* of what they stand for */
    uint32_t crc;         /* of the same; nobody has proved it */
    unsigned method;      /* 0: stored, 8: deflated, others */
};

/* E_FORMAT  encrypted, or not where the directory says */
simlm_status sl_zip_entry(const struct sl_zip *z, struct sl_zip_entry *e,
                          int64_t i, simlm_error *err);

/*
 * *data <- the bytes of entry i, in the map.
 *
 *   E_FORMAT  compressed, encrypted, or not where the directory says
 */
simlm_status sl_zip_data(const struct sl_zip *z, struct sl_map *data, int64_t i,
                         simlm_error *err);

#endif
