#include "antivirus/clamav_common.h"

bool clamav_means_unscannable(struct str name)
{
    static const char *const heads[] = {"Heuristics.Limits.", "Heuristics.Encrypted.",
                                        "Heuristics.XZ.DicSizeLimit",
                                        "Heuristics.Zip.OverlappingFiles"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (str_starts(name, str_of(heads[i])))
            return true;
    return false;
}
