#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fsio.h"
#include "base/log.h"
#include "directory/directory.h"
#include "directory/search.h"

struct fixture {
    char folder[64];
    char path[2][80];
    struct conf *conf;
    struct directory *directory;
};

static void file_write(const char *path, const char *text)
{
    struct err err = {""};
    assert_int_equal(fsio_replace(path, str_of(text), 0600, &err), 0);
}

/* a.example has both files, b.example and the gateway's own mx.c.example the first. */
static struct conf *settings(struct fixture *f)
{
    struct buf text = BUF_INIT(4000);
    struct err err = {""};
    buf_addf(&text,
             "hostname = mx.c.example\n"
             "directory { files = { \"%s\" }; subaddress = + }\n"
             "domain a.example { next_hop = lmtp://192.0.2.1:24; "
             "directory = { file \"%s\", file \"%s\" } }\n"
             "domain b.example { next_hop = lmtp://192.0.2.1:24 }\n"
             "domain c.example { next_hop = lmtp://192.0.2.1:24 }\n",
             f->path[0], f->path[0], f->path[1]);
    struct conf *conf = conf_parse(buf_str(&text), "t.conf", &err);
    if (conf == NULL)
        print_error("%s\n", err.text);
    assert_non_null(conf);
    buf_release(&text);
    return conf;
}

static const struct source_ops *const files_only[CONF_SOURCE_KINDS] = {NULL};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    snprintf(f->folder, sizeof f->folder, "/tmp/poterne-directory.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path[0], sizeof f->path[0], "%s/people", f->folder);
    snprintf(f->path[1], sizeof f->path[1], "%s/functional", f->folder);
    f->conf = settings(f);
    file_write(f->path[0], "Jean.Toto@a.example\njtoto@a.example: jean.toto@a.example\n"
                           "bob@b.example\n");
    file_write(f->path[1], "info@a.example\n");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    directory_close(&f->directory);
    conf_free(&f->conf);
    unlink(f->path[0]);
    unlink(f->path[1]);
    rmdir(f->folder);
    free(f);
    return 0;
}

static void open_it(struct fixture *f)
{
    struct err err = {""};
    f->directory = directory_open(f->conf, files_only, &err);
    if (f->directory == NULL)
        print_error("%s\n", err.text);
    assert_non_null(f->directory);
}

/* From memory alone: a source that must be asked is as if it were away. */
static struct directory_answer asked(const struct fixture *f, const char *address)
{
    struct search search;
    struct finding away;
    finding_away(&away, true, "");
    search_begin(&search, f->directory, str_of(address), STR_EMPTY);
    while (search_step(&search) == SEARCH_ASK)
        search_told(&search, &away, 0);
    return search.answer;
}

static void result(const struct fixture *f, const char *address, enum directory_result expected)
{
    struct directory_answer answer = asked(f, address);
    if (answer.result != expected)
        print_error("%s: got %d (%s)\n", address, (int)answer.result, answer.how);
    assert_int_equal(answer.result, expected);
}

/* Until the change was seen twice, as the process does with its timer. */
static int refreshed(struct fixture *f, struct err *err)
{
    int result = directory_refresh(f->directory, err);
    return result ? result : directory_refresh(f->directory, err);
}

static void finds_addresses_and_aliases(void **state)
{
    struct fixture *f = *state;
    open_it(f);
    struct directory_answer answer = asked(f, "JEAN.toto@A.Example");
    assert_int_equal(answer.result, DIRECTORY_KNOWN);
    assert_string_equal(answer.address, "jean.toto@a.example");
    assert_string_equal(answer.how, "file people");
    answer = asked(f, "jtoto@a.example");
    assert_int_equal(answer.result, DIRECTORY_KNOWN);
    assert_string_equal(answer.address, "jean.toto@a.example");
    assert_string_equal(answer.how, "file people, alias of jean.toto@a.example");
    answer = asked(f, "info@a.example");
    assert_string_equal(answer.how, "file functional");
    result(f, "bob@b.example", DIRECTORY_KNOWN);
    result(f, "bob@a.example", DIRECTORY_UNKNOWN);
    result(f, "info@b.example", DIRECTORY_UNKNOWN);
    result(f, "not an address@a.example", DIRECTORY_UNKNOWN);
    result(f, "bob@elsewhere.example", DIRECTORY_NOT_OURS);
    result(f, "bob@a.example@elsewhere.example", DIRECTORY_NOT_OURS);
    result(f, "bob", DIRECTORY_NOT_OURS);
    result(f, "", DIRECTORY_NOT_OURS);
    result(f, "@a.example", DIRECTORY_UNKNOWN);
    result(f, "bob@sub.b.example", DIRECTORY_NOT_OURS);
}

static void knows_subaddresses(void **state)
{
    struct fixture *f = *state;
    open_it(f);
    struct directory_answer answer = asked(f, "Bob+list+x@b.example");
    assert_int_equal(answer.result, DIRECTORY_KNOWN);
    assert_string_equal(answer.address, "bob@b.example");
    result(f, "rob+list@b.example", DIRECTORY_UNKNOWN);
    result(f, "+bob@b.example", DIRECTORY_UNKNOWN);
    result(f, "\"bob+x y\"@b.example", DIRECTORY_UNKNOWN);
}

static void postmaster_is_always_known(void **state)
{
    struct fixture *f = *state;
    unlink(f->path[0]);
    open_it(f);
    result(f, "PostMaster@a.example", DIRECTORY_KNOWN);
    result(f, "postmaster@b.example", DIRECTORY_KNOWN);
    struct directory_answer answer = asked(f, "Postmaster");
    assert_int_equal(answer.result, DIRECTORY_KNOWN);
    assert_string_equal(answer.address, "postmaster@c.example");
    result(f, "postmaster@elsewhere.example", DIRECTORY_NOT_OURS);
}

static void catch_all_only_where_written(void **state)
{
    struct fixture *f = *state;
    file_write(f->path[0], "bob@b.example\n@b.example\n");
    open_it(f);
    struct directory_answer answer = asked(f, "Anyone@b.example");
    assert_int_equal(answer.result, DIRECTORY_KNOWN);
    assert_string_equal(answer.address, "anyone@b.example");
    assert_string_equal(answer.how, "file people, catch-all");
    answer = asked(f, "bob@b.example");
    assert_string_equal(answer.how, "file people");
    result(f, "anyone@a.example", DIRECTORY_UNKNOWN);
}

static void missing_file_is_never_unknown(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    unlink(f->path[1]);
    open_it(f);
    result(f, "jean.toto@a.example", DIRECTORY_KNOWN);
    result(f, "info@a.example", DIRECTORY_UNAVAILABLE);
    result(f, "nobody@b.example", DIRECTORY_UNKNOWN);
    file_write(f->path[1], "info@a.example\n");
    assert_int_equal(refreshed(f, &err), 1);
    result(f, "info@a.example", DIRECTORY_KNOWN);
    result(f, "nobody@a.example", DIRECTORY_UNKNOWN);
}

static void file_that_goes_leaves_its_copy(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    open_it(f);
    assert_int_equal(directory_refresh(f->directory, &err), 0);
    unlink(f->path[1]);
    assert_int_equal(directory_refresh(f->directory, &err), -1);
    assert_non_null(strstr(err.text, "functional"));
    assert_int_equal(directory_refresh(f->directory, &err), 0);
    struct directory_answer answer = asked(f, "info@a.example");
    assert_int_equal(answer.result, DIRECTORY_KNOWN);
    assert_non_null(strstr(answer.how, "file functional, as of 2"));
    result(f, "nobody@a.example", DIRECTORY_UNAVAILABLE);
    result(f, "nobody@b.example", DIRECTORY_UNKNOWN);
}

static void change_is_seen(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    open_it(f);
    file_write(f->path[0], "new@b.example\n");
    assert_int_equal(refreshed(f, &err), 1);
    result(f, "new@b.example", DIRECTORY_KNOWN);
    result(f, "bob@b.example", DIRECTORY_UNKNOWN);
    assert_int_equal(refreshed(f, &err), 0);
}

static void change_in_place_waits_until_it_rests(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    open_it(f);
    FILE *file = fopen(f->path[0], "w");
    assert_non_null(file);
    assert_int_equal(directory_refresh(f->directory, &err), 0);
    result(f, "bob@b.example", DIRECTORY_KNOWN);
    fputs("new@b.example\n", file);
    fflush(file);
    assert_int_equal(directory_refresh(f->directory, &err), 0);
    result(f, "bob@b.example", DIRECTORY_KNOWN);
    fclose(file);
    assert_int_equal(directory_refresh(f->directory, &err), 1);
    result(f, "new@b.example", DIRECTORY_KNOWN);
}

static void mistake_leaves_the_old_in_service(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    open_it(f);
    file_write(f->path[0], "bob@b.example\nrob at b.example\n");
    assert_int_equal(refreshed(f, &err), -1);
    assert_non_null(strstr(err.text, "people:2: "));
    result(f, "bob@b.example", DIRECTORY_KNOWN);
    result(f, "jean.toto@a.example", DIRECTORY_KNOWN);
    result(f, "rob@b.example", DIRECTORY_UNAVAILABLE);
    assert_int_equal(refreshed(f, &err), 0);
    file_write(f->path[0], "bob@b.example\nrob@b.example\n");
    assert_int_equal(refreshed(f, &err), 1);
    result(f, "rob@b.example", DIRECTORY_KNOWN);
    result(f, "nobody@b.example", DIRECTORY_UNKNOWN);
}

static void emptied_file_is_a_mistake(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    open_it(f);
    file_write(f->path[0], "");
    assert_int_equal(refreshed(f, &err), -1);
    result(f, "bob@b.example", DIRECTORY_KNOWN);
}

static void mistake_at_start_refuses(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    file_write(f->path[1], "# x\n\ninfo@a.example\nInfo@a.example\n");
    f->directory = directory_open(f->conf, files_only, &err);
    assert_null(f->directory);
    assert_non_null(strstr(err.text, "functional:4: info@a.example is there already in line 3"));
}

static void folder_as_source_is_unavailable(void **state)
{
    struct fixture *f = *state;
    unlink(f->path[1]);
    assert_int_equal(mkdir(f->path[1], 0700), 0);
    open_it(f);
    result(f, "info@a.example", DIRECTORY_UNAVAILABLE);
    rmdir(f->path[1]);
}

static void messages_round_trip_and_reject_rubbish(void **state)
{
    struct buf b = BUF_INIT(2000);
    uint32_t number;
    struct directory_request request = {.number = 7,
                                        .address = STR("bob@b.example"),
                                        .sender = STR("a@x.example")};
    struct directory_request back;
    directory_request_put(&b, &request);
    assert_true(directory_request_get(buf_str(&b), &back));
    assert_int_equal(back.number, 7);
    assert_str(back.address, "bob@b.example");
    assert_str(back.sender, "a@x.example");
    assert_false(directory_request_get(str_sub(buf_str(&b), 0, b.n - 1), &back));
    buf_clear(&b);
    struct directory_answer in = {.result = DIRECTORY_KNOWN,
                                  .address = "bob@b.example",
                                  .how = "file people"};
    struct directory_answer out;
    directory_reply_put(&b, 8, &in);
    assert_true(directory_reply_get(buf_str(&b), &number, &out));
    assert_int_equal(number, 8);
    assert_string_equal(out.address, in.address);
    assert_string_equal(out.how, in.how);
    b.p[4] = 99;
    assert_false(directory_reply_get(buf_str(&b), &number, &out));
    for (size_t n = 0; n < b.n; n++)
        assert_false(directory_reply_get(str_sub(buf_str(&b), 0, n), &number, &out));
    buf_release(&b);
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILES(finds_addresses_and_aliases),
        WITH_FILES(knows_subaddresses),
        WITH_FILES(postmaster_is_always_known),
        WITH_FILES(catch_all_only_where_written),
        WITH_FILES(missing_file_is_never_unknown),
        WITH_FILES(file_that_goes_leaves_its_copy),
        WITH_FILES(change_is_seen),
        WITH_FILES(change_in_place_waits_until_it_rests),
        WITH_FILES(mistake_leaves_the_old_in_service),
        WITH_FILES(emptied_file_is_a_mistake),
        WITH_FILES(mistake_at_start_refuses),
        WITH_FILES(folder_as_source_is_unavailable),
        cmocka_unit_test(messages_round_trip_and_reject_rubbish),
    };
    log_open("test", LOG_ERROR_LEVEL + 1);
    return tap_run(tests, NULL, NULL);
}
