#include "antivirus/outside/preset.h"

#include <stddef.h>

static const struct preset presets[] = {
    {.name = "none",
     .clean = {CODES_END},
     .infected = {CODES_END},
     .unscannable = {CODES_END},
     .found = "",
     .not_scanned = ""},
    /* McAfee/Trellix VirusScan Command Line Scanner: 13 found, 19 found and cleaned */
    {.name = "uvscan",
     .command = {"/usr/local/uvscan/uvscan", "--secure", "--recursive", "--mime", "--noboot",
                 "--summary", "%f"},
     .clean = {0, CODES_END},
     .infected = {13, 19, CODES_END},
     .unscannable = {CODES_END},
     .found = "Found(?:: | the | potentially unwanted program )(.+?)(?: virus| trojan)?"
              "(?: !!!)?\\s*$",
     .not_scanned = "(?i)(?:is|file) (?:password[- ]protected|encrypted|corrupted?)"},
    /* Sophos savscan: 3 found; 2 some files could not be looked at */
    {.name = "savscan",
     .command = {"/opt/sophos-av/bin/savscan", "-nb", "-f", "-all", "-rec", "-ss", "-archive",
                 "-mime", "-tnef", "--no-reset-atime", "%f"},
     .clean = {0, CODES_END},
     .infected = {3, CODES_END},
     .unscannable = {2, CODES_END},
     .found = ">>> Virus(?: fragment)? '(.*?)' found",
     .not_scanned = "(?i)password protected file|could not (?:check|open)"},
    /* ESET Server Security, on-demand scanner: 1 found and cleaned, 50 found, 10 not all looked at
     */
    {.name = "eset",
     .command = {"/opt/eset/efs/sbin/cls/cls", "--clean-mode=none", "--no-quarantine", "%f"},
     .clean = {0, CODES_END},
     .infected = {1, 50, CODES_END},
     .unscannable = {10, CODES_END},
     .found = "threat=\"([^\"]+)\"",
     .not_scanned = "(?i)password[- ]protected|error unpacking"},
    /* Kaspersky kavscanner: 5 cured, 20 suspicious, 21 probably, 25 infected; 10 passwords, 15
     * damaged */
    {.name = "kaspersky",
     .command = {"/opt/kaspersky/kav4fs/bin/kavscanner", "-i1", "-xp", "%f"},
     .clean = {0, CODES_END},
     .infected = {5, 20, 21, 25, CODES_END},
     .unscannable = {10, 15, CODES_END},
     .found = "(?:INFECTED|WARNING|SUSPICION|SUSPICIOUS) (.*)",
     .not_scanned = "(?i)password protected|corrupted"},
    /* Avast for Linux, scan(1): 1 found, 2 error; -b tells of decompression bombs */
    {.name = "avast",
     .command = {"/usr/bin/scan", "-b", "%f"},
     .clean = {0, CODES_END},
     .infected = {1, CODES_END},
     .unscannable = {CODES_END},
     .found = "\\t(?!\\[OK\\])([^\\t\\[]+)$",
     .not_scanned = "\\[(?:EXCLUDED|ERROR)|(?i)password protected"},
};

const struct preset *preset_find(const char *name)
{
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (strcmp(presets[i].name, name) == 0)
            return &presets[i];
    return NULL;
}

const char *preset_program(const struct conf_scanner *scanner)
{
    const struct preset *preset = preset_find(scanner->preset);
    return scanner->command.n > 0 || preset == NULL ? scanner->command.items[0]
                                                    : preset->command[0];
}
