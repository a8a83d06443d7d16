#include "directory/ldap/state.h"

#define DAY ((int64_t)86400)
/* Active Directory counts tenths of microseconds since 1601. */
#define FILETIME_SECOND 10000000
#define FILETIME_1970   ((int64_t)11644473600)

static const char locked_time[] = "pwdAccountLockedTime";
static const char account_lock[] = "nsAccountLock";
static const char shadow_expire[] = "shadowExpire";
static const char account_expires[] = "accountExpires";

const char *const ldap_state_attributes[] = {locked_time, account_lock, shadow_expire,
                                             account_expires, NULL};

static struct str value_of(const struct ldap_entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->n; i++)
        if (str_ieq(entry->attributes[i].name, str_of(name)) && entry->attributes[i].n)
            return str_trim(entry->attributes[i].values[0]);
    return STR_EMPTY;
}

/* Days since 1970; what is negative is never (shadow(5)). */
static bool is_shadow_over(struct str days, int64_t now)
{
    uint64_t n;
    if (days.n == 0 || str_starts(days, STR("-")))
        return false;
    return !str_to_u64(days, UINT32_MAX, &n) || now / DAY >= (int64_t)n;
}

/* 0 and the largest number are never ([MS-ADA1]). */
static bool is_windows_over(struct str time, int64_t now)
{
    uint64_t n;
    if (time.n == 0)
        return false;
    if (!str_to_u64(time, INT64_MAX, &n))
        return true;
    return n != 0 && n != INT64_MAX && (int64_t)(n / FILETIME_SECOND) - FILETIME_1970 <= now;
}

enum login_result ldap_state_read(const struct ldap_entry *entry, int64_t now, const char **why)
{
    struct str lock = value_of(entry, account_lock);
    *why = "the account is locked at the directory (pwdAccountLockedTime)";
    if (str_starts(value_of(entry, locked_time), STR("00000101")))
        return LOGIN_LOCKED;
    *why = "the account is locked at the directory (nsAccountLock)";
    if (lock.n && !str_ieq(lock, STR("false")))
        return LOGIN_DISABLED;
    *why = "the account is over at the directory (shadowExpire, accountExpires)";
    if (is_shadow_over(value_of(entry, shadow_expire), now) ||
        is_windows_over(value_of(entry, account_expires), now))
        return LOGIN_DISABLED;
    *why = "";
    return LOGIN_OK;
}
