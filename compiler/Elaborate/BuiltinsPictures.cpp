//===- BuiltinsPictures.cpp - pictures that differ in size --------------------------------------------------------===//

#include "compiler/Elaborate/Builtins.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// `varies(x)`: is it a field of pictures of different sizes?
static Value varies(Evaluator &, std::vector<Value> &given, dsl::SourceRange) {
  return given[0].isPoison() ? Value() : Value(given[0].pictureField() != nullptr);
}

/// `sized(image, [h, w], "bilinear")`: u8[h, w, c] of such a field, each picture brought to that size by the reader.
static Value sized(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (given[0].isPoison() || given[1].isPoison() || given[2].isPoison())
    return Value();
  const PictureField *pictures = given[0].pictureField();
  if (!pictures)
    return evaluator.error(
        range, "wrong-type",
        "'sized' wants a field of pictures of different sizes ('fields image: u8[?, ?, 3]'), found " +
            given[0].describe());
  const List *list = given[1].list();
  std::optional<int64_t> sides[2];
  for (size_t i = 0; list && list->elements.size() == 2 && i < 2; ++i)
    sides[i] = list->elements[i].asInteger();
  if (!sides[0] || !sides[1] || *sides[0] < 1 || *sides[1] < 1 || *sides[0] > 65535 || *sides[1] > 65535)
    return evaluator.error(range, "bad-extent",
                           "the size of a picture is [height, width], each from 1 to 65535, found " +
                               given[1].describe());
  const std::string *method = given[2].text();
  if (!method || !llvm::is_contained({"bilinear", "bicubic", "letterbox"}, *method))
    return evaluator.error(range, "wrong-type",
                           "pictures are brought to a size \"bilinear\", \"bicubic\" or \"letterbox\", found " +
                               given[2].describe());
  return evaluator.pipeline.sized(*pictures, {*sides[0], *sides[1], *method}, range);
}

/// `frame_of(image)`: int[4] of such a field that `sized` has been asked for: height and width of the picture in its
/// file, rows and columns that it takes up in what the reader delivers.
static Value frameOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (given[0].isPoison())
    return Value();
  const PictureField *pictures = given[0].pictureField();
  if (!pictures)
    return evaluator.error(range, "wrong-type",
                           "'frame_of' wants a field of pictures of different sizes ('fields image: u8[?, ?, 3]'), "
                           "found " +
                               given[0].describe());
  return evaluator.pipeline.frameOf(*pictures, range);
}

const Builtins &pictureBuiltins() {
  static const Builtins all = {
      {"varies", {"x"}, varies},
      {"sized", {"image", "size", "method"}, sized},
      {"frame_of", {"image"}, frameOf},
  };
  return all;
}

} // namespace xfer
