#include "reports/originals.h"

#include "mail/header.h"
#include "mail/part.h"
#include "mail/tnef.h"
#include "reports/archive.h"

#define FEEDBACK_LOOK 4096 /* bytes of a feedback report that are read */
#define MAIL_LOOK     200  /* lines in which a sender's field must stand */

const struct mail_limits report_limits = {
    .depth = 10,
    .parts = 20000,
    .headers = 2000,
    .header_size = 1024 * 1024,
};

struct finder {
    struct pool *pool;
    struct originals *found;
    size_t cap, left_cap;
    size_t bytes_left;
    unsigned archives;
};

const char *left_why_name(enum left_why why)
{
    static const char *const names[LEFT_WHYS] = {"too many",         "too large",   "too deep",
                                                 "encrypted",        "damaged",     "zip in a zip",
                                                 "Outlook's format", "header only", "not a mail"};
    return names[why];
}

static int leave(struct finder *f, enum left_why why, struct str name, struct err *err)
{
    struct originals *found = f->found;
    if (found->n_left_out >= ORIGINALS_LEFT_MAX) {
        found->n_left_more++;
        return 0;
    }
    struct left_out *list = pool_grow(f->pool, found->left_out, found->n_left_out, &f->left_cap,
                                      sizeof(struct left_out));
    struct left_out left = {why, pool_str(f->pool, name)};
    if (list == NULL || left.name.s == NULL)
        return err_set(err, "out of memory for the originals of a report");
    found->left_out = list;
    list[found->n_left_out++] = left;
    return 0;
}

/* --- one original --- */

/* Is there a field that a mail has from its sender or its way? */
static bool is_mail(struct str raw)
{
    static const char *const names[] = {"From",       "To",       "Subject",    "Date",
                                        "Message-ID", "Received", "Return-Path"};
    size_t at = 0, colon;
    for (unsigned i = 0; i < MAIL_LOOK && at < raw.n; i++) {
        size_t after = line_after(raw, at);
        struct str line = line_between(raw, at, after);
        size_t n = header_name(line, &colon);
        if (line.n == 0)
            return false;
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
            if (str_ieq(str_sub(line, 0, n), str_of(names[k])))
                return true;
        at = after;
    }
    return false;
}

/* Without what some programs put before the first field. */
static struct str from_first_line(struct str raw)
{
    if (str_starts(raw, STR("\xef\xbb\xbf")))
        raw = str_from(raw, 3);
    while (raw.n && (raw.s[0] == '\r' || raw.s[0] == '\n'))
        raw = str_from(raw, 1);
    return raw;
}

/* raw lives as long as the report, or in the pool. */
static int take(struct finder *f, enum original_kind kind, struct str raw, struct str name,
                struct err *err)
{
    struct originals *found = f->found;
    raw = from_first_line(raw);
    if (!is_mail(raw))
        return leave(f, LEFT_NOT_MAIL, name, err);
    if (found->n == ORIGINALS_MAX)
        return leave(f, LEFT_TOO_MANY, name, err);
    if (kind != ORIGINAL_ARCHIVED && raw.n > f->bytes_left)
        return leave(f, LEFT_TOO_LARGE, name, err);
    struct original *list =
        pool_grow(f->pool, found->list, found->n, &f->cap, sizeof(struct original));
    struct original original = {kind, raw, pool_str(f->pool, name)};
    if (list == NULL || original.name.s == NULL)
        return err_set(err, "out of memory for the originals of a report");
    found->list = list;
    list[found->n++] = original;
    if (kind != ORIGINAL_ARCHIVED) /* those were counted when they were unpacked */
        f->bytes_left -= raw.n;
    return 0;
}

/* The part's bytes, decoded; what is larger than is left is cut there. */
static int part_bytes(struct finder *f, const struct part *part, struct str *bytes, struct err *err)
{
    *bytes = part->body;
    if (!part_is_encoded(part))
        return 0;
    struct buf out = BUF_INIT(f->bytes_left + 1);
    part_decode(part, &out);
    *bytes = out.failed ? STR_EMPTY : pool_str(f->pool, buf_str(&out));
    buf_release(&out);
    return bytes->s ? 0 : err_set(err, "out of memory for an original");
}

static int take_part(struct finder *f, const struct part *part, enum original_kind kind,
                     struct err *err)
{
    struct str bytes;
    if (f->found->n == ORIGINALS_MAX)
        return leave(f, LEFT_TOO_MANY, part->filename, err);
    if (part_bytes(f, part, &bytes, err) < 0)
        return -1;
    if (bytes.n > f->bytes_left)
        return leave(f, LEFT_TOO_LARGE, part->filename, err);
    return take(f, kind, bytes, part->filename, err);
}

/* --- zip files --- */

static bool is_shadow(struct str name)
{
    /* macOS puts a file's attributes into a second one */
    size_t slash = str_rchr(name, '/');
    return str_starts(slash == STR_NONE ? name : str_from(name, slash + 1), STR("._"));
}

static int on_name(void *data, struct str name, struct err *err)
{
    struct finder *f = data;
    if (is_shadow(name))
        return 0;
    if (str_iends(name, STR(".zip")))
        return leave(f, LEFT_NESTED, name, err);
    if (str_iends(name, STR(".msg")))
        return leave(f, LEFT_OUTLOOK, name, err);
    if (!str_iends(name, STR(".eml")))
        return 0;
    return f->found->n < ORIGINALS_MAX ? 1 : leave(f, LEFT_TOO_MANY, name, err);
}

static int on_file(void *data, struct str name, enum archive_result result, struct str bytes,
                   struct err *err)
{
    struct finder *f = data;
    struct str copy;
    switch (result) {
    case ARCHIVE_ENCRYPTED:
        return leave(f, LEFT_ENCRYPTED, name, err);
    case ARCHIVE_DAMAGED:
        return leave(f, LEFT_DAMAGED, name, err);
    case ARCHIVE_TOO_LARGE:
        return leave(f, LEFT_TOO_LARGE, name, err);
    case ARCHIVE_READ:
        break;
    }
    copy = pool_str(f->pool, bytes);
    return copy.s ? take(f, ORIGINAL_ARCHIVED, copy, name, err)
                  : err_set(err, "out of memory for an original");
}

static int open_archive(struct finder *f, struct str zip, struct str name, struct err *err)
{
    const struct archive_visitor visitor = {f, on_name, on_file};
    struct archive_seen seen;
    size_t allowed = zip.n > ARCHIVE_SMALL / ARCHIVE_RATIO_MAX ? zip.n * ARCHIVE_RATIO_MAX
                                                               : (size_t)ARCHIVE_SMALL;
    if (allowed > f->bytes_left)
        allowed = f->bytes_left;
    size_t left = allowed;
    if (archive_each(zip, ARCHIVE_ENTRIES_MAX, &left, &visitor, &seen, err) < 0)
        return -1;
    f->bytes_left -= allowed - left;
    if (seen.result == ARCHIVE_DAMAGED)
        return leave(f, LEFT_DAMAGED, name, err);
    return seen.more ? leave(f, LEFT_TOO_MANY, name, err) : 0;
}

static int take_archive(struct finder *f, const struct part *part, struct err *err)
{
    struct buf zip = BUF_INIT(part->body.n + 1);
    if (f->archives++ == ARCHIVES_MAX)
        return leave(f, LEFT_TOO_MANY, part->filename, err);
    part_decode(part, &zip);
    int result = zip.failed ? err_set(err, "out of memory for a zip file")
                            : open_archive(f, buf_str(&zip), part->filename, err);
    buf_release(&zip);
    return result;
}

/* --- winmail.dat --- */

static int open_attachment(struct finder *f, const struct tnef_attachment *attachment,
                           struct err *err)
{
    struct str name = attachment->name;
    /* a message that Outlook took apart: its own bytes are gone */
    if (attachment->kind == TNEF_MESSAGE || str_iends(name, STR(".msg")))
        return leave(f, LEFT_OUTLOOK, name, err);
    if (attachment->kind != TNEF_FILE)
        return 0;
    if (str_iends(name, STR(".eml")))
        return take(f, ORIGINAL_FILE, attachment->data, name, err);
    if (!str_iends(name, STR(".zip")))
        return 0;
    return f->archives++ < ARCHIVES_MAX ? open_archive(f, attachment->data, name, err)
                                        : leave(f, LEFT_TOO_MANY, name, err);
}

/* What Outlook and Exchange put all attachments into, for receivers that they take for their like.
 */
static int take_winmail(struct finder *f, const struct part *part, struct err *err)
{
    struct tnef tnef;
    struct str bytes;
    if (part_bytes(f, part, &bytes, err) < 0)
        return -1;
    if (bytes.n > f->bytes_left)
        return leave(f, LEFT_TOO_LARGE, part->filename, err);
    if (tnef_read(f->pool, bytes, &tnef, err) < 0)
        return -1;
    for (size_t i = 0; i < tnef.n; i++)
        if (open_attachment(f, &tnef.list[i], err) < 0)
            return -1;
    if (tnef.damaged)
        return leave(f, LEFT_DAMAGED, part->filename, err);
    return tnef.more ? leave(f, LEFT_TOO_MANY, part->filename, err) : 0;
}

/* --- the report's parts --- */

static bool type_is_one_of(const struct part *part, const char *const *types)
{
    for (; *types; types++)
        if (str_eq(part->type, str_of(*types)))
            return true;
    return false;
}

static int look_at_file(struct finder *f, const struct part *part, struct err *err)
{
    static const char *const zips[] = {"application/zip", "application/x-zip-compressed",
                                       "application/x-zip", NULL};
    static const char *const winmail[] = {"application/ms-tnef", "application/vnd.ms-tnef", NULL};
    static const char *const outlook[] = {"application/vnd.ms-outlook", NULL};
    static const char *const headers[] = {"text/rfc822-headers", "message/rfc822-headers", NULL};
    struct str name = part->filename;
    if (str_iends(name, STR(".eml")))
        return take_part(f, part, ORIGINAL_FILE, err);
    if (type_is_one_of(part, headers))
        return leave(f, LEFT_HEADERS_ONLY, name, err);
    if (str_iends(name, STR(".zip")) || type_is_one_of(part, zips))
        return take_archive(f, part, err);
    if (str_ieq(name, STR("winmail.dat")) || type_is_one_of(part, winmail))
        return take_winmail(f, part, err);
    if (str_iends(name, STR(".msg")) || type_is_one_of(part, outlook))
        return leave(f, LEFT_OUTLOOK, name, err);
    return 0;
}

/* RFC 5965 3.1: "Feedback-Type: abuse" in the machine-readable part. */
static enum feedback feedback_of(const struct part *part)
{
    static const struct {
        struct str type;
        enum feedback feedback;
    } types[] = {{STR("abuse"), FEEDBACK_SPAM},
                 {STR("fraud"), FEEDBACK_SPAM},
                 {STR("virus"), FEEDBACK_SPAM},
                 {STR("not-spam"), FEEDBACK_HAM}};
    char bytes[FEEDBACK_LOOK];
    struct buf text = BUF_OVER(bytes);
    part_decode(part, &text);
    struct str rest = buf_str(&text), line;
    while (str_next_line(&rest, &line)) {
        size_t colon = str_chr(line, ':');
        if (colon == STR_NONE || !str_ieq(str_sub(line, 0, colon), STR("Feedback-Type")))
            continue;
        struct str value = str_trim(str_from(line, colon + 1));
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
            if (str_ieq(value, types[i].type))
                return types[i].feedback;
    }
    return FEEDBACK_NONE;
}

static int look_at_all(struct finder *f, const struct part *part, struct err *err);

/* Depth is bounded by report_limits. */
static int look_at(struct finder *f, const struct part *part, struct err *err)
{
    if (part_is_message(part))
        return take_part(f, part, ORIGINAL_PART, err);
    if (str_eq(part->type, STR("message/feedback-report"))) {
        f->found->feedback = feedback_of(part);
        return 0;
    }
    if (!part_is_multipart(part))
        return look_at_file(f, part, err);
    if ((part->anomalies & MAIL_ANOMALY_LIMIT) && leave(f, LEFT_TOO_DEEP, part->filename, err) < 0)
        return -1;
    return look_at_all(f, part->child, err);
}

static int look_at_all(struct finder *f, const struct part *part, struct err *err)
{
    for (; part; part = part->next)
        if (look_at(f, part, err) < 0)
            return -1;
    return 0;
}

static bool is_bounce(const struct part *root)
{
    return str_eq(root->type, STR("multipart/report")) &&
           !str_ieq(part_param(root, STR("report-type")), STR("feedback-report"));
}

int originals_find(struct pool *pool, const struct message *report, struct originals *originals,
                   struct err *err)
{
    struct finder f = {.pool = pool, .found = originals, .bytes_left = ORIGINALS_BYTES_MAX};
    *originals = (struct originals){.bounce = is_bounce(report->root)};
    if (originals->bounce)
        return 0;
    /* past the last part that was read, a part holds all that follows it */
    if (report->n_parts >= report_limits.parts)
        return leave(&f, LEFT_TOO_DEEP, STR(""), err);
    return look_at(&f, report->root, err);
}
