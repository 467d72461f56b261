#include "dsl/Source/SourceManager.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <algorithm>
#include <tuple>

using namespace xfer::dsl;

SourceRange SourceRange::to(SourceRange other) const {
  if (!isValid())
    return other;
  if (!other.isValid())
    return *this;
  assert(file == other.file && "a range lies in one file");
  return {file, std::min(begin, other.begin), std::max(end, other.end)};
}

bool SourceRange::operator<(const SourceRange &o) const {
  return std::tie(file, begin, end) < std::tie(o.file, o.begin, o.end);
}

llvm::Expected<FileId> SourceManager::openFile(llvm::StringRef path) {
  // Not as text: a carriage return stays, so that offsets are those of the file. Not mapped: an editor may truncate
  // the file while it is compiled. Not whole: there are devices that never end.
  auto fail = [&](llvm::Error error) {
    std::error_code code = llvm::errorToErrorCode(std::move(error));
    return llvm::createStringError(code, "cannot read '" + path + "': " + code.message());
  };
  auto file = llvm::sys::fs::openNativeFileForRead(path);
  if (!file)
    return fail(file.takeError());
  std::string text;
  llvm::Error error = llvm::Error::success();
  for (size_t count = 1; count > 0 && text.size() <= maxFileSize;) {
    size_t before = text.size();
    text.resize(before + (64 << 10));
    auto read = llvm::sys::fs::readNativeFile(*file, {&text[before], text.size() - before});
    count = read ? *read : 0;
    text.resize(before + count);
    if (!read)
      error = read.takeError();
  }
  llvm::sys::fs::closeFile(*file);
  if (error)
    return fail(std::move(error));
  return addText(path, text);
}

FileId SourceManager::addText(llvm::StringRef name, llvm::StringRef text) {
  return sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, name), llvm::SMLoc());
}

llvm::StringRef SourceManager::getName(FileId file) const {
  return sources.getMemoryBuffer(file)->getBufferIdentifier();
}

llvm::StringRef SourceManager::getText(FileId file) const { return sources.getMemoryBuffer(file)->getBuffer(); }

llvm::StringRef SourceManager::getText(SourceRange range) const {
  return range.isValid() ? getText(range.file).slice(range.begin, range.end) : llvm::StringRef();
}

LineColumn SourceManager::getLineColumn(FileId file, uint32_t offset) const {
  llvm::StringRef text = getText(file);
  assert(offset <= text.size() && "offset outside of its file");
  auto [line, column] = sources.getLineAndColumn(llvm::SMLoc::getFromPointer(text.data() + offset), file);
  return {line, column};
}

llvm::StringRef SourceManager::getLine(FileId file, unsigned line) const {
  const char *start = sources.getBufferInfo(file).getPointerForLineNumber(line);
  if (!start)
    return {};
  const char *end = getText(file).end();
  llvm::StringRef rest(start, end - start);
  return rest.take_until([](char c) { return c == '\n' || c == '\r'; });
}
