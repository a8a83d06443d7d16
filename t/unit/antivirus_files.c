/* The engine "files": names, real types, what is in archives, and the policy about them. */
#include "t/unit/tap.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "antivirus/engine.h"
#include "antivirus/files/claims.h"
#include "antivirus/files/policy.h"
#include "antivirus/files/walk.h"
#include "t/unit/antivirus_samples.h"
#include "t/unit/files_samples.h"

#define MIB     ((size_t)1024 * 1024)
#define TIMEOUT 20
#define ENTRY   128 /* of a compound file's directory */

/* --- names --- */

static bool has_extension(const struct file_names *names, const char *extension)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->extensions[i], extension) == 0)
            return true;
    return false;
}

static void names_are_read_in_every_plausible_way(void **state)
{
    static const struct {
        struct str name;
        const char *extension;
        bool disguised;
    } rows[] = {
        {STR("a.exe"), "exe", false},
        {STR("A.EXE"), "exe", false},
        {STR("a.exe."), "exe", false},
        {STR("a.exe . . "), "exe", false},
        {STR("\"a.exe\""), "exe", false},
        {STR("a.exe\n"), "exe", false},
        {STR("a.exe::$DATA"), "exe", false},
        {STR("a.exe:x.txt"), "exe", false},
        {STR("A.EXE;1"), "exe", false},
        {STR("folder.zip/a.exe"), "exe", false},
        {STR("c:\\folder\\a.exe"), "exe", false},
        {STR("a.exe/"), "exe", false},
        {STR("a%2Eexe"), "exe", false},
        {STR("a.e\xe2\x80\x8bxe"), "exe", false},
        {STR("a.pdf.exe"), "exe", true},
        {STR("a.pdf                    .exe"), "exe", true},
        {STR("a.txt\0.exe"), "exe", true},
        {STR("a.exe\0.txt"), "exe", true},
        {STR("a.exe%00.txt"), "exe", false},
        {STR("a\xe2\x80\xae"
             "fdp.exe"),
         "exe", true},
        {STR("a"), "", false},
        {STR(""), "", false},
        {STR("."), "", false},
        {STR("archive.tar.gz"), "gz", false},
        {STR("www.example.com"), "com", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct file_names names = {.n = 0};
        file_names_add(&names, rows[i].name);
        if (!has_extension(&names, rows[i].extension) || names.disguised != rows[i].disguised)
            fail_msg("row %zu: %.*s", i, STR_ARG(rows[i].name));
    }
}

static void too_many_readings_are_a_disguise(void **state)
{
    struct file_names names = {.n = 0};
    char name[32];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "a.x%d", i);
        file_names_add(&names, str_of(name));
    }
    assert_int_equal(names.n, NAMES_MAX);
    assert_true(names.too_many);
    assert_true(names.disguised);
}

/* --- kinds --- */

static void expect_kinds(struct str bytes, kind_set expected)
{
    kind_set got = kinds_of(bytes);
    if (got != expected)
        fail_msg("%llx, not %llx", (unsigned long long)got, (unsigned long long)expected);
}

static void files_are_known_by_their_bytes(void **state)
{
    struct buf file = BUF_INIT(MIB);
    sample_pe(&file);
    expect_kinds(buf_str(&file), KIND(KIND_PE));
    /* "MZ" alone is no program */
    expect_kinds(
        STR("MZ, dear friend, is short for nothing that I know, and so I write to you now."), 0);
    expect_kinds(STR("Plain text, and nothing else in it.\r\n"), 0);
    expect_kinds(STR(""), 0);
    expect_kinds(STR("%PDF-1.4 ..."), KIND(KIND_PDF));
    expect_kinds(STR(" \r\n<!DOCTYPE HTML><p>x"), KIND(KIND_HTML));
    expect_kinds(STR("<html><hta:application id=x>"), KIND(KIND_HTML) | KIND(KIND_HTA));
    expect_kinds(STR("<package><job id=a><script language=JScript>"), KIND(KIND_WSF));
    expect_kinds(STR("#!/bin/sh\n"), KIND(KIND_SCRIPT));
    expect_kinds(STR("@ECHO OFF\r\n"), KIND(KIND_BATCH));
    expect_kinds(STR("\xca\xfe\xba\xbe\0\0\0\x34...."), KIND(KIND_CLASS));
    expect_kinds(STR("\xca\xfe\xba\xbe\0\0\0\2...."), KIND(KIND_MACHO));
    expect_kinds(STR("BZhello, that is no archive"), 0);
    buf_release(&file);
}

static void a_picture_may_be_an_archive(void **state)
{
    struct buf file = BUF_INIT(MIB);
    buf_add(&file, STR("GIF89a\1\0\1\0\0\0\0"));
    sample_zip_of(&file, "a.exe", STR("x"));
    expect_kinds(buf_str(&file), KIND(KIND_IMAGE) | KIND(KIND_ZIP));
    buf_release(&file);
}

static void every_kind_has_a_name(void **state)
{
    for (size_t i = 0; i < KINDS; i++) {
        assert_non_null(kind_name((enum file_kind)i));
        assert_true(kinds_named(str_of(kind_name((enum file_kind)i))) == KIND(i));
    }
    assert_true(kinds_named(STR("EXECUTABLE")) & KIND(KIND_PE));
    assert_true(kinds_named(STR("nonsense")) == 0);
}

static void names_and_bytes_may_disagree(void **state)
{
    struct file_names names = {.n = 0};
    file_names_add(&names, STR("a.pdf"));
    assert_false(claims_differ(&names, KIND(KIND_PDF)));
    assert_false(claims_differ(&names, 0));
    assert_true(claims_differ(&names, KIND(KIND_PE)));
    names = (struct file_names){.n = 0};
    file_names_add(&names, STR("a.unknown"));
    assert_false(claims_differ(&names, KIND(KIND_PE)));
}

/* --- the policy's text --- */

static void refuses(const char *text, const char *expected)
{
    struct err err = {""};
    struct policy *policy = policy_parse(str_of(text), "/etc/p", &err);
    assert_null(policy);
    if (strcmp(err.text, expected) != 0)
        fail_msg("\"%s\" is not \"%s\"", err.text, expected);
}

static void mistakes_are_told_with_their_line(void **state)
{
    refuses("\nquarantin extension exe\n",
            "/etc/p:2: no action \"quarantin\"; did you mean quarantine?");
    refuses("mark tipe pe", "/etc/p:1: no condition \"tipe\"; did you mean type?");
    refuses("mark type executible", "/etc/p:1: no type \"executible\"; did you mean executable?");
    refuses("mark type xyzzyxyzzy",
            "/etc/p:1: no type \"xyzzyxyzzy\"; poterne-files(5) names all there are");
    refuses("mark extension", "/etc/p:1: extension has no word behind it");
    refuses("mark extension type pe", "/etc/p:1: extension has no word behind it");
    refuses("mark", "/etc/p:1: a rule needs a condition: which files is it about?");
    refuses("mark extension a, b", "/etc/p:1: words stand apart without commas");
    refuses("mark name \"a", "/etc/p:1: a \" is not closed");
    refuses("mark extension tar.gz",
            "/etc/p:1: \"tar.gz\" is no extension: what stands behind the last dot");
    refuses("mark inside pe", "/etc/p:1: no condition \"pe\"; did you mean type?");
}

static void a_policy_has_its_limits(void **state)
{
    struct buf text = BUF_INIT(MIB);
    struct err err = {""};
    for (int i = 0; i <= POLICY_RULES_MAX; i++)
        buf_add(&text, STR("mark inside\n"));
    assert_null(policy_parse(buf_str(&text), "p", &err));
    assert_string_equal(err.text, "p:1001: more than 1000 rules");
    buf_clear(&text);
    buf_add(&text, STR("mark extension"));
    for (int i = 0; i <= POLICY_WORDS_MAX; i++)
        buf_add(&text, STR(" x"));
    assert_null(policy_parse(buf_str(&text), "p", &err));
    assert_string_equal(err.text, "p:1: more than 500 words");
    buf_release(&text);
}

static const char *decide(const char *rules, struct str name, kind_set kinds, bool inside)
{
    static const char *const actions[] = {"allow", "mark", "quarantine", "reject"};
    struct err err = {""};
    struct policy *policy = policy_parse(str_of(rules), "p", &err);
    if (!policy)
        fail_msg("%s", err.text);
    struct file_names names = {.n = 0};
    file_names_add(&names, name);
    const struct policy_file file = {&names, &name, 1, kinds, inside};
    struct policy_match match;
    bool found = policy_match(policy, &file, &match);
    policy_free(&policy);
    return found ? actions[match.action] : "none";
}

static void the_first_rule_that_matches_decides(void **state)
{
    const char *rules = "# remark\n"
                        "allow name \"setup-*.exe\" type pe\n"
                        "reject extension .EXE scr # both\n"
                        "quarantine type executable inside\n"
                        "mark type office-macro xlm-macro\n"
                        "mark mismatch outside\n";
    assert_string_equal(decide(rules, STR("setup-1.exe"), KIND(KIND_PE), false), "allow");
    assert_string_equal(decide(rules, STR("dir/Setup-1.exe"), KIND(KIND_PE), true), "allow");
    assert_string_equal(decide(rules, STR("setup-1.exe"), 0, false), "reject");
    assert_string_equal(decide(rules, STR("a.ScR"), 0, false), "reject");
    assert_string_equal(decide(rules, STR("a.bin"), KIND(KIND_PE), true), "quarantine");
    assert_string_equal(decide(rules, STR("a.bin"), KIND(KIND_PE), false), "none");
    assert_string_equal(decide(rules, STR("a.doc"), KIND(KIND_XLM) | KIND(KIND_OLE2), true),
                        "mark");
    assert_string_equal(decide(rules, STR("a.pdf"), KIND(KIND_PE), false), "mark");
    assert_string_equal(decide(rules, STR(""), 0, false), "none");
}

/* What allows must hold for every reading; what forbids, for one. */
static void nothing_slips_through_an_exception(void **state)
{
    const char *rules = "allow extension txt\nallow type image\nallow name good*\n"
                        "reject extension exe\nreject type pe\n";
    assert_string_equal(decide(rules, STR("a.txt"), 0, false), "allow");
    assert_string_equal(decide(rules, STR("a.exe:b.txt"), 0, false), "reject");
    assert_string_equal(decide(rules, STR("a.exe\0.txt"), 0, false), "reject");
    assert_string_equal(decide(rules, STR("a.gif"), KIND(KIND_IMAGE), false), "allow");
    assert_string_equal(decide(rules, STR("a.gif"), KIND(KIND_IMAGE) | KIND(KIND_PE), false),
                        "reject");
    assert_string_equal(decide(rules, STR("good\xe2\x80\xae.exe"), 0, false), "reject");
}

/* --- messages --- */

struct fixture {
    struct conf_antivirus conf;
    struct engines engines;
    struct av_answer answer;
};

static const char *engine_names[] = {"files"};

static int open_fixture(void **state)
{
    static struct fixture f;
    struct err err = {""};
    f.conf = (struct conf_antivirus){.engines = {engine_names, 1},
                                     .file_policy = POLICY_FILE,
                                     .scan_size_limit = 20 * MIB,
                                     .recursion_limit = 10,
                                     .files_limit = 500,
                                     .timeout = TIMEOUT};
    if (engines_open(&f.engines, &f.conf, NULL, &err) < 0)
        fail_msg("%s", err.text);
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    engines_close(&f->engines);
    return 0;
}

static void scan_file(struct fixture *f, const char *name, struct str bytes)
{
    const struct av_part part = {.bytes = bytes, .filename = str_of(name)};
    const struct av_message message = {.raw = bytes, .parts = &part, .n_parts = 1};
    int64_t from = clock_ms();
    engines_scan(&f->engines, &message, &f->answer);
    assert_true(clock_ms() - from < (TIMEOUT + 10) * 1000);
}

static void expect_file(struct fixture *f, const char *name, struct str bytes,
                        enum av_result result, const char *said)
{
    scan_file(f, name, bytes);
    if (f->answer.result != result || !strstr(f->answer.name, said))
        fail_msg("%s: %s (%s), not %s (%s)", name, av_result_name(f->answer.result), f->answer.name,
                 av_result_name(result), said);
}

static void programs_are_banned_by_name_and_by_type(void **state)
{
    struct fixture *f = *state;
    struct buf pe = BUF_INIT(MIB);
    sample_pe(&pe);
    expect_file(f, "a.exe", STR("x"), AV_BANNED, "a.exe: extension exe (file-policy:");
    assert_int_equal(f->answer.ban, ACT_QUARANTINE);
    expect_file(f, "holiday.jpg", buf_str(&pe), AV_BANNED, "holiday.jpg: type pe");
    expect_file(f, "", buf_str(&pe), AV_BANNED, "unnamed: type pe");
    expect_file(f, "a.js", STR("x()"), AV_BANNED, "a.js: extension js");
    assert_int_equal(f->answer.ban, ACT_DELIVER_MARKED);
    expect_file(f, "a.txt", STR("Hello."), AV_CLEAN, "");
    buf_release(&pe);
}

static void a_pattern_sees_every_name(void **state)
{
    const char *rules = "reject name evil*\nallow name good*\nreject type pe\n";
    struct err err = {""};
    struct policy *policy = policy_parse(str_of(rules), "p", &err);
    struct buf name = BUF_INIT(MIB);
    struct policy_match match;
    assert_string_equal(decide(rules, STR("evil.bin\0.txt"), 0, false), "reject");
    assert_string_equal(decide(rules, STR("a.bin\0evil.txt"), 0, false), "reject");
    /* what is too long is cut at its front, not passed over */
    while (name.n < 2 * NAME_BYTES_MAX)
        buf_addc(&name, 'x');
    buf_add(&name, STR(".evil"));
    assert_string_equal(decide("reject name *.evil\n", buf_str(&name), 0, false), "reject");
    const struct str all[] = {STR("good.txt"), STR("evil.txt"), STR("other.txt")};
    struct file_names names = {.n = 0};
    struct policy_file file = {&names, all, 2, KIND(KIND_PE), false};
    assert_true(policy_match(policy, &file, &match));
    assert_int_equal(match.line, 1);
    file.n_all = 1;
    assert_true(policy_match(policy, &file, &match));
    assert_int_equal(match.line, 2);
    const struct str doubtful[] = {all[0], all[2]};
    file.all = doubtful;
    file.n_all = 2;
    assert_true(policy_match(policy, &file, &match));
    assert_int_equal(match.line, 3);
    policy_free(&policy);
    buf_release(&name);
}

static void a_long_half_of_a_name_hides_no_other(void **state)
{
    struct buf name = BUF_INIT(MIB);
    struct file_names names = {.n = 0};
    buf_add(&name, STR("a.exe"));
    buf_addc(&name, 0);
    while (name.n < 2 * NAME_BYTES_MAX)
        buf_addc(&name, 'x');
    buf_add(&name, STR(".txt"));
    file_names_add(&names, buf_str(&name));
    assert_true(has_extension(&names, "exe"));
    assert_true(has_extension(&names, "txt"));
    buf_release(&name);
}

/* A second name of the same part counts as much. */
static void the_other_name_counts(void **state)
{
    struct fixture *f = *state;
    const struct str names[] = {STR("a.txt"), STR("a.exe")};
    const struct av_part part = {.bytes = STR("x"),
                                 .filename = names[0],
                                 .names = names,
                                 .n_names = 2};
    const struct av_message message = {.raw = STR("x"), .parts = &part, .n_parts = 1};
    engines_scan(&f->engines, &message, &f->answer);
    assert_int_equal(f->answer.result, AV_BANNED);
}

/* A NUL ends what is read of it nowhere. */
static void an_answer_shows_the_whole_name(void **state)
{
    struct fixture *f = *state;
    const struct av_part part = {.bytes = STR("x"), .filename = STR("\0a.exe")};
    const struct av_message message = {.raw = STR("x"), .parts = &part, .n_parts = 1};
    engines_scan(&f->engines, &message, &f->answer);
    assert_int_equal(f->answer.result, AV_BANNED);
    assert_non_null(strstr(f->answer.name, "?a.exe: "));
}

/* The strictest rule over all files names the action. */
static void the_strictest_file_decides(void **state)
{
    struct fixture *f = *state;
    const struct av_part parts[] = {{.bytes = STR("x"), .filename = STR("a.js")},
                                    {.bytes = STR("x"), .filename = STR("b.exe")},
                                    {.bytes = STR("x"), .filename = STR("c.js")}};
    const struct av_message message = {.raw = STR("x"), .parts = parts, .n_parts = 3};
    engines_scan(&f->engines, &message, &f->answer);
    assert_int_equal(f->answer.result, AV_BANNED);
    assert_int_equal(f->answer.ban, ACT_QUARANTINE);
    assert_non_null(strstr(f->answer.name, "b.exe"));
}

static void archives_are_looked_into(void **state)
{
    struct fixture *f = *state;
    struct buf pe = BUF_INIT(MIB), file = BUF_INIT(16 * MIB), outer = BUF_INIT(16 * MIB);
    sample_pe(&pe);
    for (size_t i = 0; i < n_sample_formats; i++) {
        const struct sample_format *format = &sample_formats[i];
        buf_clear(&file);
        buf_clear(&outer);
        sample_archive(&file, format, "a/picture.jpg", buf_str(&pe));
        expect_file(f, "x", buf_str(&file), AV_BANNED, "type pe");
        sample_archive(&outer, format, "inner", buf_str(&file));
        expect_file(f, "x", buf_str(&outer), AV_BANNED, "type pe");
        buf_clear(&file);
        sample_archive(&file, format, "a/text.txt", STR("Hello, this is a text."));
        expect_file(f, "x", buf_str(&file), AV_CLEAN, "");
    }
    buf_release(&pe);
    buf_release(&file);
    buf_release(&outer);
}

static void an_exe_in_a_zip_in_a_zip_is_named_with_its_path(void **state)
{
    struct buf inner = BUF_INIT(MIB), outer = BUF_INIT(MIB);
    sample_zip_of(&inner, "evil.exe", STR("x"));
    sample_zip_of(&outer, "b.zip", buf_str(&inner));
    expect_file(*state, "a.zip", buf_str(&outer), AV_BANNED, "a.zip/b.zip/evil.exe: extension exe");
    buf_release(&inner);
    buf_release(&outer);
}

/* The directory says a.txt, what stands before the file says a.exe. */
static void both_names_of_a_zip_entry_count(void **state)
{
    struct buf zip = BUF_INIT(MIB);
    sample_zip_of(&zip, "a.txt", STR("x"));
    char *local = memmem(zip.p, zip.n, "a.txt", 5);
    assert_non_null(local);
    memcpy(local, "a.exe", 5);
    expect_file(*state, "a.zip", buf_str(&zip), AV_BANNED, "a.zip/a.exe: extension exe");
    buf_release(&zip);
}

/* … and the other way round. */
static void the_directorys_name_counts(void **state)
{
    struct buf zip = BUF_INIT(MIB);
    sample_zip_of(&zip, "a.exe", STR("x"));
    char *local = memmem(zip.p, zip.n, "a.exe", 5);
    assert_non_null(local);
    memcpy(local, "a.txt", 5);
    expect_file(*state, "a.zip", buf_str(&zip), AV_BANNED, "a.zip/a.exe: extension exe");
    buf_release(&zip);
}

/* A header of a file that the directory does not know. */
static void put_local(struct buf *out, const char *name)
{
    size_t from = out->n;
    buf_add(out, STR("PK\3\4\x14\0\0\0\0\0"));
    while (out->n - from < 26)
        buf_addc(out, 0);
    buf_addc(out, (char)strlen(name));
    buf_add(out, STR("\0\0\0"));
    buf_add(out, str_of(name));
}

/* What looks like an entry of a directory somewhere in the archive excuses nothing. */
static void a_planted_name_hides_no_other(void **state)
{
    struct buf planted = BUF_INIT(MIB), file = BUF_INIT(MIB);
    buf_add(&planted, STR("PK\1\2\xff\xff\xff\xff"));
    while (planted.n < 28)
        buf_addc(&planted, 0);
    buf_add(&planted, STR("\5\0"));
    while (planted.n < 46)
        buf_addc(&planted, 0);
    buf_add(&planted, STR("a.exe"));
    put_local(&planted, "a.exe");
    sample_zip_of(&file, "b.txt", buf_str(&planted));
    expect_file(*state, "a.zip", buf_str(&file), AV_BANNED, "a.zip/a.exe: extension exe");
    buf_release(&planted);
    buf_release(&file);
}

/* The names of the same files are not other files, at any depth. */
static void names_are_counted_once(void **state)
{
    struct buf inner = BUF_INIT(MIB), outer = BUF_INIT(MIB);
    struct sample_zip zip;
    char name[32];
    sample_zip_begin(&zip, &inner);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "%d.txt", i);
        sample_zip_stored(&zip, name, STR("x"));
    }
    sample_zip_end(&zip);
    sample_zip_of(&outer, "inner.zip", buf_str(&inner));
    expect_file(*state, "a.zip", buf_str(&outer), AV_CLEAN, "");
    buf_release(&inner);
    buf_release(&outer);
}

static void more_names_than_files_are_unscannable(void **state)
{
    struct buf names = BUF_INIT(MIB), file = BUF_INIT(MIB);
    char name[32];
    buf_addc(&names, 'x'); /* no archive itself */
    for (int i = 0; i < 600; i++) {
        snprintf(name, sizeof name, "%d.txt", i);
        put_local(&names, name);
    }
    sample_zip_of(&file, "a.txt", buf_str(&names));
    expect_file(*state, "a.zip", buf_str(&file), AV_UNSCANNABLE, "files_limit");
    buf_release(&names);
    buf_release(&file);
}

/* What begins as a picture may end as an archive, in an archive as well. */
static void a_picture_in_an_archive_is_read_to_its_end(void **state)
{
    struct buf picture = BUF_INIT(MIB), file = BUF_INIT(MIB);
    buf_add(&picture, STR("GIF89a\1\0\1\0\0\0\0"));
    while (picture.n < 2 * KIND_HEAD)
        buf_addc(&picture, 'x');
    sample_zip_of(&picture, "a.exe", STR("x"));
    for (size_t i = 0; i < n_sample_formats; i++) {
        buf_clear(&file);
        sample_archive(&file, &sample_formats[i], "a.gif", buf_str(&picture));
        expect_file(*state, "x", buf_str(&file), AV_BANNED, "a.exe: extension exe");
    }
    buf_release(&picture);
    buf_release(&file);
}

static void a_sparse_file_is_not_clean(void **state)
{
    struct buf file = BUF_INIT(MIB);
    sample_sparse_tar(&file, "a.dat", STR("abc"), (size_t)64 * 1024);
    expect_file(*state, "a.tar", buf_str(&file), AV_UNSCANNABLE, "a sparse file");
    buf_release(&file);
}

static void macros_are_found(void **state)
{
    struct fixture *f = *state;
    struct buf file = BUF_INIT(MIB), ole = BUF_INIT(MIB);
    struct sample_zip zip;
    sample_ole2(&ole, (const char *[]){"WordDocument", "Macros", "VBA", NULL}, STR_EMPTY);
    expect_file(f, "a.doc", buf_str(&ole), AV_BANNED, "type office-macro");
    sample_zip_begin(&zip, &file);
    sample_zip_stored(&zip, "[Content_Types].xml", STR("<Types/>"));
    sample_zip_stored(&zip, "word/renamed.bin", buf_str(&ole));
    sample_zip_end(&zip);
    expect_file(f, "a.docx", buf_str(&file), AV_BANNED, "type office-macro");
    buf_clear(&file);
    sample_zip_begin(&zip, &file);
    sample_zip_stored(&zip, "[Content_Types].xml", STR("<Types/>"));
    sample_zip_stored(&zip, "xl/macrosheets/sheet1.xml", STR("<x/>"));
    sample_zip_end(&zip);
    expect_file(f, "a.xlsx", buf_str(&file), AV_BANNED, "type xlm-macro");
    buf_clear(&file);
    sample_zip_begin(&zip, &file);
    sample_zip_stored(&zip, "[Content_Types].xml", STR("<Types/>"));
    sample_zip_stored(&zip, "xl/worksheets/sheet1.xml", STR("<x/>"));
    sample_zip_end(&zip);
    expect_file(f, "a.xlsx", buf_str(&file), AV_CLEAN, "");
    buf_clear(&ole);
    sample_ole2(&ole, (const char *[]){"WordDocument", NULL}, STR_EMPTY);
    expect_file(f, "a.doc", buf_str(&ole), AV_CLEAN, "");
    buf_release(&file);
    buf_release(&ole);
}

/* [MS-XLS] 2.4.28: a sheet whose type is "macro" */
static void old_macro_sheets_are_found(void **state)
{
    struct buf ole = BUF_INIT(MIB);
    for (int big = 0; big < 2; big++) {
        struct buf stream = BUF_INIT(MIB);
        buf_add(&stream, STR("\x09\x08\2\0\0\6\x85\0\x08\0\1\2\3\4\0\1\1\0"));
        while (big && stream.n < 9000)
            buf_addc(&stream, 0);
        buf_clear(&ole);
        sample_ole2(&ole, (const char *[]){"Workbook", NULL}, buf_str(&stream));
        expect_file(*state, "a.xls", buf_str(&ole), AV_BANNED, "type xlm-macro");
        buf_release(&stream);
    }
    buf_release(&ole);
}

/* None of the others hides it, nor does a second root. */
static void a_macro_sheet_is_found_behind_other_workbooks(void **state)
{
    static const char *const names[] = {"Workbook", "Workbook", "Workbook", "Workbook",
                                        "Workbook", "Workbook", "Workbook", "Workbook",
                                        "Workbook", "Workbook", NULL};
    struct buf ole = BUF_INIT(MIB);
    sample_ole2(&ole, names, STR("\x09\x08\2\0\0\6\x85\0\x08\0\1\2\3\4\0\1\1\0"));
    char entry[ENTRY], *first = ole.p + 512 + 2 * 512 + ENTRY, *last = first + 9 * ENTRY;
    memcpy(entry, first, ENTRY);
    memcpy(first, last, ENTRY);
    memcpy(last, entry, ENTRY);
    for (char *at = first; at < last; at += ENTRY)
        at[66] = 2; /* a stream */
    buf_addn(&ole, first - ENTRY, ENTRY);
    memset(ole.p + ole.n - 12, 0x7f, 8);
    expect_file(*state, "a.xls", buf_str(&ole), AV_BANNED, "type xlm-macro");
    buf_release(&ole);
}

static void encrypted_documents_are_not_clean(void **state)
{
    struct buf ole = BUF_INIT(MIB);
    sample_ole2(&ole, (const char *[]){"EncryptionInfo", "EncryptedPackage", NULL}, STR_EMPTY);
    expect_file(*state, "a.docx", buf_str(&ole), AV_UNSCANNABLE, "encrypted document a.docx");
    buf_release(&ole);
}

static void encrypted_archives_are_not_clean(void **state)
{
    struct fixture *f = *state;
    struct buf file = BUF_INIT(MIB);
    struct sample_zip zip;
    sample_zip_begin(&zip, &file);
    sample_zip_locked(&zip, "a.txt", STR("0123456789abcdef"));
    sample_zip_end(&zip);
    expect_file(f, "a.zip", buf_str(&file), AV_UNSCANNABLE, "encrypted archive a.zip");
    buf_clear(&file);
    /* the names in it are not encrypted */
    sample_zip_begin(&zip, &file);
    sample_zip_locked(&zip, "a.exe", STR("0123456789abcdef"));
    sample_zip_end(&zip);
    expect_file(f, "a.zip", buf_str(&file), AV_BANNED, "a.zip/a.exe: extension exe");
    assert_true(f->answer.left_unlooked_at);
    buf_release(&file);
}

/* --- hostile archives --- */

static void bombs_are_unscannable(void **state)
{
    struct buf file = BUF_INIT(64 * MIB), again = BUF_INIT(64 * MIB);
    struct sample_zip zip;
    sample_zip_begin(&zip, &file);
    sample_zip_bomb(&zip, "zeros", 100 * MIB, 100 * MIB);
    sample_zip_end(&zip);
    expect_file(*state, "a.zip", buf_str(&file), AV_UNSCANNABLE, "scan_size_limit");
    buf_clear(&file);
    /* it says that it is small */
    sample_zip_begin(&zip, &file);
    sample_zip_bomb(&zip, "zeros", 100 * MIB, 10);
    sample_zip_end(&zip);
    scan_file(*state, "a.zip", buf_str(&file));
    assert_int_not_equal(((struct fixture *)*state)->answer.result, AV_CLEAN);
    buf_clear(&file);
    sample_archive(&again, &sample_formats[SAMPLE_TAR_GZ], "zeros", STR_EMPTY);
    buf_clear(&again);
    sample_zeros(&again, &sample_formats[SAMPLE_TAR_GZ], 100 * MIB);
    expect_file(*state, "a.tgz", buf_str(&again), AV_UNSCANNABLE, "scan_size_limit");
    buf_release(&file);
    buf_release(&again);
}

static void many_files_are_unscannable(void **state)
{
    struct buf file = BUF_INIT(64 * MIB);
    struct sample_zip zip;
    sample_zip_begin(&zip, &file);
    for (int i = 0; i < 60000; i++)
        sample_zip_stored(&zip, "a.txt", STR_EMPTY);
    sample_zip_end(&zip);
    expect_file(*state, "a.zip", buf_str(&file), AV_UNSCANNABLE, "files_limit");
    buf_release(&file);
}

static void depth_is_unscannable(void **state)
{
    struct buf file = BUF_INIT(MIB), next = BUF_INIT(MIB);
    sample_zip_of(&file, "a.txt", STR("x"));
    for (int i = 0; i < 9; i++) {
        sample_zip_of(&next, "a.zip", buf_str(&file));
        buf_clear(&file);
        buf_add(&file, buf_str(&next));
        buf_clear(&next);
    }
    expect_file(*state, "a.zip", buf_str(&file), AV_CLEAN, "");
    sample_zip_of(&next, "a.zip", buf_str(&file));
    expect_file(*state, "a.zip", buf_str(&next), AV_UNSCANNABLE, "recursion_limit");
    buf_release(&file);
    buf_release(&next);
}

/* Nothing is cut so that it looks clean while it held a program. */
static void a_cut_archive_is_never_clean(void **state)
{
    struct fixture *f = *state;
    struct buf pe = BUF_INIT(MIB), file = BUF_INIT(MIB);
    sample_pe(&pe);
    for (size_t i = 0; i < n_sample_formats; i++) {
        buf_clear(&file);
        sample_archive(&file, &sample_formats[i], "a.dat", buf_str(&pe));
        for (size_t n = file.n / 4; n < file.n - file.n / 8; n += file.n / 16 + 1) {
            scan_file(f, "a.bin", str_sub(buf_str(&file), 0, n));
            if (f->answer.result == AV_CLEAN && kinds_of(str_sub(buf_str(&file), 0, n)) != 0)
                fail_msg("%s cut at %zu of %zu is clean", sample_formats[i].name, n, file.n);
        }
    }
    buf_release(&pe);
    buf_release(&file);
}

static void ole2_chains_in_circles_end(void **state)
{
    struct buf ole = BUF_INIT(MIB), stream = BUF_INIT(MIB);
    while (stream.n < 9000)
        buf_addc(&stream, 0);
    sample_ole2(&ole, (const char *[]){"Workbook", NULL}, buf_str(&stream));
    /* every sector follows itself, then the FAT is anything */
    for (uint32_t i = 0; i < 128; i++)
        memcpy(ole.p + 512 + 4 * i, &i, 4);
    scan_file(*state, "a.xls", buf_str(&ole));
    memset(ole.p + 512, 7, 512);
    scan_file(*state, "a.xls", buf_str(&ole));
    for (size_t i = 24; i < 512; i++) {
        ole.p[i] = (char)(i * 37);
        scan_file(*state, "a.xls", buf_str(&ole));
    }
    buf_release(&ole);
    buf_release(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_in_every_plausible_way),
        cmocka_unit_test(too_many_readings_are_a_disguise),
        cmocka_unit_test(files_are_known_by_their_bytes),
        cmocka_unit_test(a_picture_may_be_an_archive),
        cmocka_unit_test(every_kind_has_a_name),
        cmocka_unit_test(names_and_bytes_may_disagree),
        cmocka_unit_test(mistakes_are_told_with_their_line),
        cmocka_unit_test(a_policy_has_its_limits),
        cmocka_unit_test(the_first_rule_that_matches_decides),
        cmocka_unit_test(nothing_slips_through_an_exception),
        cmocka_unit_test(programs_are_banned_by_name_and_by_type),
        cmocka_unit_test(a_pattern_sees_every_name),
        cmocka_unit_test(a_long_half_of_a_name_hides_no_other),
        cmocka_unit_test(the_other_name_counts),
        cmocka_unit_test(an_answer_shows_the_whole_name),
        cmocka_unit_test(the_strictest_file_decides),
        cmocka_unit_test(archives_are_looked_into),
        cmocka_unit_test(an_exe_in_a_zip_in_a_zip_is_named_with_its_path),
        cmocka_unit_test(both_names_of_a_zip_entry_count),
        cmocka_unit_test(the_directorys_name_counts),
        cmocka_unit_test(a_planted_name_hides_no_other),
        cmocka_unit_test(names_are_counted_once),
        cmocka_unit_test(more_names_than_files_are_unscannable),
        cmocka_unit_test(a_picture_in_an_archive_is_read_to_its_end),
        cmocka_unit_test(a_sparse_file_is_not_clean),
        cmocka_unit_test(macros_are_found),
        cmocka_unit_test(old_macro_sheets_are_found),
        cmocka_unit_test(a_macro_sheet_is_found_behind_other_workbooks),
        cmocka_unit_test(encrypted_documents_are_not_clean),
        cmocka_unit_test(encrypted_archives_are_not_clean),
        cmocka_unit_test(bombs_are_unscannable),
        cmocka_unit_test(many_files_are_unscannable),
        cmocka_unit_test(depth_is_unscannable),
        cmocka_unit_test(a_cut_archive_is_never_clean),
        cmocka_unit_test(ole2_chains_in_circles_end),
    };
    return tap_run(tests, open_fixture, close_fixture);
}
