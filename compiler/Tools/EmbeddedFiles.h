//===- EmbeddedFiles.h - files that travel inside the compiler ------------------------------------------------===//

#ifndef XFER_COMPILER_TOOLS_EMBEDDEDFILES_H
#define XFER_COMPILER_TOOLS_EMBEDDEDFILES_H

namespace xfer {

struct EmbeddedFile {
  const char *path; ///< below the folder that they come from; null behind the last
  const char *text;
};
extern const EmbeddedFile embeddedLibrary[];  ///< stdlib/
extern const EmbeddedFile embeddedStarters[]; ///< Starters/: what `xferc new` writes

} // namespace xfer

#endif // XFER_COMPILER_TOOLS_EMBEDDEDFILES_H
