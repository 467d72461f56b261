// coco(..): pictures with boxes, as the data set of that name describes them. Boxes become left, top, right, bottom in
// pixels; a sample has as many as its bounded dimension says, the rest of the row is 0.
#include "runtime/core/File.h"
#include "runtime/data/CocoFile.h"
#include "runtime/data/ImageList.h"
#include "runtime/data/TextFormat.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <unordered_map>

namespace xfer::rt {

namespace {

enum class CocoPart { Picture, Frame, Boxes, Kinds, Count };

struct CocoData {
  std::string path;
  CocoFile file;
  std::vector<std::vector<size_t>> annotations; // by image, in the order of the file
  int64_t crowds = 0;                           // annotations that stand for many, which are left out
};

} // namespace

static Expected<CocoPart> partOf(FormatRequest &request, const Field &field) {
  if (isFrame(field))
    return CocoPart::Frame;
  if (field.isLength)
    return CocoPart::Count;
  const bool isBoxes = field.shape.size() == 2 && field.shape[1] == 4 && field.classes == 0;
  const std::string otherwise = field.shape.size() == 1 && field.classes > 0 ? "category" : isBoxes ? "bbox" : "images";
  Expected<std::string> name = request.text(field.name, otherwise);
  if (!name)
    return name.status();
  if (*name == "bbox" && isBoxes)
    return CocoPart::Boxes;
  if (*name == "category" && field.shape.size() == 1 && field.classes > 0)
    return CocoPart::Kinds;
  if (*name == "images" && field.shape.size() >= 2)
    return CocoPart::Picture;
  return failure("reader 'coco' cannot fill field '{}' of shape {} from '{}'; it has \"images\" (pictures), \"bbox\" "
                 "(boxes: f32[k <= 60, 4]) and \"category\" (kinds: class(20)[k])",
                 field.name, shapeText(field.shape), *name);
}

// Which annotations a picture has; what fits to nothing is an error.
static Status assign(CocoData &data) {
  std::unordered_map<int64_t, size_t> images;
  for (size_t i = 0; i < data.file.images.size(); ++i)
    if (!images.emplace(data.file.images[i].id, i).second)
      return failure("'{}': the id {} occurs twice among 'images'", data.path, data.file.images[i].id);
  std::set<int64_t> categories;
  for (const CocoFile::Category &category : data.file.categories)
    if (!categories.insert(category.id).second)
      return failure("'{}': the id {} occurs twice among 'categories'", data.path, category.id);
  data.annotations.resize(images.size());
  for (size_t i = 0; i < data.file.annotations.size(); ++i) {
    const CocoFile::Annotation &one = data.file.annotations[i];
    auto image = images.find(one.image);
    if (image == images.end())
      return failure("'{}': annotations[{}] belongs to image {}, which 'images' does not list", data.path, i,
                     one.image);
    const std::string &file = data.file.images[image->second].file;
    if (!categories.count(one.category))
      return failure("'{}': annotations[{}] of '{}' has the category {}, which 'categories' does not list", data.path,
                     i, file, one.category);
    if (!std::all_of(one.box.begin(), one.box.end(), [](double x) { return std::isfinite(x) && std::abs(x) < 1e9; }) ||
        one.box[2] < 0 || one.box[3] < 0)
      return failure("'{}': annotations[{}] of '{}' has a box of {} x {} pixels at ({}, {})", data.path, i, file,
                     one.box[2], one.box[3], one.box[0], one.box[1]);
    if (one.crowd)
      ++data.crowds;
    else
      data.annotations[image->second].push_back(i);
  }
  return Status::success();
}

static Expected<CocoData> readFile(FormatRequest &request, FormatResult &opened) {
  Expected<std::string> path = request.file();
  if (!path)
    return path.status();
  Expected<Bytes> content = openText(*path, opened);
  if (!content)
    return content.status();
  Expected<CocoFile> file = parseCoco(content->text());
  if (!file)
    return file.status().within("'" + *path + "'");
  CocoData data{*path, std::move(*file), {}, 0};
  if (data.file.images.empty())
    return failure("'{}' lists no images", *path);
  if (Status status = assign(data); status.failed())
    return status;
  return data;
}

static Expected<FileTree> openTree(FormatRequest &request, const std::string &path) {
  Expected<std::string> given = request.text("files", "");
  if (!given)
    return given.status();
  if (given->empty()) {
    size_t slash = path.rfind('/');
    return FileTree::folder(slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1)));
  }
  Expected<std::string> root = request.fileNamed("files");
  if (!root)
    return root.status();
  const bool isArchive = root->size() > 4 && root->compare(root->size() - 4, 4, ".zip") == 0;
  return isArchive ? FileTree::open(*root) : FileTree::folder(*root);
}

// More annotations than there is room for are no sample of this field.
static Status checkRoom(const CocoData &data, const Field &field, int64_t room) {
  size_t most = 0;
  for (size_t i = 0; i < data.annotations.size(); ++i)
    if (data.annotations[i].size() > data.annotations[most].size())
      most = i;
  const auto count = static_cast<int64_t>(data.annotations[most].size());
  if (count <= room)
    return Status::success();
  return failure("'{}': '{}' has {} boxes, the most of all; field '{}' has room for {}: declare [.. <= {}]", data.path,
                 data.file.images[most].file, count, field.name, room, count);
}

static KnownValues boxesOf(const CocoData &data, const Field &field) {
  KnownValues known{StoredType::F32, static_cast<uint64_t>(field.shape[0]) * 16, {}};
  known.rows.resize(known.rowBytes * data.annotations.size());
  for (size_t i = 0; i < data.annotations.size(); ++i)
    for (size_t k = 0; k < data.annotations[i].size(); ++k) {
      const std::array<double, 4> &box = data.file.annotations[data.annotations[i][k]].box;
      const float corners[] = {static_cast<float>(box[0]), static_cast<float>(box[1]),
                               static_cast<float>(box[0] + box[2]), static_cast<float>(box[1] + box[3])};
      std::memcpy(known.rows.data() + i * known.rowBytes + k * sizeof(corners), corners, sizeof(corners));
    }
  return known;
}

// The names of the categories in the order of their numbers, or that of `FIELD_names`.
static Expected<KnownValues> kindsOf(FormatRequest &request, const CocoData &data, const Field &field) {
  KnownValues known{StoredType::I32, static_cast<uint64_t>(field.shape[0]) * 4, {}};
  Expected<std::string> given = request.text(field.name + "_names", "");
  if (!given)
    return given.status();
  std::vector<CocoFile::Category> categories = data.file.categories;
  std::sort(categories.begin(), categories.end(), [](auto &a, auto &b) { return a.id < b.id; });
  if (!given->empty())
    known.names = splitNames(*given);
  else
    for (const CocoFile::Category &category : categories)
      known.names.push_back(category.name);
  if (static_cast<int64_t>(known.names.size()) != field.classes)
    return failure(
        "field '{}' is class({}), but {} has {} categories: {}; correct the declaration, or give the names in "
        "their order: {}_names: \"...\"",
        field.name, field.classes, given->empty() ? "'" + data.path + "'" : "'" + field.name + "_names'",
        known.names.size(), shownNames(known.names), field.name);
  std::unordered_map<int64_t, int32_t> numbers;
  for (const CocoFile::Category &category : categories) {
    auto found = std::find(known.names.begin(), known.names.end(), category.name);
    if (found == known.names.end())
      return failure("'{}': '{}' is none of the '{}_names' {}", data.path, category.name, field.name,
                     shownNames(known.names));
    numbers[category.id] = static_cast<int32_t>(given->empty() ? static_cast<std::ptrdiff_t>(numbers.size())
                                                               : found - known.names.begin());
  }
  known.rows.resize(known.rowBytes * data.annotations.size());
  for (size_t i = 0; i < data.annotations.size(); ++i)
    for (size_t k = 0; k < data.annotations[i].size(); ++k)
      std::memcpy(known.rows.data() + i * known.rowBytes + k * 4,
                  &numbers[data.file.annotations[data.annotations[i][k]].category], 4);
  return known;
}

static KnownValues countsOf(const CocoData &data) {
  KnownValues known{StoredType::I32, 4, {}};
  known.rows.resize(4 * data.annotations.size());
  for (size_t i = 0; i < data.annotations.size(); ++i) {
    const auto count = static_cast<int32_t>(data.annotations[i].size());
    std::memcpy(known.rows.data() + i * 4, &count, 4);
  }
  return known;
}

static Status fillField(FormatRequest &request, const CocoData &data, size_t number, ImageList &list) {
  const Field &field = request.fields()[number];
  Expected<CocoPart> part = partOf(request, field);
  if (!part)
    return part.status();
  if (*part == CocoPart::Picture) {
    for (const CocoFile::Image &image : data.file.images)
      list.cells[number].push_back(image.file);
    return Status::success();
  }
  if (*part == CocoPart::Frame)
    return Status::success();
  const int64_t room = *part == CocoPart::Count ? field.classes - 1 : field.shape[0];
  if (Status status = checkRoom(data, field, room); status.failed())
    return status;
  if (*part == CocoPart::Kinds) {
    Expected<KnownValues> known = kindsOf(request, data, field);
    if (!known)
      return known.status();
    list.known.emplace(number, std::move(*known));
  } else {
    list.known.emplace(number, *part == CocoPart::Boxes ? boxesOf(data, field) : countsOf(data));
  }
  return Status::success();
}

Expected<FormatResult> readCoco(FormatRequest &request) {
  FormatResult opened;
  Expected<CocoData> data = readFile(request, opened);
  if (!data)
    return data.status();
  Expected<FileTree> tree = openTree(request, data->path);
  if (!tree)
    return tree.status();
  const std::vector<Field> &fields = request.fields();
  ImageList list;
  list.tree = std::move(*tree);
  list.samples = static_cast<int64_t>(data->file.images.size());
  list.files = std::move(opened.files);
  list.source = data->path;
  list.cells.resize(fields.size());
  for (size_t i = 0; i < fields.size(); ++i)
    if (Status status = fillField(request, *data, i, list); status.failed())
      return status;
  if (std::all_of(list.cells.begin(), list.cells.end(), [](auto &cells) { return cells.empty(); }))
    return failure("reader 'coco' has no picture to read; declare one, such as 'fields image: u8[?, ?, 3]'");
  for (const CocoFile::Image &image : data->file.images) {
    if (image.file.empty() || image.file.find('\0') != std::string::npos)
      return failure("'{}': an image has no file name", data->path);
    list.sizes.push_back({image.height, image.width});
  }
  if (data->crowds > 0)
    list.notes.push_back(format("{} annotations of crowds in '{}' are left out", data->crowds, data->path));
  if (Status status = checkPresent(list, fields, format("'{}' names", data->path)); status.failed())
    return status;
  return readPictures(request, std::move(list));
}

} // namespace xfer::rt
