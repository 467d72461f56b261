#include "runtime/data/CocoFile.h"
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

namespace xfer::rt {

namespace {

using Json = nlohmann::json;

// Follows the events of the parser:
//   { "images": [ { key: value, .. }, .. ], "annotations": [ .. ], "categories": [ .. ] }
// What stands deeper is looked at in "bbox" alone. The parser has no recursion, so depth costs nothing.
class CocoEvents {
public:
  CocoFile file;
  std::string problem;

  bool key(std::string &text) {
    if (depth == 1)
      return openSection(text);
    if (inElement())
      name = text;
    return true;
  }
  bool start_object(std::size_t) {
    ++depth;
    if (depth == 2 && section != None)
      return refuse("'" + sectionName() + "' is an object, expected is a list of objects");
    if (depth == 3 && section != None)
      begin();
    return !inBox || refuseBox();
  }
  bool end_object() { return depth-- != 3 || section == None || finish(); }
  bool start_array(std::size_t) {
    ++depth;
    if (depth == 1)
      return refuse("it is a list, expected is an object with 'images', 'annotations' and 'categories'");
    if (depth == 3 && section != None)
      return refuse(place() + " is a list, expected is an object");
    if (inBox)
      return refuseBox();
    if (depth == 4 && section == Annotations && name == "bbox") {
      if (!take())
        return false;
      boxNumbers = 0;
      inBox = true;
    }
    return true;
  }
  bool end_array() {
    if (depth-- != 4 || !inBox)
      return true;
    inBox = false;
    return boxNumbers == 4 || refuse(place() + ".bbox has " + std::to_string(boxNumbers) +
                                     " numbers, expected are left, top, width and height");
  }

  bool string(std::string &text) {
    if (!inElement())
      return scalar();
    if (section == Images && name == "file_name")
      file.images.back().file = text;
    else if (section == Categories && name == "name")
      file.categories.back().name = text;
    else
      return !isNumber() || refuse(place() + "." + name + " is a text, expected is a number");
    return take();
  }
  bool number_unsigned(uint64_t value) {
    return value <= uint64_t(1) << 62 ? number(static_cast<double>(value), static_cast<int64_t>(value), true)
                                      : number(static_cast<double>(value), 0, false);
  }
  bool number_integer(int64_t value) { return number(static_cast<double>(value), value, true); }
  bool number_float(double value, const std::string &) {
    const bool whole = std::floor(value) == value && std::abs(value) < 1e15;
    return number(value, whole ? static_cast<int64_t>(value) : 0, whole);
  }
  bool boolean(bool value) { return number(value, value, true); }
  bool null() { return inElement() || scalar(); } // says nothing, as if the key were not there
  bool binary(Json::binary_t &) { return true; }
  bool parse_error(std::size_t position, const std::string &, const nlohmann::detail::exception &) {
    return refuse("it is not JSON at byte " + std::to_string(position));
  }

  bool isComplete() {
    for (const char *wanted : {"images", "annotations", "categories"})
      if (!sections.count(wanted))
        return refuse(std::string("there is no '") + wanted +
                      "'; expected are 'images', 'annotations' and 'categories'");
    return true;
  }

private:
  enum Section { None, Images, Annotations, Categories };

  bool refuse(std::string text) {
    if (problem.empty())
      problem = std::move(text);
    return false;
  }
  bool refuseBox() { return refuse(place() + ".bbox holds something else than numbers"); }
  bool inElement() const { return depth == 3 && section != None; }
  std::string sectionName() const {
    return section == Images ? "images" : section == Annotations ? "annotations" : "categories";
  }
  std::string place() const { return sectionName() + "[" + std::to_string(count) + "]"; }

  bool openSection(const std::string &text) {
    section = text == "images"        ? Images
              : text == "annotations" ? Annotations
              : text == "categories"  ? Categories
                                      : None;
    count = 0;
    return section == None || sections.insert(text).second || refuse("'" + text + "' occurs twice");
  }

  void begin() {
    keys.clear();
    name.clear();
    if (section == Images)
      file.images.emplace_back();
    else if (section == Annotations)
      file.annotations.emplace_back();
    else
      file.categories.emplace_back();
  }
  bool finish() {
    static const std::vector<const char *> wanted[] = {
        {}, {"id", "file_name"}, {"image_id", "category_id", "bbox"}, {"id", "name"}};
    for (const char *one : wanted[section])
      if (!keys.count(one))
        return refuse(place() + " has no '" + one + "'");
    ++count;
    return true;
  }
  // The key at hand was given a value.
  bool take() { return keys.insert(name).second || refuse(place() + "." + name + " occurs twice"); }

  bool isNumber() const {
    if (section == Images)
      return name == "id" || name == "height" || name == "width";
    return section == Annotations ? name == "image_id" || name == "category_id" || name == "iscrowd" || name == "bbox"
                                  : name == "id";
  }
  // A value that is no member of an element.
  bool scalar() {
    if (inBox)
      return refuseBox();
    if (depth == 0)
      return refuse("it is a single value, expected is an object with 'images', 'annotations' and 'categories'");
    if (section != None && depth == 1)
      return refuse("'" + sectionName() + "' is a single value, expected is a list of objects");
    return depth != 2 || section == None || refuse(place() + " is a single value, expected is an object");
  }
  bool number(double value, int64_t integer, bool whole) {
    if (inBox) {
      if (boxNumbers < 4)
        file.annotations.back().box[boxNumbers] = value;
      ++boxNumbers;
      return true;
    }
    if (!inElement())
      return scalar();
    if (name == "file_name" || (section == Categories && name == "name"))
      return refuse(place() + "." + name + " is a number, expected is a text");
    if (!isNumber())
      return true;
    if (name == "bbox")
      return refuse(place() + ".bbox is a number, expected are left, top, width and height");
    if (!whole)
      return refuse(place() + "." + name + " is no whole number");
    if (section == Images)
      (name == "id"       ? file.images.back().id
       : name == "height" ? file.images.back().height
                          : file.images.back().width) = integer;
    else if (section == Categories)
      file.categories.back().id = integer;
    else if (name == "iscrowd")
      file.annotations.back().crowd = integer != 0;
    else
      (name == "image_id" ? file.annotations.back().image : file.annotations.back().category) = integer;
    return take();
  }

  int64_t depth = 0, count = 0; // count: elements of the section that are complete
  Section section = None;
  std::string name;
  bool inBox = false;
  size_t boxNumbers = 0;
  std::set<std::string> sections, keys;
};

} // namespace

Expected<CocoFile> parseCoco(std::string_view text) {
  CocoEvents events;
  if (!Json::sax_parse(text.begin(), text.end(), &events) || !events.isComplete())
    return failure("{}", events.problem);
  return std::move(events.file);
}

} // namespace xfer::rt
