/*
 * dmarc_xml: a DMARC aggregate report (RFC 9990 3, schema in its appendix), about one policy domain
 * and one day.
 */
#ifndef POTERNE_TALLY_DMARC_XML_H
#define POTERNE_TALLY_DMARC_XML_H

#include "tally/maker.h"

struct dmarc_report {
    const struct tally_maker *maker;
    const struct tally_subject *subject;
    const struct tally_dmarc *rows; /* at least one */
    size_t n;
    uint64_t lost; /* messages that the journal had no room for */
};

/*
 * Appends the document, UTF-8. It names one policy: the one that was seen last; what was seen under
 * another is in it all the same (3.4). Texts out of mail are escaped, and what XML can't hold is a
 * question mark.
 */
void dmarc_xml_put(struct buf *out, const struct dmarc_report *report);

#endif
