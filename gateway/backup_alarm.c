#include "gateway/backup_alarm.h"

#include <stdlib.h>

#include "directory/address.h"

#define NOTE_MAX      (16 * 1024)
#define ADDRESSES_MAX 100 /* managers that are told */

struct note {
    struct str list[ADDRESSES_MAX];
    struct buf to, subject, text, mail;
};

static void write_note(const struct conf *conf, const char *folder, const char *why,
                       struct note *note)
{
    buf_addf(&note->subject, "%s: no backup was made", conf->hostname);
    buf_addf(&note->text, "The daily backup of %s into %s failed:\n\n    %s\n\n", conf->hostname,
             folder, why);
    buf_addf(&note->text, "Those before are as they were:\n\n"
                          "    poterne backup list\n\n"
                          "Once that is mended this makes one at once:\n\n"
                          "    poterne backup\n");
}

static int send_note(const struct post *post, struct note *note, struct err *err)
{
    char from[SPOOL_ACCOUNT_MAX + 1];
    struct outgoing out = {.recipients = note->list, .how = STR("a backup failed")};
    out.n_recipients = post_managers(post, note->list, ADDRESSES_MAX, &note->to);
    if (out.n_recipients == 0)
        return 0;
    post_postmaster(post->conf, from, sizeof from);
    const struct letter_words words = {.from = str_of(from),
                                       .to = buf_str(&note->to),
                                       .subject = buf_str(&note->subject),
                                       .text = buf_str(&note->text)};
    spool_id_make(out.id);
    post_compose(post, out.id, &words, &note->mail);
    out.subject = buf_str(&note->subject);
    out.mail = buf_str(&note->mail);
    if (!buf_ok(&note->mail) || !buf_ok(&note->text) || !buf_ok(&note->to))
        return err_set(err, "out of memory");
    return post_send(post, &out, err) < 0 ? -1 : 1;
}

int backup_alarm(const struct post *post, const char *folder, const char *why, struct err *err)
{
    struct note *note = calloc(1, sizeof *note);
    if (note == NULL)
        return err_set(err, "out of memory");
    note->to = BUF_INIT(ADDRESSES_MAX * (ADDRESS_MAX + 4));
    note->subject = note->text = BUF_INIT(NOTE_MAX);
    note->mail = BUF_INIT(4 * NOTE_MAX);
    write_note(post->conf, folder, why, note);
    int result = send_note(post, note, err);
    buf_release(&note->to);
    buf_release(&note->subject);
    buf_release(&note->text);
    buf_release(&note->mail);
    free(note);
    return result;
}
