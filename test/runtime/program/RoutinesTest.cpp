#include "runtime/cpu/ThreadTeam.h"
#include "runtime/program/Context.h"
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

using xfer::rt::ThreadTeam;

// Along the middle axis, stable, NaN last, the positions beside the values.
TEST(Routines, Sort) {
  ThreadTeam team(2);
  xfer_context context{&team};
  // [outer 1, extent 4, inner 2]
  const float x[] = {3, 1, NAN, 1, -0.0f, 0, 0.0f, 1};
  float values[8];
  int32_t indices[8];
  ASSERT_EQ(xfer_sort_f32(&context, 0, x, values, indices, 1, 4, 2), XFER_OK);
  EXPECT_EQ(std::vector<int32_t>(indices, indices + 8), (std::vector<int32_t>{2, 2, 3, 0, 0, 1, 1, 3}));
  EXPECT_EQ(values[0], 0);
  EXPECT_EQ(values[4], 3);
  EXPECT_TRUE(std::isnan(values[6]));
  const int32_t y[] = {5, -7, 5, 0};
  int32_t sorted[4];
  ASSERT_EQ(xfer_sort_i32(&context, 0, y, sorted, indices, 1, 4, 1), XFER_OK);
  EXPECT_EQ(std::vector<int32_t>(sorted, sorted + 4), (std::vector<int32_t>{-7, 0, 5, 5}));
  EXPECT_EQ(std::vector<int32_t>(indices, indices + 4), (std::vector<int32_t>{1, 3, 0, 2}));
}

// l l^T is the matrix again; solving undoes multiplying, also transposed and in place.
TEST(Routines, CholeskyAndSolve) {
  ThreadTeam team(1);
  xfer_context context{&team};
  const float a[] = {4, 2, -2, 2, 10, 2, -2, 2, 9};
  float l[9], x[3];
  ASSERT_EQ(xfer_cholesky_f32(&context, 0, a, l, 1, 3), XFER_OK);
  const float expected[] = {2, 0, 0, 1, 3, 0, -1, 1, std::sqrt(7.0f)};
  for (int i = 0; i < 9; ++i)
    EXPECT_FLOAT_EQ(l[i], expected[i]) << i;
  float b[] = {2, 7, -1 + 2 + 3 * l[8]}; // l (1, 2, 3)
  ASSERT_EQ(xfer_triangular_solve_f32(&context, 0, l, b, x, 1, 3, 1, 0), XFER_OK);
  float c[] = {2 * 1 + 1 * 2 - 1 * 3, 3 * 2 + 1 * 3, 3 * l[8]}; // l^T (1, 2, 3)
  ASSERT_EQ(xfer_triangular_solve_f32(&context, 0, l, c, c, 1, 3, 1, 1), XFER_OK);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(x[i], i + 1, 1e-6);
    EXPECT_NEAR(c[i], i + 1, 1e-6);
  }
}

// A matrix that is not positive definite has no factor; the others of the batch have theirs.
TEST(Routines, CholeskyOfIndefinite) {
  ThreadTeam team(1);
  xfer_context context{&team};
  const float a[] = {1, 2, 2, 1, 4, 2, 2, 10};
  float l[8];
  ASSERT_EQ(xfer_cholesky_f32(&context, 0, a, l, 2, 2), XFER_OK);
  EXPECT_TRUE(std::isnan(l[3]));
  EXPECT_FLOAT_EQ(l[7], 3);
}
