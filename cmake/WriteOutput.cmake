# cmake -DOUT=FILE -DPROGRAM=FILE -DWORDS=a;b -P WriteOutput.cmake
# Runs the program with these words and writes what it prints to OUT.
execute_process(
  COMMAND "${PROGRAM}" ${WORDS}
  OUTPUT_FILE "${OUT}.part"
  COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${OUT}.part" "${OUT}")
