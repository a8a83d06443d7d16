/* The EICAR test file, in two pieces so that this source is not taken for one, and packed forms. */
#ifndef POTERNE_T_UNIT_ANTIVIRUS_SAMPLES_H
#define POTERNE_T_UNIT_ANTIVIRUS_SAMPLES_H

#define EICAR_HEAD "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD"
#define EICAR_TAIL "-ANTIVIRUS-TEST-FILE!$H+H*"
#define EICAR      EICAR_HEAD EICAR_TAIL

#endif
