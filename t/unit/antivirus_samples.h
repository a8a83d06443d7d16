/* Files for the antivirus tests, all made here: the EICAR test file (in two pieces, so that this
 * source is not taken for one), zip archives, archives that unpack to far more than they are. */
#ifndef POTERNE_T_UNIT_ANTIVIRUS_SAMPLES_H
#define POTERNE_T_UNIT_ANTIVIRUS_SAMPLES_H

#include "base/buf.h"

#define EICAR_HEAD "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD"
#define EICAR_TAIL "-ANTIVIRUS-TEST-FILE!$H+H*"
#define EICAR      EICAR_HEAD EICAR_TAIL

struct sample_zip {
    struct buf *out;
    struct buf directory;
    unsigned files;
};

void sample_zip_begin(struct sample_zip *zip, struct buf *out);
void sample_zip_stored(struct sample_zip *zip, const char *name, struct str bytes);
/* size bytes of NUL; the archive says that they are `claimed` bytes */
void sample_zip_bomb(struct sample_zip *zip, const char *name, size_t size, uint32_t claimed);
/* A file that says of itself that it needs a password. */
void sample_zip_locked(struct sample_zip *zip, const char *name, struct str bytes);
void sample_zip_end(struct sample_zip *zip);

/* An archive of one stored file. */
void sample_zip_of(struct buf *out, const char *name, struct str bytes);

/* base64 in lines of 76 characters */
void sample_base64(struct buf *out, struct str bytes);

/* A mail with one base64 attachment */
void sample_mail(struct buf *out, const char *type, struct str attachment);

#endif
