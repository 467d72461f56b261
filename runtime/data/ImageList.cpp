#include "runtime/data/ImageList.h"
#include "runtime/core/File.h"
#include "runtime/data/CsvText.h"
#include "runtime/data/PathPattern.h"
#include "runtime/data/TextFormat.h"
#include <algorithm>
#include <set>

namespace xfer::rt {

static bool endsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// The files that are taken where no pattern says which.
static bool looksLikeImage(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return endsWith(name, ".jpg") || endsWith(name, ".jpeg") || endsWith(name, ".png");
}

// All of them, not the first alone: whoever must find them again wants to know which.
Status checkPresent(const ImageList &list, const std::vector<Field> &fields, const std::string &where) {
  constexpr size_t shown = 100;
  std::set<std::string> missing;
  for (size_t field = 0; field < fields.size(); ++field)
    if (list.isPicture(fields, field))
      for (const std::string &file : list.cells[field])
        if (!list.tree.has(file))
          missing.insert(file);
  if (missing.empty())
    return Status::success();
  std::string names;
  size_t count = 0;
  for (const std::string &file : missing)
    if (count++ < shown)
      names += "\n  " + list.tree.nameOf(file);
  if (count > shown)
    names += format("\n  and {} more", count - shown);
  return failure("{} {} files that are not there:{}", where, count, names);
}

//===--- folders and archives -----------------------------------------------------------------------------------===//

namespace {
// A pattern for each field; that of the first picture finds the samples, the others are filled with what it found.
struct TreePatterns {
  size_t main = 0;
  bool given = false; // else every image is taken
  std::vector<PathPattern> all;
};
} // namespace

static Expected<TreePatterns> findPatterns(FormatRequest &request) {
  const std::vector<Field> &fields = request.fields();
  TreePatterns patterns;
  while (patterns.main < fields.size() && !isPicture(fields[patterns.main]))
    ++patterns.main;
  if (patterns.main == fields.size())
    return failure("reader 'images' has no picture to read; declare one, such as 'fields image: u8[64, 64, 3]'");
  std::string ofClass; // the folder names the class
  for (const Field &field : fields)
    if (!isPicture(field) && !isFrame(field) && ofClass.empty())
      ofClass = field.name;
  for (size_t i = 0; i < fields.size(); ++i) {
    const Field &field = fields[i];
    if (isFrame(field)) { // is asked of its picture
      patterns.all.push_back({});
      continue;
    }
    const std::string otherwise = i != patterns.main ? "{" + field.name + "}"
                                  : ofClass.empty()  ? "**"
                                                     : "{" + ofClass + "}/**";
    Expected<std::string> text = request.text(field.name, "");
    if (!text)
      return text.status();
    if (i == patterns.main)
      patterns.given = !text->empty();
    if (i != patterns.main && text->empty() && isPicture(field))
      return failure(
          "reader 'images' has a second picture '{}'; say where its files are, such as {}: \"../masks/*.png\"",
          field.name, field.name);
    Expected<PathPattern> pattern = PathPattern::parse(text->empty() ? otherwise : *text);
    if (!pattern)
      return pattern.status();
    patterns.all.push_back(std::move(*pattern));
  }
  return patterns;
}

// The one folder that holds everything, with its slash; empty if there is none.
static std::string sharedFolder(const std::vector<std::string> &names) {
  if (names.empty() || names[0].find('/') == std::string::npos)
    return "";
  std::string first = names[0].substr(0, names[0].find('/') + 1);
  bool shared = std::all_of(names.begin(), names.end(),
                            [&](const std::string &name) { return name.compare(0, first.size(), first) == 0; });
  return shared ? first : "";
}

static Status takeSample(const TreePatterns &patterns, const std::string &prefix, const std::string &file,
                         const PathMatch &match, const std::vector<Field> &fields, ImageList &list) {
  for (size_t i = 0; i < patterns.all.size(); ++i) {
    if (isFrame(fields[i]))
      continue;
    if (i == patterns.main) {
      list.cells[i].push_back(file);
      continue;
    }
    Expected<std::string> text = patterns.all[i].fill(match);
    if (!text)
      return text.status().within("field '" + fields[i].name + "'");
    list.cells[i].push_back(isPicture(fields[i]) ? simplePath(prefix + *text) : *text);
  }
  ++list.samples;
  return Status::success();
}

static Expected<int64_t> takeMatching(const TreePatterns &patterns, const std::string &prefix,
                                      const std::vector<Field> &fields, ImageList &list) {
  int64_t passed = 0;
  for (const std::string &name : list.tree.names()) {
    if (!patterns.given && !looksLikeImage(name)) {
      ++passed;
      continue;
    }
    PathMatch match;
    if (!patterns.all[patterns.main].match(name.substr(prefix.size()), match))
      continue;
    if (Status status = takeSample(patterns, prefix, name, match, fields, list); status.failed())
      return status;
  }
  return passed;
}

// A class folder without an image is a download that failed, or a name that nobody wanted to be a class.
static Status checkFolders(const ImageList &list) {
  std::set<std::string> full;
  const std::string &root = list.tree.path();
  for (const std::string &name : list.tree.names())
    if (looksLikeImage(name))
      full.insert(name.substr(0, name.find('/')));
  Expected<std::vector<std::string>> folders = foldersIn(root);
  if (!folders)
    return folders.status();
  std::string names;
  for (const std::string &folder : *folders)
    if (!full.count(folder))
      names += (names.empty() ? "'" : ", '") + folder + "'";
  if (names.empty())
    return Status::success();
  return failure("in '{}' each folder is a class, but there is no image in {}; remove the folder or fill it", root,
                 names);
}

static Expected<ImageList> listTree(FormatRequest &request, const std::string &root) {
  Expected<TreePatterns> patterns = findPatterns(request);
  if (!patterns)
    return patterns.status();
  Expected<FileTree> tree = FileTree::open(root);
  if (!tree)
    return tree.status();
  ImageList list;
  list.tree = std::move(*tree);
  const std::vector<Field> &fields = request.fields();
  list.cells.resize(fields.size());
  bool hasClasses = std::any_of(fields.begin(), fields.end(),
                                [](const Field &field) { return !isPicture(field) && !isFrame(field); });
  // Archives often hold one folder with everything in it.
  std::string prefix = list.tree.isArchive() && !patterns->given ? sharedFolder(list.tree.names()) : "";
  Expected<int64_t> passed = takeMatching(*patterns, prefix, fields, list);
  if (passed && list.samples == 0 && list.tree.isArchive()) {
    prefix = prefix.empty() ? sharedFolder(list.tree.names()) : "";
    passed = takeMatching(*patterns, prefix, fields, list);
  }
  if (!passed)
    return passed.status();
  if (list.samples == 0)
    return patterns->given ? failure("no file in '{}' fits the pattern of '{}'; it has {} files{}", root,
                                     fields[patterns->main].name, list.tree.names().size(),
                                     list.tree.names().empty() ? "" : ", such as '" + list.tree.names()[0] + "'")
                           : failure("'{}' holds no images{}; JPEG and PNG are read", root,
                                     hasClasses ? " in folders, one for each class" : "");
  if (!patterns->given && hasClasses && !list.tree.isArchive())
    if (Status status = checkFolders(list); status.failed())
      return status;
  if (*passed > 0)
    list.notes.push_back(
        format("{} files in '{}' are passed over: their names do not end in .jpg, .jpeg or .png", *passed, root));
  if (Status status = checkPresent(list, fields, format("the images in '{}' want", root)); status.failed())
    return status;
  return list;
}

//===--- tables -------------------------------------------------------------------------------------------------===//

static Expected<std::vector<size_t>> columnsOf(FormatRequest &request, const CsvText &text, const std::string &path) {
  std::vector<std::string> header(text.cells().begin(), text.cells().end());
  std::vector<size_t> columns;
  for (const Field &field : request.fields()) {
    if (isFrame(field)) {
      columns.push_back(header.size());
      continue;
    }
    Expected<std::string> name = request.text(field.name, field.name);
    if (!name)
      return name.status();
    auto found = std::find(header.begin(), header.end(), *name);
    if (found == header.end()) {
      std::string names;
      for (const std::string &one : header)
        names += (names.empty() ? "" : ", ") + one;
      return failure("there is no column '{}' in '{}'; its first line has {}", *name, path, names);
    }
    columns.push_back(static_cast<size_t>(found - header.begin()));
  }
  return columns;
}

static Expected<ImageList> listTable(FormatRequest &request, const std::string &path) {
  FormatResult opened;
  Expected<Bytes> content = openText(path, opened);
  if (!content)
    return content.status();
  const std::vector<Field> &fields = request.fields();
  if (std::none_of(fields.begin(), fields.end(), isPicture))
    return failure("reader 'images' has no picture to read; csv reads the table alone");
  ImageList list;
  list.files = std::move(opened.files);
  size_t slash = path.rfind('/');
  list.tree = FileTree::folder(slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1)));
  list.cells.resize(fields.size());
  const bool tabs = endsWith(path, ".tsv") || endsWith(path, ".tsv.gz");
  CsvText text(content->text(), tabs ? '\t' : ',', !tabs, path);
  Expected<bool> more = text.next();
  if (!more || !*more)
    return more ? failure("'{}' is empty", path) : more.status();
  Expected<std::vector<size_t>> columns = columnsOf(request, text, path);
  if (!columns)
    return columns.status();
  while ((more = text.next()) && *more) {
    for (size_t field = 0; field < fields.size(); ++field) {
      if (isFrame(fields[field]))
        continue;
      std::string_view cell = text.cells()[(*columns)[field]];
      if (cell.empty() || cell.find('\0') != std::string_view::npos)
        return failure("'{}' line {}: field '{}' has {}", path, text.line(), fields[field].name,
                       cell.empty() ? "no value" : "a zero byte");
      list.cells[field].emplace_back(cell);
    }
    ++list.samples;
  }
  if (!more)
    return more.status();
  if (list.samples == 0)
    return failure("'{}' has a first line and no files", path);
  if (Status status = checkPresent(list, fields, format("'{}' names", path)); status.failed())
    return status;
  return list;
}

// Single files, named one by one.
static Expected<ImageList> listFiles(FormatRequest &request, std::vector<std::string> paths) {
  const std::vector<Field> &fields = request.fields();
  size_t main = 0;
  while (main < fields.size() && !isPicture(fields[main]))
    ++main;
  if (main == fields.size() || std::any_of(fields.begin(), fields.end(), [&](const Field &field) {
        return &field != &fields[main] && field.name != frameName(fields[main]);
      }))
    return failure("'{}' is one image; the other fields of a sample are known from a folder or a table", paths[0]);
  ImageList list;
  list.tree = FileTree::folder("");
  list.samples = static_cast<int64_t>(paths.size());
  list.cells.resize(fields.size());
  list.cells[main] = std::move(paths);
  if (Status status = checkPresent(list, fields, "the program was given"); status.failed())
    return status;
  return list;
}

Expected<ImageList> listImages(FormatRequest &request) {
  Expected<std::vector<std::string>> roots = request.allFiles();
  if (!roots)
    return roots.status();
  if (std::all_of(roots->begin(), roots->end(), looksLikeImage))
    return listFiles(request, std::move(*roots));
  std::string &root = roots->front();
  if (roots->size() > 1)
    return failure(
        "'{}' and '{}' are not both images; several files are read one by one, but only one folder, archive or "
        "table",
        root, roots->back());
  while (root.size() > 1 && root.back() == '/')
    root.pop_back();
  for (const char *end : {".csv", ".tsv", ".csv.gz", ".tsv.gz"})
    if (endsWith(root, end))
      return listTable(request, root);
  return listTree(request, root);
}

} // namespace xfer::rt
