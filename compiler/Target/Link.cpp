//===- Link.cpp - objects and the runtime to an executable --------------------------------------------------------===//

#include "compiler/Target/Link.h"
#include "compiler/Support/TemporaryFile.h"
#include "lld/Common/Driver.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(elf)

using namespace llvm;

namespace xfer {

static std::string inFolder(StringRef folder, StringRef file) {
  SmallString<128> path(folder);
  sys::path::append(path, file);
  return path.str().str();
}

static bool hasAll(StringRef folder, ArrayRef<StringRef> files) {
  return all_of(files, [&](StringRef file) { return sys::fs::exists(inFolder(folder, file)); });
}

/// The folder /usr/lib/gcc/MACHINE/VERSION with the highest version that has what is wanted.
static std::string findGcc(StringRef machine) {
  std::string best;
  unsigned bestVersion = 0;
  std::error_code error;
  for (sys::fs::directory_iterator at(inFolder("/usr/lib/gcc", machine), error), end; at != end && !error;
       at.increment(error)) {
    unsigned version = 0;
    StringRef name = sys::path::filename(at->path());
    if (name.split('.').first.getAsInteger(10, version) || version < bestVersion)
      continue;
    if (hasAll(at->path(), {"crtbeginS.o", "crtendS.o", "libgcc.a", "libgcc_eh.a", "libstdc++.a"})) {
      best = at->path();
      bestVersion = version;
    }
  }
  return best;
}

namespace {
/// What the runtime calls and a program takes along, each before those that it needs.
struct StaticLibrary {
  StringRef file, package;
};
} // namespace
constexpr StaticLibrary staticLibraries[] = {
    {"libjpeg.a", "libjpeg62-turbo-dev"}, {"libpng16.a", "libpng-dev"}, {"libz.a", "zlib1g-dev"}};

Expected<SystemLibraries> SystemLibraries::find() {
  SystemLibraries found;
  std::string missing;
  for (StringRef folder : {"/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"})
    if (found.startFiles.empty() && hasAll(folder, {"Scrt1.o", "crti.o", "crtn.o", "libc.so", "libm.so"}))
      found.startFiles = folder.str();
  if (found.startFiles.empty())
    missing += "\n  Scrt1.o, crti.o, crtn.o, libc.so, libm.so (Debian: libc6-dev)";
  for (StringRef machine : {"x86_64-linux-gnu", "x86_64-redhat-linux", "x86_64-pc-linux-gnu"})
    if (found.gcc.empty())
      found.gcc = findGcc(machine);
  if (found.gcc.empty())
    missing += "\n  crtbeginS.o, libgcc.a, libstdc++.a (Debian: libstdc++-12-dev)";
  for (const StaticLibrary &library : staticLibraries)
    if (!hasAll(found.startFiles, {library.file}))
      missing += ("\n  " + library.file + " (Debian: " + library.package + ")").str();
  found.loader = "/lib64/ld-linux-x86-64.so.2";
  if (!missing.empty())
    return createStringError(inconvertibleErrorCode(),
                             "linking a program needs files of this machine that are missing:%s", missing.c_str());
  return found;
}

Expected<std::string> findRuntime(StringRef executable) {
  SmallString<128> beside(sys::path::parent_path(sys::path::parent_path(executable)));
  sys::path::append(beside, "lib");
  for (StringRef folder : {StringRef(beside), StringRef(XFER_RUNTIME_FOLDER)})
    if (std::string path = inFolder(folder, "libxfer_rt.a"); sys::fs::exists(path))
      return path;
  return createStringError(inconvertibleErrorCode(), "the runtime (libxfer_rt.a) is neither in '%s' nor in '%s'",
                           beside.c_str(), XFER_RUNTIME_FOLDER);
}

static Error runLinker(ArrayRef<std::string> arguments, StringRef output) {
  SmallVector<const char *> raw;
  for (const std::string &argument : arguments)
    raw.push_back(argument.c_str());
  std::string messages;
  raw_string_ostream stream(messages);
  InterruptDelay delay;
  lld::Result result = lld::lldMain(raw, nulls(), stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return createStringError(inconvertibleErrorCode(), "linking '%s' failed:\n%s", output.str().c_str(),
                             StringRef(messages).rtrim().str().c_str());
  return Error::success();
}

#ifdef XFER_WATCHER_LIBRARIES
constexpr StringRef watcherLibraries[] = {XFER_WATCHER_LIBRARIES};
#else
constexpr ArrayRef<StringRef> watcherLibraries;
#endif

/// The libraries that a runtime and generated code call that a sanitizer watches, or whose lines are counted.
static void addWatchers(std::vector<std::string> &arguments) {
  arguments.push_back("--whole-archive");
  for (StringRef file : watcherLibraries)
    arguments.push_back(file.str());
  arguments.push_back("--no-whole-archive");
  arguments.push_back("--export-dynamic");
}

Error linkProgram(ArrayRef<std::string> objects, StringRef runtime, StringRef output, const LinkOptions &options) {
  Expected<SystemLibraries> system = SystemLibraries::find();
  if (!system)
    return system.takeError();
  std::vector<std::string> arguments = {"ld.lld",
                                        "-pie",
                                        "--eh-frame-hdr",
                                        "--gc-sections",
                                        "--hash-style=gnu",
                                        "-z",
                                        "relro",
                                        "-z",
                                        "now",
                                        "-dynamic-linker",
                                        system->loader,
                                        "-o",
                                        output.str()};
  bool watched = !ArrayRef(watcherLibraries).empty();
  if (options.strip && !watched) // a report names functions
    arguments.push_back("-s");
  for (StringRef file : {"Scrt1.o", "crti.o"})
    arguments.push_back(inFolder(system->startFiles, file));
  arguments.push_back(inFolder(system->gcc, "crtbeginS.o"));
  arguments.insert(arguments.end(), objects.begin(), objects.end());
  arguments.push_back(runtime.str());
  if (watched)
    addWatchers(arguments);
  for (StringRef file : {"libstdc++.a", "libgcc.a", "libgcc_eh.a"})
    arguments.push_back(inFolder(system->gcc, file));
  for (const StaticLibrary &library : staticLibraries)
    arguments.push_back(inFolder(system->startFiles, library.file));
  arguments.push_back("-L" + system->startFiles);
  for (StringRef library : {"-lm", "-lc"})
    arguments.push_back(library.str());
  arguments.push_back(inFolder(system->gcc, "libgcc.a"));
  arguments.push_back(inFolder(system->gcc, "crtendS.o"));
  arguments.push_back(inFolder(system->startFiles, "crtn.o"));

  return runLinker(arguments, output);
}

Error mergeObjects(ArrayRef<std::string> objects, StringRef output) {
  std::vector<std::string> arguments = {"ld.lld", "-r", "-o", output.str()};
  arguments.insert(arguments.end(), objects.begin(), objects.end());
  return runLinker(arguments, output);
}

} // namespace xfer
