#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "audio/audio.h"
#include "bundle/synthetic.h"
#include "support/result.h"

/// What the programs share.
namespace timbre::bench {

/// The value, or the end of the program with the error's message.
template <typename T>
T take(Result<T> result) {
  if (!result) {
    std::cerr << name(result.error().code) << ": " << result.error().message << '\n';
    std::exit(1);
  }
  return std::move(result).value();
}

/// A recording by formula, mono.
inline std::vector<float> voice(double seconds, int rate) {
  return bundle::synthesise("voice", seconds, 1, rate).value_or(std::vector<float>());
}

/// The path after `--model=`, else TIMBRE_BENCH_MODEL, else the bundle that comes with the project.
inline std::string model_path(int count, char** words) {
  constexpr std::string_view kFlag = "--model=";
  for (int i = 1; i < count; ++i) {
    if (const std::string_view word = words[i]; word.starts_with(kFlag)) return std::string(word.substr(kFlag.size()));
  }
  const char* const path = std::getenv("TIMBRE_BENCH_MODEL");
  return path ? path : TIMBRE_STARTER;
}

}  // namespace timbre::bench
