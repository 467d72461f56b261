#include "dsl/Doc/Reference.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace xfer::dsl;

/// Text with every run of blanks and line ends as one blank, comments left out; what is in quotes stays.
static std::string onOneLine(llvm::StringRef text) {
  std::string joined;
  bool blank = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#')
      i = std::min(text.find('\n', i), text.size());
    if (i == text.size())
      break;
    if (llvm::isSpace(text[i])) {
      blank = true;
      continue;
    }
    bool hangs = joined.empty() || joined.back() == '(' || joined.back() == '[' || text[i] == ')' || text[i] == ']';
    if (blank && !hangs)
      joined += ' ';
    blank = false;
    size_t end = i + 1;
    if (text[i] == '"') {
      for (; end < text.size() && text[end] != '"'; ++end)
        end += text[end] == '\\';
      end = std::min(end + 1, text.size());
    }
    joined += text.slice(i, end);
    i = end - 1;
  }
  return joined;
}

/// A value as far as a line shows it.
static std::string shorten(std::string text) {
  constexpr size_t shown = 100;
  return text.size() > shown ? text.substr(0, shown) + " .." : text;
}

/// The text from an item's start to what defines it.
static std::string signatureOf(const SourceManager &sources, const Item &item, SourceRange body) {
  llvm::StringRef text = sources.getText(SourceRange{item.range.file, item.range.begin, body.begin}).rtrim();
  text.consume_back("=");
  return onOneLine(text.rtrim());
}

static SourceRange rangeOf(const Body &body) { return body.value ? body.value->range : body.block->range; }

/// The comment that opens a file, unless it stands right above a definition and so belongs to that.
static std::string headerOf(llvm::StringRef text, const File &file) {
  std::string header;
  size_t size = text.size();
  while (true) {
    auto [line, rest] = text.split('\n');
    line = line.trim();
    if (!line.consume_front("#"))
      break;
    line.consume_front(" ");
    header += (header.empty() ? "" : "\n") + line.str();
    text = rest;
  }
  uint32_t next = size - text.size();
  for (const ItemPtr &item : file.items)
    if (item->range.begin == next && !llvm::isa<ImportItem>(*item))
      return "";
  return header;
}

/// Does a value of the type have extents that a comment should name?
static bool isTensor(const Type *type) {
  if (auto *dims = llvm::dyn_cast_or_null<DimsType>(type))
    return !dims->dims.empty();
  if (auto *named = llvm::dyn_cast_or_null<NamedType>(type))
    return named->dims && !named->dims->empty();
  return false;
}

static void addFormals(const SourceManager &sources, const std::vector<Formal> &formals, DocumentedEntry &entry) {
  for (const Formal &formal : formals) {
    DocumentedFormal made;
    made.name = formal.name.text;
    made.given = formal.given;
    if (formal.type)
      made.type = onOneLine(sources.getText(formal.type->range));
    if (formal.defaultValue)
      made.defaultValue = onOneLine(sources.getText(formal.defaultValue->range));
    entry.formals.push_back(std::move(made));
    entry.takesTensors |= isTensor(formal.type.get());
  }
}

std::vector<DocumentedEntry> xfer::dsl::collectEntries(const SourceManager &sources, const File &file) {
  std::vector<DocumentedEntry> entries;
  std::string header = headerOf(sources.getText(file.id), file);
  for (const ItemPtr &item : file.items) {
    DocumentedEntry entry;
    entry.kind = getSpelling(item->kind).str();
    auto take = [&](const Name &name, llvm::StringRef doc) {
      entry.name = name.text;
      entry.text = doc.str();
    };
    bool documented = llvm::TypeSwitch<const Item *, bool>(item.get())
                          .Case([&](const FnItem *fn) {
                            take(fn->name, fn->doc);
                            entry.signature = signatureOf(sources, *fn, rangeOf(fn->body));
                            addFormals(sources, fn->formals, entry);
                            return true;
                          })
                          .Case([&](const ModuleItem *module) {
                            take(module->name, module->doc);
                            entry.signature = signatureOf(sources, *module, module->body->range);
                            addFormals(sources, module->arguments, entry);
                            addFormals(sources, module->inputs, entry);
                            return true;
                          })
                          .Case([&](const ExportItem *exported) {
                            take(exported->name, exported->doc);
                            entry.signature = signatureOf(sources, *exported, rangeOf(exported->body));
                            addFormals(sources, exported->formals, entry);
                            return true;
                          })
                          .Case([&](const ConstItem *constant) {
                            take(constant->name, constant->doc);
                            entry.signature = shorten(onOneLine(sources.getText(constant->range)));
                            return true;
                          })
                          .Case([&](const ParamItem *param) {
                            take(param->slot.base, param->doc);
                            entry.signature = shorten(onOneLine(sources.getText(param->range)));
                            return true;
                          })
                          .Default([](const Item *) { return false; });
    if (!documented)
      continue;
    LineColumn at = sources.getLineColumn(item->range);
    entry.fileText = header;
    entry.file = sources.getName(file.id).str();
    entry.line = at.line;
    entry.column = at.column;
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string xfer::dsl::findGap(const DocumentedEntry &entry) {
  if (entry.text.empty())
    return "has no comment above it that says what it is";
  llvm::StringRef own = entry.text, shared = entry.fileText;
  bool namesShapes = (own.contains("->") && own.contains("[")) || (shared.contains("->") && shared.contains("["));
  if (entry.takesTensors && !namesShapes)
    return "takes tensors, and its comment does not say their shapes ('x: [n, d] -> [n]')";
  return "";
}
