# How this project builds a library, a tool and a test: one link style (the LLVM and MLIR shared libraries),
# one precompiled header for every room that includes MLIR.

# Everything that TableGen makes: any room may include it, so each waits for it.
add_custom_target(xfer-headers)

# xfer_library(NAME sources... [LINK libraries...] [EXCEPTIONS] [DEPENDS targets...])
function(xfer_library name)
  cmake_parse_arguments(ARG "EXCEPTIONS" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  if(NOT ARG_EXCEPTIONS)
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>)
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# xfer_mlir_library(NAME sources... [LINK libraries...] [DEPENDS tablegen-targets...])
function(xfer_mlir_library name)
  cmake_parse_arguments(ARG "" "" "LINK;DEPENDS" ${ARGN})
  xfer_library(${name} ${ARG_UNPARSED_ARGUMENTS} LINK ${ARG_LINK} MLIR LLVM DEPENDS xfer-headers ${ARG_DEPENDS})
  target_precompile_headers(${name} REUSE_FROM XferMLIRHeaders)
endfunction()

# Lets an executable read the precompiled header of the MLIR rooms. It is that of a library: its code is compiled as a
# library's is, not as an executable's, and without exceptions.
function(xfer_read_mlir_headers name)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIC -fno-exceptions)
  target_precompile_headers(${name} REUSE_FROM XferMLIRHeaders)
endfunction()

# xfer_tool(NAME sources... [LINK libraries...] [MLIR | EXCEPTIONS]): an executable of the compiler; MLIR: it includes MLIR
function(xfer_tool name)
  cmake_parse_arguments(ARG "MLIR;EXCEPTIONS" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  if(ARG_MLIR)
    xfer_read_mlir_headers(${name})
  elseif(NOT ARG_EXCEPTIONS)
    target_compile_options(${name} PRIVATE -fno-exceptions)
  endif()
endfunction()

# xfer_gtest(NAME sources... [LINK libraries...] [MLIR]): a GoogleTest executable known to ctest; MLIR: it includes MLIR
function(xfer_gtest name)
  cmake_parse_arguments(ARG "MLIR" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} gtest gtest_main)
  if(ARG_MLIR)
    xfer_read_mlir_headers(${name})
  endif()
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
endfunction()

# xfer_rooms(): adds every direct subfolder that has a CMakeLists.txt, in the order given
function(xfer_rooms)
  foreach(room ${ARGN})
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${room}/CMakeLists.txt)
      add_subdirectory(${room})
    endif()
  endforeach()
endfunction()
