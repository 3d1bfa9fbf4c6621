# LibTorch as one imported target, from a PyTorch wheel or a LibTorch archive.
#
# PyTorch's own CMake config asks for the CUDA toolkit as soon as the wheel was built with CUDA; the core needs only
# LibTorch's headers and shared libraries, whatever they were built with.
#
# Found through LIBTORCH (the folder that holds lib/ and include/) or Torch_DIR (its share/cmake/Torch).
# Defines LibTorch::LibTorch, LibTorch_LIBRARY_DIR, LibTorch_CUDA.
if(NOT LIBTORCH AND DEFINED ENV{LIBTORCH})
  set(LIBTORCH "$ENV{LIBTORCH}")
endif()
if(NOT LIBTORCH AND DEFINED ENV{Torch_DIR})
  set(Torch_DIR "$ENV{Torch_DIR}")
endif()
if(NOT LIBTORCH AND Torch_DIR)
  get_filename_component(LIBTORCH "${Torch_DIR}/../../.." ABSOLUTE)
endif()
if(NOT LIBTORCH)
  file(GLOB _libtorch "${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch")
  list(GET _libtorch 0 LIBTORCH)
endif()
set(LIBTORCH "${LIBTORCH}" CACHE PATH "Folder of LibTorch, with lib/ and include/")

find_path(LibTorch_INCLUDE_DIR torch/csrc/jit/serialization/import.h PATHS "${LIBTORCH}/include" NO_DEFAULT_PATH)
find_library(LibTorch_CPU_LIBRARY torch_cpu PATHS "${LIBTORCH}/lib" NO_DEFAULT_PATH)
find_library(LibTorch_C10_LIBRARY c10 PATHS "${LIBTORCH}/lib" NO_DEFAULT_PATH)
find_library(LibTorch_CUDA_LIBRARY torch_cuda PATHS "${LIBTORCH}/lib" NO_DEFAULT_PATH)
find_library(LibTorch_C10_CUDA_LIBRARY c10_cuda PATHS "${LIBTORCH}/lib" NO_DEFAULT_PATH)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS LibTorch_INCLUDE_DIR LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY)

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  get_filename_component(LibTorch_LIBRARY_DIR "${LibTorch_CPU_LIBRARY}" DIRECTORY)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED GLOBAL)
  target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE
    "${LibTorch_INCLUDE_DIR}" "${LibTorch_INCLUDE_DIR}/torch/csrc/api/include")
  target_link_libraries(LibTorch::LibTorch INTERFACE "${LibTorch_CPU_LIBRARY}" "${LibTorch_C10_LIBRARY}")
  set(LibTorch_CUDA OFF)
  if(LibTorch_CUDA_LIBRARY AND LibTorch_C10_CUDA_LIBRARY AND TIMBRE_CUDA)
    # Nothing refers to torch_cuda by symbol: it registers its kernels when it is loaded.
    set(LibTorch_CUDA ON)
    target_link_libraries(LibTorch::LibTorch INTERFACE
      "-Wl,--no-as-needed" "${LibTorch_CUDA_LIBRARY}" "${LibTorch_C10_CUDA_LIBRARY}" "-Wl,--as-needed")
  endif()
endif()
