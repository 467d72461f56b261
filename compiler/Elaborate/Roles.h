//===- Roles.h - who minimises and who maximises what -------------------------------------------------------------===//

#ifndef XFER_COMPILER_ELABORATE_ROLES_H
#define XFER_COMPILER_ELABORATE_ROLES_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace xfer {

/// In which sense a value moves another: with it, against it, or both on different paths.
enum Sense : unsigned { Unreached = 0, With = 1, Against = 2 };

/// What a clause that moves parameters does to the losses with names.
struct ClauseRole {
  std::string text;            ///< of the clause, on one line
  std::set<std::string> parts; ///< of the model, that it moves
  std::vector<std::string> by; ///< "net.f1, net.f2 by task, -gap"
  /// By loss, then by part of the model: does the clause minimise it (With) or maximise it (Against)?
  std::map<std::string, std::map<std::string, unsigned>> losses;
};

/// A parameter that a clause moves: its path, its value in the step, and the value whose gradient moves it.
struct MovedLeaf {
  std::string path;
  mlir::Value value, objective;
};

/// `losses` are the values that the named losses have in the clause, in text order.
ClauseRole roleOf(llvm::StringRef text, llvm::ArrayRef<std::pair<std::string, mlir::Value>> losses,
                  llvm::ArrayRef<MovedLeaf> moved);

/// "gap: minimised by net.g; maximised by net.f1, net.f2", a line for each of `losses`.
std::vector<std::string> describeLosses(llvm::ArrayRef<std::string> losses, llvm::ArrayRef<ClauseRole> roles);

} // namespace xfer

#endif // XFER_COMPILER_ELABORATE_ROLES_H
