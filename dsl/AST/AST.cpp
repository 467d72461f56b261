#include "dsl/AST/AST.h"
#include "llvm/Support/ErrorHandling.h"

using namespace xfer::dsl;

// The nodes own each other through pointers to types that are incomplete where they are declared, so what destroys
// them lives here, where all are known.
Block::Block() = default;
Block::~Block() = default;
Expr::~Expr() = default;
Item::~Item() = default;
Type::~Type() = default;

llvm::StringRef xfer::dsl::getSpelling(Item::Kind kind) {
  switch (kind) {
#define XFER_ITEM(NAME, SPELLING)                                                                                      \
  case Item::Kind::NAME:                                                                                               \
    return SPELLING;
#include "dsl/AST/Kinds.def"
  }
  llvm_unreachable("unknown kind of item");
}

llvm::StringRef xfer::dsl::getSpelling(BinaryOp op) {
  switch (op) {
#define XFER_BINARY(NAME, SPELLING)                                                                                    \
  case BinaryOp::NAME:                                                                                                 \
    return SPELLING;
#include "dsl/AST/Kinds.def"
  }
  llvm_unreachable("unknown binary operator");
}

llvm::ArrayRef<llvm::StringRef> xfer::dsl::getGivenNames() {
  static constexpr llvm::StringRef names[] = {"training", "progress", "step",  "epoch",   "steps",
                                              "epochs",   "stale",    "shape", "gradient"};
  return names;
}
