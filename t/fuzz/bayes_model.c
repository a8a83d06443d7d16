/* A model file of any bytes, its checksums set right so that they hide nothing: refused, or safe to
 * search. The same bytes as a header and a table that fit together, so that what is behind the
 * look at sizes is met; as a request to the learner and as its reply. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fsio.h"
#include "bayes/learn/learn.h"
#include "bayes/model/model.h"
#include "bayes/model/model_format.h"

#define FILE_MAX (1024u * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sums_mend(struct buf *file)
{
    struct model_header header;
    if (file->n < MODEL_WEIGHTS_AT)
        return;
    memcpy(&header, file->p, sizeof header);
    header.magic = MODEL_MAGIC;
    header.version = MODEL_VERSION;
    header.slot_size = sizeof(struct model_slot);
    header.fusion_inputs = FUSION_INPUTS;
    header.body_sum = model_sum(0, file->p + sizeof header, file->n - sizeof header);
    header.header_sum = model_sum(0, &header, offsetof(struct model_header, header_sum));
    memcpy(file->p, &header, sizeof header);
}

static int on_token(void *data, const struct model_token *token, struct err *err)
{
    return 0;
}

static void search(const struct model *model)
{
    struct err err;
    struct model_counts counts[64];
    struct feature features[64];
    for (size_t i = 0; i < 64; i++)
        features[i] = (struct feature){i * 0x9e3779b97f4a7c15u, STR("x")};
    model_find(model, features, 64, counts);
    model_walk(model, on_token, NULL, &err);
}

/* Says whether it was taken for one. */
static bool open_and_search(struct buf *file)
{
    struct err err;
    struct model *model = NULL;
    int fd = memfd_create("model", MFD_CLOEXEC);
    sums_mend(file);
    if (fd >= 0 && buf_ok(file) && fsio_write(fd, buf_str(file), "model", &err) == 0)
        model = model_open(fd, "model", &err);
    bool opened = model != NULL;
    if (model)
        search(model);
    model_close(&model);
    fsio_close_quiet(&fd);
    return opened;
}

static void as_model(const uint8_t *data, size_t size)
{
    struct buf file = BUF_INIT(FILE_MAX);
    buf_addn(&file, data, size);
    open_and_search(&file);
    buf_release(&file);
}

/* The header's bytes, then those of the table; its sizes are made to fit. */
static void as_table(const uint8_t *data, size_t size)
{
    struct model_header header;
    struct model_slot last = {0, 0, 0};
    struct buf file = BUF_INIT(FILE_MAX);
    if (size < sizeof header + sizeof last)
        return;
    memcpy(&header, data, sizeof header);
    size_t slots = (size - sizeof header) / sizeof last;
    header.weights = 0;
    header.slots = slots + 1;
    header.homes = 1 + header.homes % slots;
    header.tokens %= header.homes + 1;
    buf_addn(&file, &header, sizeof header);
    while (buf_ok(&file) && file.n < MODEL_WEIGHTS_AT)
        buf_addc(&file, '\0');
    buf_addn(&file, data + sizeof header, slots * sizeof last);
    buf_addn(&file, &last, sizeof last);
    if (!open_and_search(&file) && buf_ok(&file))
        abort(); /* whatever is in it, it is whole */
    buf_release(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct learn_request request;
    struct learn_reply reply;
    struct err err;
    struct str message = str_n((const char *)data, size);
    size_t n;
    if (learn_request_get(message, &request) && request.verb == LEARN_MESSAGE) {
        free(learn_request_features(&request, -1, &err));
        free(learn_request_grams(&request, &n, &err));
    }
    learn_reply_get(message, &reply);
    as_model(data, size);
    as_table(data, size);
    return 0;
}
