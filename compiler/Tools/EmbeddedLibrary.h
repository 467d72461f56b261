//===- EmbeddedLibrary.h - the files of stdlib, inside the compiler -----------------------------------------------===//

#ifndef XFER_COMPILER_TOOLS_EMBEDDEDLIBRARY_H
#define XFER_COMPILER_TOOLS_EMBEDDEDLIBRARY_H

namespace xfer {

struct EmbeddedFile {
  const char *path; ///< below stdlib/; null behind the last
  const char *text;
};
extern const EmbeddedFile embeddedLibrary[];

} // namespace xfer

#endif // XFER_COMPILER_TOOLS_EMBEDDEDLIBRARY_H
