//===- Declarations.h - the names that a program declares ---------------------------------------------------------===//

#ifndef XFER_DSL_SEMA_DECLARATIONS_H
#define XFER_DSL_SEMA_DECLARATIONS_H

#include "dsl/AST/AST.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"

namespace xfer::dsl {

/// A name of the program: everything that stands in a file, under `for`, `if`, `repeat` and `sweep` too.
struct Declaration {
  Item::Kind kind;
  Name name;
  SourceRange keyword;
  bool family = false;      // `domain d[i]`
  bool conditional = false; // under an `if`
};

/// What clauses ask of a domain; the members of a family share it.
struct DomainFacts {
  std::vector<Name> fields;
  std::vector<Name> splits; // without `all`
};

class Declarations {
public:
  void add(const File &file);

  /// In the order of the text.
  llvm::ArrayRef<Declaration> getAll() const { return all; }
  /// The first of that name, or null.
  const Declaration *find(llvm::StringRef name) const;
  const Declaration *find(llvm::StringRef name, llvm::ArrayRef<Item::Kind> kinds) const;
  std::vector<llvm::StringRef> getNames(llvm::ArrayRef<Item::Kind> kinds) const;
  const DomainFacts *findDomain(llvm::StringRef name) const;

private:
  void add(llvm::ArrayRef<ItemPtr> items, bool conditional);
  void add(const Item &item, const Name &name, bool family, bool conditional);
  void add(const DomainItem &domain);
  void addContents(DomainFacts &facts, const Block *block);

  std::vector<Declaration> all;
  llvm::StringMap<size_t> first;
  llvm::StringMap<DomainFacts> domains;
};

} // namespace xfer::dsl

#endif // XFER_DSL_SEMA_DECLARATIONS_H
