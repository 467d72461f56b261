#include "dsl/AST/Walk.h"
#include "dsl/Sema/Checks.h"

using namespace xfer::dsl;

namespace {

enum class Construct {
#define XFER_UNSUPPORTED(NAME, WORDS) NAME,
#include "dsl/Sema/Unsupported.def"
};

llvm::StringRef describe(Construct construct) {
  static const char *const words[] = {
#define XFER_UNSUPPORTED(NAME, WORDS) WORDS,
#include "dsl/Sema/Unsupported.def"
  };
  return words[static_cast<size_t>(construct)];
}

class SupportCheck final : public Walker {
public:
  explicit SupportCheck(Diagnostics &diagnostics) : diagnostics(diagnostics) {}

private:
  bool enter(const Item &item) override {
    if (llvm::isa<LiveItem>(item))
      refuse(Construct::Live, item.keyword);
    if (llvm::isa<PrecisionItem>(item))
      refuse(Construct::Precision, item.keyword);
    if (auto *on = llvm::dyn_cast<OnItem>(&item))
      check(on->sources);
    if (auto *evaluate = llvm::dyn_cast<EvaluateItem>(&item))
      check(evaluate->sources);
    return true;
  }

  void check(llvm::ArrayRef<SourceUse> sources) {
    for (const SourceUse &source : sources) {
      if (source.micro)
        refuse(Construct::Micro, source.micro->range);
    }
  }

  void refuse(Construct construct, SourceRange where) {
    diagnostics.error("not-supported-yet", where, describe(construct) + " is not supported yet");
  }

  Diagnostics &diagnostics;
};

} // namespace

void xfer::dsl::checkSupported(const File &file, Diagnostics &diagnostics) { SupportCheck(diagnostics).walk(file); }
