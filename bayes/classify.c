#include <math.h>
#include <stdlib.h>

#include "bayes/combine.h"
#include "bayes/model.h"

/* A token nearer to 0.5 than this says nothing and is left out. */
#define DEVIATION_MIN 0.1
