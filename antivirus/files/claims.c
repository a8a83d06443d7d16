#include "antivirus/files/claims.h"

/* What programs write under the old Office extensions, whatever the format. */
#define OFFICE_ANY                                                                                 \
    (KIND(KIND_OLE2) | KIND(KIND_OFFICE) | KIND(KIND_OOXML) | KIND(KIND_RTF) | KIND(KIND_HTML) |   \
     KIND(KIND_XML) | KIND(KIND_OFFICE_ENCRYPTED) | KIND(KIND_MACRO) | KIND(KIND_XLM) |            \
     KIND(KIND_OBJECT))
#define OFFICE_ZIP (KIND(KIND_ZIP) | KIND(KIND_ENCRYPTED) | OFFICE_ANY)
#define MARKUP     (KIND(KIND_HTML) | KIND(KIND_XML))

static const struct {
    const char *extensions; /* each between blanks */
    kind_set kinds;
} claims[] = {
    {" pdf ", KIND(KIND_PDF)},
    {" jpg jpeg png gif bmp tif tiff webp heic ico ", KIND(KIND_IMAGE)},
    {" doc dot xls xlt ppt pps ", OFFICE_ZIP},
    {" docx xlsx pptx docm xlsm pptm dotx xltx potx ppsx xlsb ", OFFICE_ZIP & ~KIND(KIND_RTF)},
    {" odt ods odp odg ", KIND(KIND_ZIP) | KIND(KIND_ODF) | KIND(KIND_MACRO) | KIND(KIND_OBJECT)},
    {" rtf ", KIND(KIND_RTF) | KIND(KIND_OBJECT)},
    {" txt csv log ", MARKUP | KIND(KIND_SCRIPT) | KIND(KIND_BATCH)},
    {" htm html xhtml xml svg ", MARKUP},
    {" zip ", KIND(KIND_ZIP) | KIND(KIND_ENCRYPTED)},
    {" rar ", KIND(KIND_RAR) | KIND(KIND_ENCRYPTED)},
    {" 7z ", KIND(KIND_7Z) | KIND(KIND_ENCRYPTED)},
    {" gz tgz ", KIND(KIND_GZIP)},
    {" mp3 mp4 m4a wav avi mov ogg flac wmv mkv ", KIND(KIND_MEDIA)},
};

bool claims_differ(const struct file_names *names, kind_set kinds)
{
    char word[EXTENSION_MAX + 2] = " ";
    for (size_t i = 0; kinds && i < names->n; i++) {
        struct str extension = str_of(names->extensions[i]);
        if (extension.n == 0)
            continue;
        memcpy(word + 1, extension.s, extension.n);
        memcpy(word + 1 + extension.n, " ", 2);
        for (size_t k = 0; k < sizeof claims / sizeof claims[0]; k++)
            if (strstr(claims[k].extensions, word) && !(kinds & claims[k].kinds))
                return true;
    }
    return false;
}
