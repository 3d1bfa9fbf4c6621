# kaldi-native-fbank from its source distribution, without its own CMake (which downloads), against Debian's kissfft
# and Eigen. Only the files behind filter banks are built.
if(NOT EXISTS "${TIMBRE_KNF_SOURCE}/kaldi-native-fbank/csrc/feature-window.h")
  message(FATAL_ERROR "kaldi-native-fbank is not at ${TIMBRE_KNF_SOURCE}. Run `npm run setup`, which unpacks it there.")
endif()

# Debian's kissfft CMake config names files it does not install.
find_library(KISSFFT_LIBRARY kissfft-float REQUIRED)
find_path(KISSFFT_INCLUDE_DIR kiss_fftr.h PATH_SUFFIXES kissfft REQUIRED)
add_library(kissfft INTERFACE)
target_include_directories(kissfft SYSTEM INTERFACE "${KISSFFT_INCLUDE_DIR}")
target_link_libraries(kissfft INTERFACE "${KISSFFT_LIBRARY}")
find_package(Eigen3 3.4 REQUIRED NO_MODULE)

set(knf "${TIMBRE_KNF_SOURCE}/kaldi-native-fbank/csrc")
add_library(kaldi-native-fbank STATIC
  ${knf}/feature-functions.cc ${knf}/feature-window.cc ${knf}/kaldi-math.cc ${knf}/mel-computations.cc ${knf}/rfft.cc)
target_include_directories(kaldi-native-fbank SYSTEM PUBLIC "${TIMBRE_KNF_SOURCE}")
target_link_libraries(kaldi-native-fbank PRIVATE kissfft Eigen3::Eigen)
target_compile_options(kaldi-native-fbank PRIVATE -w)
