#include "compiler/Elaborate/Value.h"
#include "gtest/gtest.h"

using namespace xfer;

namespace {

Value functionIn(const ScopePtr &scope) {
  auto function = std::make_shared<Function>();
  function->closure = scope;
  return Value(std::shared_ptr<const Function>(function));
}

// A function and the scope that names it hold each other, as do two scopes by each other's functions.
TEST(Scope, GoesThoughItsNamesHoldIt) {
  std::weak_ptr<Scope> outer, inner;
  {
    Scopes scopes; // goes last
    ScopePtr outermost = scopes.outermost(), block = Scope::inside(outermost);
    outermost->define("here", functionIn(outermost));
    outermost->define("inside", functionIn(block));
    block->define("outside", functionIn(outermost));
    outer = outermost;
    inner = block;
  }
  EXPECT_TRUE(outer.expired());
  EXPECT_TRUE(inner.expired());
}

// A scope that nothing holds is gone at once: a body that is run a million times leaves none.
TEST(Scope, GoesAtOnceWhereNothingHoldsIt) {
  Scopes scopes;
  ScopePtr outermost = scopes.outermost();
  std::weak_ptr<Scope> block;
  {
    ScopePtr inside = Scope::inside(outermost);
    inside->define("x", Value(int64_t(1)));
    block = inside;
  }
  EXPECT_TRUE(block.expired());
}

} // namespace
