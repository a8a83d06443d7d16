/* A model file of any bytes, its checksums set right so that they hide nothing: refused, or safe to
 * search. The same bytes as a request to the learner and as its reply. */
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

static void search(const struct model *model)
{
    struct model_counts counts[64];
    struct feature features[64];
    for (size_t i = 0; i < 64; i++)
        features[i] = (struct feature){i * 0x9e3779b97f4a7c15u, STR("x")};
    model_find(model, features, 64, counts);
}

static void as_model(const uint8_t *data, size_t size)
{
    struct buf file = BUF_INIT(FILE_MAX);
    struct err err;
    int fd = memfd_create("model", MFD_CLOEXEC);
    buf_addn(&file, data, size);
    sums_mend(&file);
    if (fd >= 0 && buf_ok(&file) && fsio_write(fd, buf_str(&file), "model", &err) == 0) {
        struct model *model = model_open(fd, "model", &err);
        if (model)
            search(model);
        model_close(&model);
    }
    fsio_close_quiet(&fd);
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
    return 0;
}
