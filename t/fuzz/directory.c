/* A file of recipients and addresses to look up: the first line is the address. */
#include <stdlib.h>

#include "directory/address.h"
#include "directory/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_n((const char *)data, size);
    struct str line = STR_EMPTY;
    struct address address, again;
    struct table *table;
    struct table_entry entry;
    struct err err;
    str_next_line(&rest, &line);
    bool good = address_normal(line, true, &address);
    /* what is normal stays as it is */
    if (good && (!address_normal(str_of(address.text), true, &again) ||
                 strcmp(address.text, again.text) != 0))
        abort();
    if (file_parse(rest, "fuzz", &table, &err) != FILE_READ)
        return 0;
    if (good)
        table_find(table, str_of(address.text), &entry);
    table_free(&table);
    return 0;
}
