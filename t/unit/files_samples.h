/* Files of many kinds for the tests of the file policy, all made here. */
#ifndef POTERNE_T_UNIT_FILES_SAMPLES_H
#define POTERNE_T_UNIT_FILES_SAMPLES_H

#include "base/buf.h"

struct archive; /* libarchive */

/* The head of a Windows program, and some bytes. */
void sample_pe(struct buf *out);

struct sample_format {
    const char *name;
    int (*format)(struct archive *archive);
    int (*filter)(struct archive *archive);
};
extern const struct sample_format sample_formats[];
extern const size_t n_sample_formats;
enum { SAMPLE_TAR, SAMPLE_TAR_GZ };

/* An archive of one file. */
void sample_archive(struct buf *out, const struct sample_format *format, const char *name,
                    struct str bytes);
/* … of that many bytes of NUL */
void sample_zeros(struct buf *out, const struct sample_format *format, size_t size);

/* … with a hole before the bytes */
void sample_sparse_tar(struct buf *out, const char *name, struct str bytes, size_t hole);

/* A compound file ([MS-CFB]) with entries of these names; the first is a stream of those bytes. */
void sample_ole2(struct buf *out, const char *const *names, struct str stream);

/* A zip archive of one file, encrypted with the password: with AES, or in the old way. */
void sample_zip_with_password(struct buf *out, const char *name, struct str bytes,
                              const char *password, bool aes);
/* … and of a second file that is not encrypted. */
void sample_zip_half_locked(struct buf *out, const char *name, const char *password,
                            const char *second_name, struct str second);

#endif
