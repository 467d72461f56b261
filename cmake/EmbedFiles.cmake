# Writes OUTPUT, a C++ file that holds the text of every FILES relative to ROOT in the list NAME:
# cmake -DOUTPUT=.. -DNAME=.. -DROOT=.. -DFILES="a;b" -P
set(text "#include \"compiler/Tools/EmbeddedFiles.h\"\n\nconst xfer::EmbeddedFile xfer::${NAME}[] = {\n")
foreach(file ${FILES})
  file(READ ${ROOT}/${file} content)
  string(APPEND text "  {\"${file}\", R\"XFERFILE(${content})XFERFILE\"},\n")
endforeach()
string(APPEND text "  {nullptr, nullptr}};\n")
file(WRITE ${OUTPUT} "${text}")
