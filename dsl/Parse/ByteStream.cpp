#include "dsl/Parse/ByteStream.h"

using namespace xfer::dsl;

size_t ByteStream::LA(ssize_t offset) {
  // By ANTLR's convention LA(1) is the next character, LA(-1) the last one, and there is no LA(0).
  ssize_t at = static_cast<ssize_t>(position) + (offset > 0 ? offset - 1 : offset);
  if (offset == 0)
    return 0;
  if (at < 0 || at >= static_cast<ssize_t>(text.size()))
    return antlr4::IntStream::EOF;
  return static_cast<unsigned char>(text[at]);
}

std::string ByteStream::getText(const antlr4::misc::Interval &interval) {
  if (interval.a < 0 || interval.b < interval.a)
    return {};
  return text.slice(interval.a, interval.b + 1).str();
}
