# kaldi-native-fbank from its source distribution, without its own CMake (which downloads), against Debian's kissfft
# and Eigen. Only the files behind filter banks and the real FFT are built.
if(NOT EXISTS "${TIMBRE_KNF_SOURCE}/kaldi-native-fbank/csrc/rfft.h")
  message(FATAL_ERROR "kaldi-native-fbank is not at ${TIMBRE_KNF_SOURCE}. Run `npm run setup`, which unpacks it there.")
endif()

# Debian's kissfft CMake config names files it does not install.
find_library(KISSFFT_LIBRARY kissfft-float REQUIRED)
find_path(KISSFFT_INCLUDE_DIR kiss_fftr.h PATH_SUFFIXES kissfft REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)

set(knf "${TIMBRE_KNF_SOURCE}/kaldi-native-fbank/csrc")
add_library(kaldi-native-fbank STATIC
  ${knf}/feature-fbank.cc ${knf}/feature-functions.cc ${knf}/feature-window.cc ${knf}/kaldi-math.cc
  ${knf}/mel-computations.cc ${knf}/rfft.cc)
target_include_directories(kaldi-native-fbank SYSTEM PUBLIC "${TIMBRE_KNF_SOURCE}" PRIVATE "${KISSFFT_INCLUDE_DIR}")
target_link_libraries(kaldi-native-fbank PRIVATE ${KISSFFT_LIBRARY} Eigen3::Eigen)
target_compile_options(kaldi-native-fbank PRIVATE -w)
