#include "gateway/certificates.h"

static bool is_set(const char *path)
{
    return path && path[0];
}

static bool look(const struct conf_smtp *conf, struct certificate_look *l)
{
    *l = (struct certificate_look){0};
    if (stat(conf->tls_certificate, &l->certificate) < 0)
        return false;
    return !is_set(conf->tls_key) || stat(conf->tls_key, &l->key) == 0;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           same_time(a->st_mtim, b->st_mtim) && same_time(a->st_ctim, b->st_ctim);
}

static bool same(const struct certificate_look *a, const struct certificate_look *b)
{
    return same_file(&a->certificate, &b->certificate) && same_file(&a->key, &b->key);
}

void certificates_loaded(struct certificates *c, const struct conf_smtp *conf, time_t now)
{
    if (is_set(conf->tls_certificate))
        look(conf, &c->loaded);
    c->last = c->loaded;
    c->next = now + CERTIFICATES_LOOK;
}

bool certificates_changed(struct certificates *c, const struct conf_smtp *conf, time_t now)
{
    struct certificate_look now_there;
    if (!is_set(conf->tls_certificate) || now < c->next)
        return false;
    c->next = now + CERTIFICATES_LOOK;
    if (!look(conf, &now_there))
        return false;
    bool still = same(&now_there, &c->last);
    c->last = now_there;
    if (!still || same(&now_there, &c->loaded))
        return false;
    c->loaded = now_there;
    return true;
}
