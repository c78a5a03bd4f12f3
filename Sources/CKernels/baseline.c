// The kernels for any processor.
#define LANES 2
#define COLUMNS 2
#define NAME(x) ck_baseline_##x
#include "body.h"
