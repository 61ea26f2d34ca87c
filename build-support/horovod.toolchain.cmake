# Horovod 0.28 asks for C++14; the headers of torch 2.x need C++17. CMake reads this file first and
# then, at the end of project(), the one below, which raises what "C++14" means to the compiler.
set(CMAKE_PROJECT_INCLUDE "${CMAKE_CURRENT_LIST_DIR}/horovod.cxx17.cmake")
