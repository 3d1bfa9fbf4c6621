#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "support/error.h"

namespace timbre::fuzz {

/// What must hold whatever the bytes are; without it the fuzzer has a finding.
inline void expect(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

/// An error that a person can do something with: of the codes with these beginnings, and with a message.
inline void expect_typed(const Error& error, std::initializer_list<std::string_view> codes) {
  bool known = false;
  for (const std::string_view code : codes) known = known || name(error.code).starts_with(code);
  if (!known) std::fprintf(stderr, "%s: %s\n", std::string(name(error.code)).c_str(), error.message.c_str());
  expect(known, "the error is one that its function names");
  expect(!error.message.empty(), "the error has a message");
}

}  // namespace timbre::fuzz

/// libFuzzer's entry. Always 0.
extern "C" __attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const std::uint8_t* bytes,
                                                                             std::size_t size);
