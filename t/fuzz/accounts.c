/* A file of accounts, and one who is looked for: the first line is the address. */
#include <stdlib.h>

#include "directory/accounts.h"
#include "directory/address.h"
#include "directory/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_n((const char *)data, size), line = STR_EMPTY, hash, own;
    struct address address;
    struct accounts *accounts;
    struct account account;
    struct table *table;
    struct err err;
    str_next_line(&rest, &line);
    if (accounts_parse(rest, "fuzz", &accounts, &table, &err) != FILE_READ)
        return 0;
    /* each address finds the account that it is of */
    if (address_normal(line, false, &address) &&
        accounts_find(accounts, str_of(address.text), &account)) {
        bool listed = false;
        for (struct str all = account.own; str_next(&all, ' ', &own);)
            listed |= str_eq(own, str_of(address.text));
        if (!listed || (account.hash.n && !str_eq(hash_read(account.hash), account.hash)))
            abort();
    }
    if (accounts_decoy(accounts, line, &hash) && hash.n == 0)
        abort();
    accounts_free(&accounts);
    table_free(&table);
    return 0;
}
