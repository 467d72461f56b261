//===- ConvolutionByPosition.h - a convolution as contractions, one a position of the kernel --------------------===//
//
// For a number of samples that is not known: y = sum over the positions k of the kernel of x[.., out * stride + k, ..]
// contracted with w[k]. Nothing but slices, paddings and contractions, none of which counts samples.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_DIALECT_NN_TRANSFORMS_CONVOLUTIONBYPOSITION_H
#define XFER_COMPILER_DIALECT_NN_TRANSFORMS_CONVOLUTIONBYPOSITION_H

#include "compiler/Dialect/NN/IR/NN.h"

namespace xfer::nn {

class ConvolutionByPosition {
public:
  /// `op`: one of the three directions. Images are [n, spatial.., channels], filters [kernel.., c, f]; with
  /// `ownFilters` [samples, n, spatial.., channels] and [samples, kernel.., c, f], without groups.
  template <typename Op>
  ConvolutionByPosition(Op op, Extents image, Extents filter, Extents output, bool ownFilters, mlir::OpBuilder &builder,
                        mlir::Location location)
      : builder(builder), location(location), strides(op.getStrides()), low(op.getPaddingLow()),
        high(op.getPaddingHigh()), dilations(op.getDilations()), image(std::move(image)), filter(std::move(filter)),
        output(std::move(output)), groups(op.getGroups()), own(ownFilters), lead(ownFilters ? 2 : 1),
        count(op.getStrides().size()) {}

  mlir::Value forward(mlir::Value x, mlir::Value w);
  mlir::Value inputGradient(mlir::Value dy, mlir::Value w);
  /// Of filters of their own.
  mlir::Value filterGradient(mlir::Value x, mlir::Value dy);

private:
  using Position = llvm::ArrayRef<int64_t>;

  int64_t padded(int64_t i) const { return image[lead + i].size + low[i] + high[i]; }
  int64_t span(int64_t i) const { return (output[lead + i].size - 1) * strides[i] + 1; }
  void eachPosition(llvm::function_ref<void(Position)> visit);
  mlir::Value slice(mlir::Value value, Position from, Position sizes, Position steps);
  mlir::Value pad(mlir::Value value, Position before, Position after, Position between);
  mlir::Value group(mlir::Value value, int64_t number);
  mlir::Value seen(mlir::Value x, Position at);
  mlir::Value filterAt(mlir::Value w, Position at);
  mlir::Value contract(mlir::Value a, mlir::Value b, Position lhs, Position rhs);
  mlir::Value inGroups(mlir::Value a, mlir::Value filter, int64_t contracted);

  mlir::OpBuilder &builder;
  mlir::Location location;
  llvm::SmallVector<int64_t> strides, low, high, dilations;
  Extents image, filter, output;
  int64_t groups;
  bool own;
  int64_t lead;  // axes of an image before the spatial ones
  int64_t count; // of spatial axes
};

} // namespace xfer::nn

#endif // XFER_COMPILER_DIALECT_NN_TRANSFORMS_CONVOLUTIONBYPOSITION_H
