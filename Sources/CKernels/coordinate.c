// Coordinate descent on a quadratic model with l1 and l2 penalties (Friedman, Hastie and Tibshirani 2010).
#include <math.h>

#include "CKernels.h"
#include "tile.h"

CLONES double ck_descend(const double *hessian, size_t order, size_t stride, const double *beta, const double *l1,
                  const double *l2, const uint8_t *active, double *step, double *slope) {
  double largest = 0;
  for (size_t j = 0; j < order; j++) {
    if (active && !active[j]) continue;
    const double *row = hessian + j * stride;
    const double curvature = row[j] + l2[j];
    if (!(curvature > 0)) continue;
    const double at = beta[j] + step[j];
    // Minimises over the new coefficient b: ½·row[j]·(b − at)² + slope·b + l1·|b| + ½·l2·b².
    const double target = row[j] * at - slope[j];
    const double shrunk = fabs(target) > l1[j] ? copysign(fabs(target) - l1[j], target) / curvature : 0;
    const double change = shrunk - at;
    if (change == 0) continue;
    step[j] += change;
    for (size_t k = 0; k < order; k++) slope[k] += change * row[k];
    const double size = sqrt(curvature) * fabs(change);
    if (size > largest) largest = size;
  }
  return largest;
}
