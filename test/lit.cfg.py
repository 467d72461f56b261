# FileCheck tests of the whole tree. Run `lit build/test` or `ctest -R lit`; a file or folder below build/test narrows it.
import os
import lit.formats

config.name = "xfer"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".xfer", ".test"]
config.excludes = ["golden", "Inputs", "data", "programs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.xfer_build, "test")
config.environment["PATH"] = os.pathsep.join([os.path.join(config.xfer_build, "bin"), config.llvm_tools, os.environ["PATH"]])
config.substitutions.append(("%xfer_source", config.xfer_source))
config.substitutions.append(("%xfer_build", config.xfer_build))
