# cmake -DOUT=FILE -DNAME=kName -DFILES=a;b -P EmbedFiles.cmake
# Writes a C++ source that defines `const char* const kName` in namespace
# fedgap: the text of the files, one after the other, each ended by a line feed.
file(WRITE "${OUT}.part"
     "// Made by cmake/EmbedFiles.cmake.\nnamespace fedgap {\n"
     "extern const char* const ${NAME};\nconst char* const ${NAME} =\n")
foreach(file IN LISTS FILES)
  file(READ "${file}" text)
  file(APPEND "${OUT}.part" "R\"fedgap-embed(${text})fedgap-embed\"\n\"\\n\"\n")
endforeach()
file(APPEND "${OUT}.part" ";\n}  // namespace fedgap\n")
file(RENAME "${OUT}.part" "${OUT}")
