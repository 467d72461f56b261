// Pages, pictures and the plane of principal components.
#include "runtime/metrics/HtmlPage.h"
#include "runtime/metrics/Png.h"
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <zlib.h>

using namespace xfer::rt;
using testing::HasSubstr;
using testing::Not;

// What a program or a data file calls things cannot become a tag.
TEST(HtmlPage, Escapes) {
  EXPECT_EQ(htmlText("a<b & \"c\">"), "a&lt;b &amp; &quot;c&quot;&gt;");
  EXPECT_THAT(htmlPage("<x>", ""), HasSubstr("<title>&lt;x&gt;</title>"));
  EXPECT_THAT(htmlTable({{"<h>"}, {"<c>"}}), HasSubstr("<th>&lt;h&gt;</th>"));
  EXPECT_THAT(htmlConfusion({1, 0, 0, 1}, {"<a>", "b"}), Not(HasSubstr("<a>")));
  EXPECT_EQ(htmlSection("empty", ""), "");
}

// A curve stands between its least and largest value; fewer than two finite points are none.
TEST(HtmlPage, Curve) {
  std::string curve = htmlCurve({"loss", {{0, 2}, {1, std::nan("")}, {2, 1}, {4, 0.5}}}, "epoch");
  EXPECT_THAT(curve, HasSubstr("M62 10V146H308"));
  EXPECT_THAT(curve, HasSubstr("points=\"62.0,10.0 185.0,100.7 308.0,146.0 308.0,146.0\""));
  EXPECT_EQ(htmlCurve({"loss", {{0, 2}, {1, std::numeric_limits<double>::infinity()}}}, "epoch"), "");
  EXPECT_THAT(htmlCurve({"flat", {{0, 2}, {1, 2}}}, "epoch"), HasSubstr("62.0,78.0 308.0,78.0"));
}

// Rows are labels: of class 0 two of three are found, and two of the three predictions are right.
TEST(HtmlPage, PerClass) {
  std::string table = htmlPerClass({2, 1, 0, 1, 4, 0, 0, 0, 0}, {"a", "b", "c"});
  EXPECT_THAT(table, HasSubstr("<td>a</td><td>3</td><td>0.667</td><td>0.667</td><td>0.667</td>"));
  EXPECT_THAT(table, HasSubstr("<td>b</td><td>5</td><td>0.800</td><td>0.800</td><td>0.800</td>"));
  EXPECT_THAT(table, HasSubstr("<td>c</td><td>0</td><td>-</td><td>-</td><td>-</td>"));
}

// RFC 4648, section 10.
TEST(Png, Base64) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe"), "//4=");
}

// The lines of the picture stand behind their filter bytes, and each chunk ends with its sum.
TEST(Png, File) {
  std::string file = pngFile({1, 2, 3, 4, 5, 6}, 2, 1, 3);
  ASSERT_EQ(file.substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(file.substr(8, 25), std::string("\0\0\0\rIHDR\0\0\0\2\0\0\0\1\10\2\0\0\0", 21) + file.substr(29, 4));
  auto number = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i)
      value = value << 8 | static_cast<uint8_t>(file[at + i]);
    return value;
  };
  for (size_t at = 8; at < file.size(); at += 12 + number(at)) {
    uLong sum = crc32(0, reinterpret_cast<const Bytef *>(file.data()) + at + 4, number(at) + 4);
    EXPECT_EQ(number(at + 8 + number(at)), sum);
  }
  Bytef lines[7];
  uLongf size = sizeof(lines);
  ASSERT_EQ(uncompress(lines, &size, reinterpret_cast<const Bytef *>(file.data()) + 41, number(33)), Z_OK);
  EXPECT_THAT(lines, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6));
}

// Points on an ellipse in a space of many columns: its axes are found, and the shares are their squared lengths.
TEST(PrincipalComponents, Ellipse) {
  std::vector<double> values;
  constexpr size_t rows = 100, width = 7;
  for (size_t i = 0; i < rows; ++i) {
    double turn = 2 * M_PI * static_cast<double>(i) / rows, a = 3 * std::cos(turn), b = std::sin(turn);
    for (size_t k = 0; k < width; ++k)
      values.push_back(5 + (k == 2 ? a : k == 4 ? -b : 0));
  }
  PlanePoints plane = principalPlane(values, width);
  EXPECT_NEAR(plane.share[0], 0.9, 1e-6);
  EXPECT_NEAR(plane.share[1], 0.1, 1e-6);
  for (size_t i = 0; i < rows; ++i) {
    EXPECT_NEAR(plane.points[i][0], values[i * width + 2] - 5, 1e-6);
    EXPECT_NEAR(plane.points[i][1], values[i * width + 4] - 5, 1e-6);
  }
}

// Rows that do not differ, and none at all.
TEST(PrincipalComponents, Degenerate) {
  EXPECT_TRUE(principalPlane({}, 3).points.empty());
  PlanePoints plane = principalPlane({1, 2, 1, 2}, 2);
  ASSERT_EQ(plane.points.size(), 2u);
  EXPECT_EQ(plane.points[1][0], 0);
  EXPECT_EQ(plane.share[0], 0);
}
