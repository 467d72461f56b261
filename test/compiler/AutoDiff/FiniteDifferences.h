//===- FiniteDifferences.h - derivatives against central differences --------------------------------------------===//
//
// Input: the text of a function of nn operations. The check makes the scalar l = sum of weights * results (weights
// from a fixed generator), expands nn.gradient of l in every floating-point argument, evaluates with the reference in
// double precision on random arguments, and compares each element with (l(x + h) - l(x - h)) / 2h. Order 2 takes as
// function the gradients themselves.
//
// Tolerance: with h = 1e-5 and values near 1 the differences are exact to about h^2 + 2^-53 / h = 1e-10; 1e-6 relative
// to the largest derivative leaves room for large third derivatives.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_TEST_COMPILER_AUTODIFF_FINITEDIFFERENCES_H
#define XFER_TEST_COMPILER_AUTODIFF_FINITEDIFFERENCES_H

#include <string>

namespace xfer {

struct Range {
  double low = -1, high = 1;
};

/// Checks the first derivatives, and with `order` 2 the second ones too, of the function that `text` defines.
void checkDerivatives(const std::string &text, int order = 1, Range range = {});

} // namespace xfer

#endif // XFER_TEST_COMPILER_AUTODIFF_FINITEDIFFERENCES_H
