/* Settings: whatever the text, an answer; and what is accepted is shown so that it is accepted
 * again and means the same. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

/* The settings as text, without where they came from. */
static void show(const struct conf *conf, struct buf *whole, struct buf *values)
{
    struct str line;
    conf_show(conf, whole);
    struct str rest = buf_str(whole);
    while (str_next_line(&rest, &line)) {
        size_t at = str_rchr(line, '#');
        buf_add(values, str_trim(str_sub(line, 0, at == STR_NONE ? line.n : at)));
        buf_addc(values, '\n');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {""};
    struct buf shown[2] = {BUF_INIT(CONF_TEXT_MAX), BUF_INIT(CONF_TEXT_MAX)};
    struct buf values[2] = {BUF_INIT(CONF_TEXT_MAX), BUF_INIT(CONF_TEXT_MAX)};
    struct conf *conf = conf_parse(str_n((const char *)data, size), "fuzz", &err);
    if (conf == NULL) {
        must(strncmp(err.text, "fuzz:", 5) == 0, "a mistake is told with its file");
        return 0;
    }
    show(conf, &shown[0], &values[0]);
    struct conf *again = conf_parse(buf_str(&shown[0]), "shown", &err);
    must(again != NULL, err.text);
    show(again, &shown[1], &values[1]);
    must(str_eq(buf_str(&values[0]), buf_str(&values[1])), "shown settings are the same");
    conf_free(&conf);
    conf_free(&again);
    for (size_t i = 0; i < 2; i++) {
        buf_release(&shown[i]);
        buf_release(&values[i]);
    }
    return 0;
}
