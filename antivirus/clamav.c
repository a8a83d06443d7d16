/*
 * The ClamAV engine: libclamav in process, signatures from a folder that freshclam fills.
 *
 * Left out on purpose: the phishing URL heuristics (Heuristics.Phishing.*), which guess: what they
 * take for infected would vanish into quarantine, and links are judged by the rules; and the cache
 * of clean files (see clamav_watch.h).
 */
#include "antivirus/engine.h"

#include <clamav.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "antivirus/archive_end.h"
#include "antivirus/clamav_common.h"
#include "antivirus/clamav_seen.h"
#include "antivirus/clamav_watch.h"
#include "base/buf.h"
#include "base/log.h"

#define DB_OPTIONS (CL_DB_PHISHING | CL_DB_BYTECODE)

static const char mail_mark[] = CLAMAV_MAIL_MARK;
#define MAIL_MARK_LEN (sizeof mail_mark - 1)

struct clamav {
    struct cl_engine *engine;
    struct clamav_watch watch;
    struct clamav_seen seen;
};

/* At load the context is NULL: what is wrong with a signature file must be seen. While scanning
 * it is mail that provokes messages. */
static void on_message(enum cl_msg severity, const char *full, const char *text, void *context)
{
    int n = (int)strcspn(text, "\r\n");
    if (context || severity < CL_MSG_WARN)
        log_debug("clamav: %.*s", n, text);
    else if (severity < CL_MSG_ERROR)
        log_warning("clamav: %.*s", n, text);
    else
        log_error("clamav: %.*s", n, text);
}

static cl_error_t on_file(int fd, const char *type, const char **ancestors, size_t parent_size,
                          const char *name, size_t size, const char *bytes, uint32_t depth,
                          uint32_t attributes, void *context)
{
    struct clamav *c = context;
    /* a normalised copy of a file is no file of its own */
    if (!c || (attributes & LAYER_ATTRIBUTES_NORMALIZED))
        return CL_CLEAN;
    clamav_watch_file(&c->watch, depth, type, size);
    if (bytes && archive_is_cut(type, str_n(bytes, size)))
        clamav_watch_cut(&c->watch, type);
    if (bytes && size > 0 && depth > 0)
        clamav_seen_file(&c->seen, str_n(bytes, size));
    return CL_CLEAN;
}

/* libclamav handles no file of 2 GiB and more. */
static uint64_t file_limit(const struct conf_antivirus *conf)
{
    return conf->scan_size_limit < INT_MAX ? conf->scan_size_limit : INT_MAX;
}

static int set_limits(struct cl_engine *engine, const struct conf_antivirus *conf, struct err *err)
{
    const struct {
        enum cl_engine_field field;
        long long value;
    } limits[] = {
        {CL_ENGINE_MAX_SCANSIZE, (long long)conf->scan_size_limit},
        {CL_ENGINE_MAX_FILESIZE, (long long)file_limit(conf)},
        {CL_ENGINE_MAX_RECURSION, conf->recursion_limit},
        {CL_ENGINE_MAX_FILES, conf->files_limit},
        {CL_ENGINE_MAX_SCANTIME, conf->timeout * 1000LL},
        {CL_ENGINE_BYTECODE_TIMEOUT, conf->timeout * 1000LL},
        /* no memory that can be written and executed */
        {CL_ENGINE_BYTECODE_MODE, CL_BYTECODE_MODE_INTERPRETER},
        {CL_ENGINE_DISABLE_CACHE, 1},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (cl_engine_set_num(engine, limits[i].field, limits[i].value) != CL_SUCCESS)
            return err_set(err, "clamav: cannot set limit %d to %lld", (int)limits[i].field,
                           limits[i].value);
    return 0;
}

static int load_signatures(struct engine *engine, struct cl_engine *clam, struct err *err)
{
    const char *folder = engine->conf->clamav_databases;
    unsigned n = 0;
    cl_error_t code = cl_load(folder, clam, &n, DB_OPTIONS);
    if (code == CL_EOPEN || (code == CL_SUCCESS && n == 0))
        return err_set(err,
                       "clamav: no signatures in %s: run freshclam, or set "
                       "antivirus.clamav_databases to a folder that has some",
                       folder);
    if (code == CL_SUCCESS)
        code = cl_engine_compile(clam);
    if (code != CL_SUCCESS)
        return err_set(err,
                       "clamav: cannot load the signatures in %s: %s; what the log says above "
                       "names the file",
                       folder, cl_strerror(code));
    engine->signatures = n;
    long long daily = cl_engine_get_num(clam, CL_ENGINE_DB_VERSION, NULL);
    time_t made = (time_t)cl_engine_get_num(clam, CL_ENGINE_DB_TIME, NULL);
    if (daily > 0) {
        engine->official = true;
        engine->made = (int64_t)made;
        char date[32] = "";
        struct tm tm;
        if (gmtime_r(&made, &tm))
            strftime(date, sizeof date, "%Y-%m-%d %H:%MZ", &tm);
        snprintf(engine->version, sizeof engine->version, "ClamAV %s sig %lld %s", cl_retver(),
                 daily, date);
    } else {
        snprintf(engine->version, sizeof engine->version, "ClamAV %s %u signatures", cl_retver(),
                 n);
    }
    return 0;
}

static void clamav_close(struct engine *engine)
{
    struct clamav *c = engine->data;
    if (c && c->engine)
        cl_engine_free(c->engine);
    free(c);
    engine->data = NULL;
}

static int clamav_use_tmp(struct engine *engine, const char *tmp_dir, struct err *err)
{
    struct clamav *c = engine->data;
    if (cl_engine_set_str(c->engine, CL_ENGINE_TMPDIR, tmp_dir) != CL_SUCCESS)
        return err_set(err, "clamav: out of memory");
    return 0;
}

static int open_steps(struct engine *engine, const char *tmp_dir, struct err *err)
{
    struct clamav *c = engine->data;
    cl_set_clcb_msg(on_message);
    cl_error_t code = cl_init(CL_INIT_DEFAULT);
    if (code != CL_SUCCESS)
        return err_set(err, "clamav: cannot start libclamav: %s", cl_strerror(code));
    c->engine = cl_engine_new();
    if (!c->engine)
        return err_set(err, "clamav: out of memory");
    if (set_limits(c->engine, engine->conf, err) < 0)
        return -1;
    if (tmp_dir && clamav_use_tmp(engine, tmp_dir, err) < 0)
        return -1;
    cl_engine_set_clcb_file_inspection(c->engine, on_file);
    return load_signatures(engine, c->engine, err);
}

static int clamav_open(struct engine *engine, const char *tmp_dir, struct err *err)
{
    engine->data = calloc(1, sizeof(struct clamav));
    if (!engine->data)
        return err_set(err, "clamav: out of memory");
    if (open_steps(engine, tmp_dir, err) == 0)
        return 0;
    clamav_close(engine);
    return -1;
}

/* What hostile bytes can bring about asks for no second try; what the machine lacks does. */
static enum av_result result_of_error(cl_error_t code)
{
    switch (code) {
    case CL_ETIMEOUT:
    case CL_EMAXREC:
    case CL_EMAXSIZE:
    case CL_EMAXFILES:
    case CL_EUNPACK:
    case CL_EFORMAT:
    case CL_EPARSE:
        return AV_UNSCANNABLE;
    default:
        return AV_FAILED;
    }
}

static void take_result(cl_error_t code, const char *name, struct av_answer *answer)
{
    if (code == CL_SUCCESS || code == CL_VERIFIED)
        return;
    if (code != CL_VIRUS)
        av_found(answer, result_of_error(code), "%s", cl_strerror(code));
    else if (!name || clamav_means_unscannable(str_of(name)))
        av_found(answer, AV_UNSCANNABLE, "%s", name ? name : "?");
    else
        av_found(answer, AV_INFECTED, "%s", name);
}

/* How the bytes are scanned. */
struct manner {
    bool unlocked; /* what is encrypted in them was opened, and is scanned on its own */
    bool as_mail;  /* libclamav's mail parser looks for more files in them */
};

/* Scans one file in memory within what is left of time and of *size_left, which shrinks. */
static void scan_bytes(struct clamav *c, struct str bytes, const struct manner *manner,
                       uint64_t deadline, uint64_t *size_left, struct av_answer *answer)
{
    struct cl_scan_options options = {
        .general = CL_SCAN_GENERAL_HEURISTICS,
        .parse = manner->as_mail ? ~0U : ~(unsigned)CL_SCAN_PARSE_MAIL,
        .heuristic = CL_SCAN_HEURISTIC_EXCEEDS_MAX | CL_SCAN_HEURISTIC_ENCRYPTED_DOC |
                     (manner->unlocked ? 0 : CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE),
    };
    uint64_t left = av_left(deadline);
    if (left == 0 || *size_left == 0) {
        av_found(answer, AV_UNSCANNABLE, left == 0 ? "time limit" : "scan size limit");
        return;
    }
    cl_engine_set_num(c->engine, CL_ENGINE_MAX_SCANTIME, (long long)left);
    cl_engine_set_num(c->engine, CL_ENGINE_MAX_SCANSIZE, (long long)*size_left);
    cl_fmap_t *map = cl_fmap_open_memory(bytes.s, bytes.n);
    if (!map) {
        av_found(answer, AV_FAILED, "out of memory");
        return;
    }
    c->watch.unlocked = manner->unlocked;
    const char *name = NULL;
    unsigned long scanned = 0; /* in units of CL_COUNT_PRECISION bytes */
    cl_error_t code = cl_scanmap_callback(map, NULL, &name, &scanned, c->engine, &options, c);
    clamav_watch_end(&c->watch);
    take_result(code, name, answer);
    cl_fmap_close(map);
    uint64_t used = (uint64_t)scanned * CL_COUNT_PRECISION;
    *size_left = used < *size_left ? *size_left - used : 0;
}

static void scan_raw(struct clamav *c, struct str raw, const struct manner *manner,
                     uint64_t deadline, uint64_t size_limit, struct av_answer *answer)
{
    struct buf marked = BUF_INIT(raw.n + MAIL_MARK_LEN + 1);
    buf_addn(&marked, mail_mark, MAIL_MARK_LEN);
    buf_add(&marked, raw);
    if (buf_ok(&marked))
        scan_bytes(c, buf_str(&marked), manner, deadline, &size_limit, answer);
    else
        av_found(answer, AV_FAILED, "out of memory");
    buf_release(&marked);
}

static bool any_unlocked(const struct av_message *message)
{
    for (size_t i = 0; i < message->n_parts; i++)
        if (message->parts[i].unlocked)
            return true;
    return false;
}

static void clamav_scan(struct engine *engine, const struct av_message *message, uint64_t deadline,
                        struct av_answer *answer)
{
    struct clamav *c = engine->data;
    uint64_t size_left = engine->conf->scan_size_limit;
    clamav_watch_start(&c->watch, file_limit(engine->conf));
    clamav_seen_start(&c->seen, message);
    /* two parsers take the most of an odd message; of any other they would find the same parts, at
     * nearly twice the cost */
    const struct manner manner = {.unlocked = any_unlocked(message),
                                  .as_mail = !message->read_one_way};
    scan_raw(c, message->raw, &manner, deadline, size_left, answer);
    /* of what is encrypted in the raw message only its parts tell which was unlocked */
    if (answer->result != AV_CLEAN || manner.unlocked)
        clamav_seen_forget(&c->seen);
    for (size_t i = 0; i < message->n_parts && answer->result != AV_INFECTED; i++) {
        const struct av_part *part = &message->parts[i];
        const struct manner of_part = {.unlocked = part->unlocked, .as_mail = true};
        if (part->bytes.n > 0 && !clamav_seen_part(&c->seen, i))
            scan_bytes(c, part->bytes, &of_part, deadline, &size_left, answer);
    }
    if (c->watch.note[0])
        av_found(answer, AV_UNSCANNABLE, "%s", c->watch.note);
}

const struct engine_ops engine_clamav_ops = {
    .open = clamav_open,
    .scan = clamav_scan,
    .use_tmp = clamav_use_tmp,
    .close = clamav_close,
};
