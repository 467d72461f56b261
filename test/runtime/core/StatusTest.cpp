#include "xfer/rt/Status.h"
#include <gtest/gtest.h>
#include <memory>

using namespace xfer::rt;

// A status without a problem is a success.
TEST(Status, DefaultIsSuccess) {
  EXPECT_TRUE(Status().ok());
  EXPECT_FALSE(Status::success().failed());
}

// A failure keeps its formatted message; without a place in the program its site is 0.
TEST(Status, FailureFormats) {
  Status status = failure("'{}' has {} bytes", "a.npy", 12);
  ASSERT_TRUE(status.failed());
  EXPECT_EQ(status.message(), "'a.npy' has 12 bytes");
  EXPECT_EQ(status.site(), 0);
}

// A context goes before the message and leaves the site alone; copies share the failure.
TEST(Status, WithinKeepsSite) {
  Status status = failureAt(7, "loss is {}", "nan");
  Status copy = status;
  Status outer = copy.within("stage 'adapt'");
  EXPECT_EQ(outer.message(), "stage 'adapt': loss is nan");
  EXPECT_EQ(outer.site(), 7);
  EXPECT_EQ(status.message(), "loss is nan");
}

static Expected<std::unique_ptr<int>> half(int number) {
  if (number % 2)
    return failure("{} is odd", number);
  return std::make_unique<int>(number / 2);
}

// An expected value moves out; a missing one tells why.
TEST(Expected, HoldsValueOrReason) {
  auto good = half(8);
  ASSERT_TRUE(good);
  EXPECT_TRUE(good.status().ok());
  std::unique_ptr<int> moved = std::move(*good);
  EXPECT_EQ(*moved, 4);
  auto bad = half(7);
  EXPECT_FALSE(bad.ok());
  EXPECT_EQ(bad.message(), "7 is odd");
}

// A value that converts to the type is taken as it is.
TEST(Expected, Converts) {
  auto text = []() -> Expected<std::string> { return "plain"; }();
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "plain");
}
