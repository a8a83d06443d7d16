#include "base/role_user.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

/* In the order of their numbers. */
static const char *const role_names[] = {"poterned",   "edge",     "content", "antivirus",
                                         "directory",  "delivery", "learner", "journal",
                                         "resolver",   "avlink",   "console", "reports",
                                         "signatures", "fetch",    NULL};

static int find_numbered(const struct conf *conf, const char *role, uid_t *uid, gid_t *gid,
                         struct err *err)
{
    for (unsigned i = 0; role_names[i]; i++) {
        if (strcmp(role_names[i], role) != 0)
            continue;
        *uid = conf->uid_first + i;
        *gid = conf->uid_first;
        return 0;
    }
    return err_set(err, "no role is called %s", role);
}

int role_user_find(const struct conf *conf, const char *role, uid_t *uid, gid_t *gid,
                   struct err *err)
{
    char name[64];
    if (geteuid() != 0) {
        *uid = geteuid();
        *gid = getegid();
        return 0;
    }
    if (conf->uid_first)
        return find_numbered(conf, role, uid, gid, err);
    snprintf(name, sizeof name, "%s%s", conf->user_prefix, role);
    const struct passwd *user = getpwnam(name);
    if (user == NULL)
        return err_set(err,
                       "there is no user %s: make it with `adduser --system --no-create-home "
                       "--ingroup %s %s`, or set uid_first",
                       name, conf->group, name);
    *uid = user->pw_uid;
    const struct group *group = getgrnam(conf->group);
    if (group == NULL)
        return err_set(err, "there is no group %s: make it with `addgroup --system %s`",
                       conf->group, conf->group);
    *gid = group->gr_gid;
    return 0;
}

int role_become_user(const struct conf *conf, const char *role, struct err *err)
{
    uid_t uid;
    gid_t gid;
    if (geteuid() != 0)
        return 0;
    if (role_user_find(conf, role, &uid, &gid, err) < 0)
        return -1;
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return err_sys(err, "cannot become user %u, group %u", (unsigned)uid, (unsigned)gid);
    if (uid != 0 && setuid(0) == 0)
        return err_set(err, "could become root again after becoming user %u", (unsigned)uid);
    return 0;
}
