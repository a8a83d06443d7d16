#include "directory/source.h"

void finding_yes(struct finding *finding, const struct person *person)
{
    struct buf bytes = BUF_OVER(finding->bytes);
    person_put(&bytes, person);
    finding->said = buf_ok(&bytes) ? SAID_YES : SAID_AWAY;
    finding->broken = false;
    finding->n = bytes.n;
    finding->note[0] = '\0';
    if (!buf_ok(&bytes))
        finding_away(finding, false, "more is known of it than there is room for");
}

void finding_no(struct finding *finding)
{
    finding->said = SAID_NO;
    finding->broken = false;
    finding->note[0] = '\0';
    finding->n = 0;
}

void finding_away(struct finding *finding, bool broken, const char *why)
{
    finding->said = SAID_AWAY;
    finding->broken = broken;
    finding->n = 0;
    str_copy(str_sub(str_of(why), 0, sizeof finding->note - 1), finding->note,
             sizeof finding->note);
}

bool finding_person(const struct finding *finding, struct person *person)
{
    return finding->said == SAID_YES && person_get(str_n(finding->bytes, finding->n), person);
}
