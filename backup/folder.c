/* Where the generations are. */
#include "backup/take.h"
#include "base/fsio.h"

int backup_folder(const struct conf *conf, char *out, size_t size, struct err *err)
{
    if (conf->backup.folder == NULL)
        return fsio_join(out, size, conf->state_dir, SHELF_FOLDER, err);
    return str_copy(str_of(conf->backup.folder), out, size)
               ? 0
               : err_set(err, "%s: path too long", conf->backup.folder);
}
