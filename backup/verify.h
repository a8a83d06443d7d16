/* verify: is what lies in a generation what its manifest says? */
#ifndef POTERNE_BACKUP_VERIFY_H
#define POTERNE_BACKUP_VERIFY_H

#include "backup/take.h"

#define PARTS_ALL      ((1u << BACKUP_PARTS) - 1)
#define PART_BIT(part) (1u << (part))

struct verified {
    uint64_t pieces;
    uint64_t bytes;
    uint64_t bad;
};

/* Told of each piece that is missing or damaged (`bad`), and of each that was looked at (NULL). */
typedef void verify_tell(void *data, const struct verified *so_far, const char *bad);

/* The pieces of these parts (bits). 0, also where some are bad; -1 nothing can be said. */
int backup_verify(int generation_fd, const struct manifest *m, unsigned parts, verify_tell *tell,
                  void *data, struct verified *verified, struct err *err);

/* Reads a piece into `into` (PIECE_SIZE bytes), and looks whether it is what the manifest says. */
int backup_piece_read(int generation_fd, const struct piece *piece, char *into, struct err *err);

#endif
