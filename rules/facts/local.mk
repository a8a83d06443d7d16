# rules/facts: a message as the rule language sees it
lib_librules_a_SOURCES += \
    rules/facts/body.c rules/facts/body.h \
    rules/facts/content_type.c rules/facts/content_type.h \
    rules/facts/date.c rules/facts/date.h \
    rules/facts/decode.c rules/facts/decode.h \
    rules/facts/facts.c rules/facts/facts.h \
    rules/facts/header.c rules/facts/header.h \
    rules/facts/header_cut.c rules/facts/header_cut.h \
    rules/facts/header_decode.c \
    rules/facts/header_get.c \
    rules/facts/html_entities.c rules/facts/html_entities.h \
    rules/facts/html_facts.c rules/facts/html_facts.h \
    rules/facts/html_inside.c rules/facts/html_inside.h \
    rules/facts/html_links.c rules/facts/html_links.h \
    rules/facts/html_names.c rules/facts/html_names.h \
    rules/facts/html_notes.c rules/facts/html_notes.h \
    rules/facts/html_parse.c rules/facts/html_parse.h \
    rules/facts/html_render.c rules/facts/html_render.h \
    rules/facts/html_style.c rules/facts/html_style.h \
    rules/facts/image_size.c rules/facts/image_size.h \
    rules/facts/images.c rules/facts/images.h \
    rules/facts/ip.c rules/facts/ip.h \
    rules/facts/language.c rules/facts/language.h \
    rules/facts/language_text.c \
    rules/facts/locales.c rules/facts/locales.h \
    rules/facts/mailbox.c rules/facts/mailbox.h \
    rules/facts/md5.c rules/facts/md5.h \
    rules/facts/ngrams.c rules/facts/ngrams.h \
    rules/facts/normalize.c rules/facts/normalize.h \
    rules/facts/parts.c rules/facts/parts.h \
    rules/facts/parts_lines.c rules/facts/parts_lines.h \
    rules/facts/mime_counts.c rules/facts/mime_counts.h \
    rules/facts/pdf.c rules/facts/pdf.h \
    rules/facts/pdf_link.c \
    rules/facts/pdf_string.c rules/facts/pdf_string.h \
    rules/facts/pdfs.c rules/facts/pdfs.h \
    rules/facts/stock_info.c rules/facts/stock_info.h \
    rules/facts/words_differ.c rules/facts/words_differ.h \
    rules/facts/received.c rules/facts/received.h \
    rules/facts/received_shapes.c \
    rules/facts/registry.c rules/facts/registry.h \
    rules/facts/relays.c rules/facts/relays.h \
    rules/facts/rendered.c rules/facts/rendered.h \
    rules/facts/scan.h \
    rules/facts/senders.c \
    rules/facts/shape.c rules/facts/shape.h \
    rules/facts/shown.c rules/facts/shown.h \
    rules/facts/text_class.c rules/facts/text_class.h \
    rules/facts/text_fold.c rules/facts/text_fold.h \
    rules/facts/times.c rules/facts/times.h \
    rules/facts/uri_clean.c rules/facts/uri_clean.h \
    rules/facts/uri_number.c rules/facts/uri_number.h \
    rules/facts/uri_text.c rules/facts/uri_text.h \
    rules/facts/uris.c rules/facts/uris.h \
    rules/facts/view.c rules/facts/view.h
