/* An account is frozen and the managers are told, exactly once for each freeze, whoever is killed
 * when. */
#include "t/unit/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fsio.h"
#include "gateway/freeze.h"

#define ACCOUNTS 200
#define KILLS    40

static char state[] = "/tmp/poterne-freeze-XXXXXX";

struct world {
    struct conf *conf;
    struct post post;
    struct senders *senders;
};

static void world_open(struct world *world, const char *managers)
{
    struct err err = {""};
    struct buf text = BUF_INIT(4000);
    buf_addf(&text,
             "hostname = mx.uni.example\nstate_dir = %s\nmanagers = { %s }\n"
             "domain uni.example { next_hop = smtp://127.0.0.1:1 }\n",
             state, managers);
    world->conf = conf_parse(buf_str(&text), "test.conf", &err);
    assert_non_null(world->conf);
    assert_int_equal(post_open(&world->post, world->conf, &err), 0);
    world->senders = senders_open(state, &err);
    assert_non_null(world->senders);
    buf_release(&text);
}

static void world_close(struct world *world)
{
    senders_close(&world->senders);
    post_close(&world->post);
    conf_free(&world->conf);
}

static int make_state(void **data)
{
    return mkdtemp(state) ? 0 : -1;
}

static int remove_state(void **data)
{
    struct err err;
    int result = fsio_empty_dir(state, &err);
    return result == 0 ? rmdir(state) : -1;
}

static int make_each(void **data)
{
    struct err err;
    return fsio_empty_dir(state, &err);
}

static unsigned files(const char *folder)
{
    char path[128];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/%s", state, folder);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

static struct freeze freeze_of(const struct world *world, const char *account)
{
    struct freeze f = {.post = &world->post, .senders = world->senders, .told = true};
    freeze_set(&f, str_of(account), STR("it sent a virus"));
    return f;
}

/* Does a note in the queue have that subject, and how many do? */
static unsigned notes_of(const struct world *world, const char *account)
{
    char path[128], want[400];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/queue", state);
    snprintf(want, sizeof want, "Subject: %s may send nothing for now\r\n", account);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        struct buf text = BUF_INIT(1 << 20);
        struct err err;
        char file[400];
        if (e->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%.26s", path, e->d_name);
        assert_int_equal(fsio_read_file(file, &text, &err), 0);
        n += str_find(buf_str(&text), str_of(want)) != STR_NONE;
        buf_release(&text);
    }
    closedir(dir);
    return n;
}

static void one_note_for_a_freeze(void **data)
{
    struct world world;
    world_open(&world, "boss@uni.example");
    struct freeze f = freeze_of(&world, "jean@uni.example");
    freeze_run(&f);
    assert_int_equal(f.result, 1);
    assert_int_equal(strlen(f.id), SPOOL_ID_LEN);
    assert_int_equal(notes_of(&world, "jean@uni.example"), 1);
    struct freeze again = freeze_of(&world, "Jean@UNI.example");
    freeze_run(&again);
    assert_int_equal(again.result, 0);
    assert_string_equal(again.id, "");
    assert_int_equal(files("queue"), 1);
    assert_int_equal(files("incoming"), 0);
    /* thawed and frozen once more is another freeze */
    struct err err;
    assert_int_equal(senders_thaw(world.senders, STR("jean@uni.example"), &err), 1);
    freeze_run(&again);
    assert_int_equal(again.result, 1);
    assert_int_equal(files("queue"), 2);
    world_close(&world);
}

static void frozen_where_nobody_can_be_told(void **data)
{
    struct world world;
    struct frozen frozen;
    struct err err;
    world_open(&world, "boss@uni.example");
    struct freeze f = freeze_of(&world, "jean@uni.example");
    f.told = false;
    freeze_run(&f);
    assert_int_equal(f.result, 1);
    assert_string_equal(f.id, "");
    assert_int_equal(senders_look(world.senders, STR("jean@uni.example"), &frozen, &err), 1);
    assert_string_equal(frozen.note, "");
    assert_int_equal(files("queue"), 0);
    assert_int_equal(files("incoming"), 0);
    world_close(&world);
}

/* Each step at which a process may end. */
static void a_crash_between_two_steps(void **data)
{
    static const struct str to[] = {STR("boss@uni.example")};
    struct outgoing out = {.recipients = to,
                           .n_recipients = 1,
                           .how = STR("test"),
                           .subject = STR("a note"),
                           .mail = STR("Subject: a note\r\n\r\n")};
    struct world world;
    struct err err = {""};
    world_open(&world, "boss@uni.example");
    spool_id_make(out.id);
    struct post_staged *staged = post_stage(&world.post, &out, &err);
    assert_non_null(staged);
    /* staged, and nobody is frozen: nothing is sent */
    assert_int_equal(freeze_recover(world.senders, world.post.spool, &err), 0);
    assert_int_equal(files("queue"), 0);
    assert_int_equal(files("incoming"), 1);
    /* frozen, and not yet sent */
    assert_int_equal(senders_freeze(world.senders, STR("jean@uni.example"), STR("why"),
                                    str_of(out.id), 1700000000, &err),
                     1);
    assert_int_equal(freeze_recover(world.senders, world.post.spool, &err), 0);
    assert_int_equal(files("queue"), 1);
    assert_int_equal(files("incoming"), 0);
    /* who did not die finds it done; a later start finds nothing to do */
    assert_int_equal(post_publish(&staged, &err), 0);
    assert_null(staged);
    assert_int_equal(files("queue"), 1);
    assert_int_equal(spool_remove(world.post.spool, SPOOL_QUEUE, out.id, &err), 0);
    assert_int_equal(freeze_recover(world.senders, world.post.spool, &err), 0);
    assert_int_equal(files("queue"), 0);
    world_close(&world);
}

static void account_name(unsigned i, char name[32])
{
    snprintf(name, 32, "user%u@uni.example", i);
}

/* Freezes one after the other until it is killed. */
static _Noreturn void freeze_all(const struct world *world)
{
    char name[32];
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        account_name(i, name);
        struct freeze f = freeze_of(world, name);
        freeze_run(&f);
    }
    _exit(0);
}

static void killed_anywhere_there_is_one_note_each(void **data)
{
    struct world world;
    struct err err = {""};
    char name[32];
    unsigned killed = 0;
    world_open(&world, "boss@uni.example");
    for (unsigned i = 0; i < KILLS; i++) {
        pid_t child = fork();
        if (child == 0)
            freeze_all(&world);
        assert_true(child > 0);
        int status = 0;
        usleep(500 + (i * 7919) % 20000);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        killed += WIFSIGNALED(status);
        assert_int_equal(freeze_recover(world.senders, world.post.spool, &err), 0);
        assert_true(spool_recover(world.post.spool, &err) >= 0);
    }
    print_message("# %u of %d were killed\n", killed, KILLS);
    pid_t last = fork();
    if (last == 0)
        freeze_all(&world);
    assert_int_equal(waitpid(last, NULL, 0), last);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        account_name(i, name);
        assert_int_equal(notes_of(&world, name), 1);
    }
    assert_int_equal(files("queue"), ACCOUNTS);
    assert_int_equal(files("incoming"), 0);
    world_close(&world);
}

static void many_at_once_tell_once(void **data)
{
    struct world world;
    pid_t children[8];
    world_open(&world, "boss@uni.example");
    for (size_t i = 0; i < 8; i++) {
        children[i] = fork();
        if (children[i] == 0)
            freeze_all(&world);
    }
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
    assert_int_equal(files("queue"), ACCOUNTS);
    assert_int_equal(files("incoming"), 0);
    assert_int_equal(files(SENDERS_FOLDER), ACCOUNTS);
    world_close(&world);
}

static void so_many_notes_an_hour(void **data)
{
    struct freeze_notes notes = {.since = 0};
    unsigned told = 0;
    for (unsigned i = 0; i < 100; i++)
        told += freeze_may_tell(&notes, 1000 + i);
    assert_int_equal(told, FREEZE_NOTES_MAX);
    assert_true(freeze_may_tell(&notes, 1001 + FREEZE_NOTES_SECONDS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_note_for_a_freeze, make_each),
        cmocka_unit_test_setup(frozen_where_nobody_can_be_told, make_each),
        cmocka_unit_test_setup(a_crash_between_two_steps, make_each),
        cmocka_unit_test_setup(killed_anywhere_there_is_one_note_each, make_each),
        cmocka_unit_test_setup(many_at_once_tell_once, make_each),
        cmocka_unit_test(so_many_notes_an_hour),
    };
    return tap_run(tests, make_state, remove_state);
}
